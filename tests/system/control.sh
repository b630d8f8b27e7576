#!/bin/bash
# The running job: status, pause, resume, stop, limits, by the socket in the run directory that only its owner and root can use.
. "$(dirname "$0")/lib.sh"
start_sshd "ClientAliveInterval 1" "ClientAliveCountMax 2"
mkdir "$WORK/src"; tree random "$WORK/src/f" 30000000; tree random "$WORK/src/g" 30000000
job() { printf '[job]\nname = %s\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\ntransport = %s\n[source]\nroot = %s\n[transfer]\nbandwidth = 2M\n' \
    "$1" "$PORT" "$WORK/dst-$1" "$KEY" "$KNOWN" "$2" "$WORK/src" >"$WORK/$1.conf"; }
job one libssh2; job two ssh
SSH_SET=("${SET[@]}") SET=()
# ask JOB ARGS...: a command to it; its output in $A and $E.
A=$WORK/a E=$WORK/e
ask() { local j=$1; shift; OUT=$A ERR=$E rehost -c "$WORK/$j.conf" "$@"; }
shows() { ask "$1" status --json; [ "$(jq -r "$2" "$A")" = "$3" ]; }
done_bytes() { ask "$1" status --json; jq -r '.bytes_done // 0' "$A"; }
SOCK=$REHOST_RUN_DIR/one.sock

# Nobody runs.
for c in pause resume stop limits; do ask one $c; expect 1 "$c of a job that does not run"; has "$c says so" "$E" "RH1020.*'one' is not running"; done
ask one limits cpu=banana; expect 64 "a bad value is a mistake of usage"

# Two jobs at once.
start_rehost -c "$WORK/one.conf" copy; ONE=$BG
OUT=$WORK/out2 ERR=$WORK/err2 start_rehost -c "$WORK/two.conf" copy; TWO=$BG
for j in one two; do until_true 10 shows $j '.phase' copying && ok "job $j runs" || not_ok "job $j does not run"; done
equal "the socket is its owner's alone" "$(stat -c '%a %U %F' "$SOCK")" "600 $ME socket"
equal "and so is the run directory" "$(stat -c %a "$REHOST_RUN_DIR")" 700
ask one pause; expect 0 "pause"; has "and says so" "$A" 'job one is paused'
ask one pause; expect 0 "pause of a paused job"; has "and says so" "$A" 'was paused already'
ask one status; has "status says that it is held, and by what" "$A" "held: +by 'rehost pause'"; has "and paused" "$A" 'progress: +paused '
check "status --json says so, too" shows one '.held | join(",")' user
sleep 0.3; a=$(done_bytes one); b2=$(done_bytes two); sleep 3.5; equal "nothing moves while it is paused" "$(done_bytes one)" "$a"
above "the other job goes on" "$(done_bytes two)" "$b2"
kill -USR1 "$ONE"; until_true 3 grep -q 'paused' "$ERR"; has "SIGUSR1 says paused" "$ERR" '^rehost: paused '

# Limits, while it runs.
ask one limits; expect 0 "limits"; has "shows what holds, and what keeps it" "$A" '^bandwidth +2M +2.00 MiB/s now, by a rate'
ask one limits cpu=200% bandwidth=20M; expect 64 "all or nothing"; ask one limits; has "nothing has changed" "$A" '^bandwidth +2M'
ask one limits 'bandwidth=00:00,2000K 12:00,2000K'; has "a long value is a column of its own" "$A" '^bandwidth +00:00,2000K 12:00,2000K 1.95 MiB/s now'
ask one limits bandwidth=off; expect 0 "limits bandwidth=off"; has "and shows it" "$A" '^bandwidth +off'
ask one limits --json cpu=50%; check "a new limit is kept by somebody, or said not to be" jq -se 'any(.name == "cpu" and .value == "50%" and (.keeper | test("^by |^not kept")))' "$A"
ask one limits cpu=off; ask one limits --json io_read=500M; check "limits --json is JSON" jq -se 'any(.name == "io_read" and .value == "500M")' "$A"
check "still paused" shows one .phase paused

# What comes over the socket need not be sensible.
raw() { "$PY" -c 'import socket,sys
s=socket.socket(socket.AF_UNIX); s.settimeout(3); s.connect(sys.argv[1]); s.sendall(eval(sys.argv[2]))
try: print(s.recv(65536).decode(errors="replace"))
except OSError: print("closed")' "$SOCK" "$1" >"$WORK/raw" 2>&1; }
raw 'b"nonsense\n"'; has "nonsense is refused" "$WORK/raw" '"ok":false'
raw 'b"{\"version\":9,\"command\":\"stop\"}\n"'; has "another version is refused" "$WORK/raw" '"ok":false.*version 1'
raw 'b"x" * 5000'; hasnt "a line without end is dropped" "$WORK/raw" ok
"$PY" - "$SOCK" <<'END' >"$WORK/raw" 2>&1 && ok "idle and slow clients are bounded" || { not_ok "idle and slow clients are bounded"; note <"$WORK/raw"; }
import socket, sys
idle = []
for i in range(30):  # more than there is room for: those that find none wait in the backlog or are refused
    s = socket.socket(socket.AF_UNIX); s.settimeout(1)
    try: s.connect(sys.argv[1])
    except OSError: break
    idle.append(s)
for s in idle[:4]:
    try: s.sendall(b'{"version":1,"command":"status"}\n' * 100)  # and never reads
    except OSError: pass
END
ask one status --json; check "the job answers afterwards" jq -e '.phase == "paused"' "$A"

# Only the owner and root.
if as_tester 2>/dev/null; then
    chmod 711 "$REHOST_RUN_DIR"; chmod 644 "$WORK/one.conf"
    T=("${AS[@]}" "REHOST_RUN_DIR=$REHOST_RUN_DIR"); AS=("${T[@]}")
    ask one pause; expect 1 "another user is refused"; has "and told why" "$E" 'RH10(20|21)'
    chmod 666 "$SOCK"; ask one resume; expect 1 "even where the socket's mode would let him"; AS=()
    check "he has changed nothing" shows one .phase paused
    chmod 600 "$SOCK"; chmod 700 "$REHOST_RUN_DIR"
fi

# On.
ask one resume; expect 0 "resume"; has "and says so" "$A" 'job one is resumed'
BG=$ONE wait_rehost 20; expect 0 "the job ends well after a pause longer than the server waits for a silent client"
same "identical" "$WORK/src" "$WORK/dst-one"
refute "the socket is gone" test -e "$SOCK"
ask two pause; ask two stop; expect 0 "stop, of a paused job"; has "and says that it has ended" "$A" 'job two has ended'; below "within 5 s" "$TOOK" 5
BG=$TWO wait_rehost 1; expect 143 "the stopped job's own exit code"; has "and message" "$WORK/err2" "ended by 'rehost stop'"
ask two status --json; check "its state is kept" jq -e '.last_exit_code == 143 and .running == false' "$A"

# run: what is changed holds in all its steps; stop ends all of it. SRC DST by its name.
SET=("${SSH_SET[@]}" --set job.name=mine); start_rehost --bwlimit 1M sync "$WORK/src" "$ME@127.0.0.1:$PORT:$WORK/dst-mine"; SET=()
mine() { OUT=$A ERR=$E rehost --set job.name=mine "$@"; }
asked_mine() { mine status --json && jq -e '.phase == "syncing"' "$A"; }
until_true 10 asked_mine; mine pause; expect 0 "a job with SRC and DST, by its name"
ask one pause; expect 1 "no other job is meant"; has "those that run are named" "$E" 'running: mine;'
# kill -9: the socket stays; the next run replaces it.
kill -KILL "$BG"; wait "$BG" 2>/dev/null; until_true 6 no_processes
check "a killed job leaves its socket" test -S "$REHOST_RUN_DIR/mine.sock"
mine pause; expect 1 "which nobody answers"; has "and that is known" "$E" RH1020
SET=("${SSH_SET[@]}" --set job.name=mine); start_rehost sync "$WORK/src" "$ME@127.0.0.1:$PORT:$WORK/dst-mine"; SET=(); wait_rehost 60; expect 0 "the next run replaces it"
refute "and removes it" test -e "$REHOST_RUN_DIR/mine.sock"
finish
