#!/bin/bash
# The link is cut, stalls, or the server restarts: a configured job reopens it and comes to its end; nothing is lost or doubled.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src
tree make "$SRC" --entries 1000 --big 12000000 >/dev/null; tree random "$SRC/large" 40000000
relay() { # relay OPTIONS...: starts one, sets R and RELAY
    rm -f "$WORK/relay-port"; "$PY" "$HERE/relay.py" 0 127.0.0.1 "$PORT" --port-file "$WORK/relay-port" "$@" & RELAY=$!
    until_true 5 test -s "$WORK/relay-port"; R=$(cat "$WORK/relay-port")
    printf '[127.0.0.1]:%s %s\n' "$R" "$(cut -d' ' -f1,2 "$WORK/ssh/host_key.pub")" >>"$KNOWN"
    printf '[job]\nname = loss\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$R" "$WORK/dst" "$KEY" "$KNOWN" "$SRC" >"$WORK/job.conf"
}
fresh() { tree clear-flags "$WORK/dst" 2>/dev/null; rm -rf "$WORK/dst" "$REHOST_STATE_DIR"; }
SET=()
for transport in ssh libssh2; do
    for bytes in 1000 4000 20000 300000 3000000 30000000; do
        fresh; relay --cut-after $bytes
        LIMIT=200 rehost -c "$WORK/job.conf" --set target.transport=$transport copy
        # A cut within the first handshake is a first connection that fails.
        if [ $bytes -lt 10000 ] && [ "$RC" = 69 ]; then ok "$transport: cut after $bytes bytes: 69"; rehost -c "$WORK/job.conf" --set target.transport=$transport copy; fi
        expect 0 "$transport: copy, the link cut after $bytes bytes"
        same "$transport, $bytes: identical" "$SRC" "$WORK/dst"
        kill $RELAY; no_leftovers "$transport, $bytes"
    done
    # Again and again, in a sync with changes.
    tree mutate "$SRC" --seed 77 --count 60 >/dev/null; tree random "$SRC/large" 40000000 --seed 5
    relay; start_rehost -c "$WORK/job.conf" --set target.transport=$transport --bwlimit 6M sync --adopt # another port is another target
    until_true 30 jq -e ".unclean | length > 0" "$REHOST_STATE_DIR/loss/state.json" # it is linked: a first connection is not tried again
    for _ in 1 2 3 4; do sleep 1.5; kill -USR1 $RELAY; done
    wait_rehost 240; expect 0 "$transport: sync, cut four times"; same "$transport: identical" "$SRC" "$WORK/dst"
    kill $RELAY
done

# sshd ends with all its sessions, and is back some seconds later.
fresh; relay
start_rehost -c "$WORK/job.conf" --bwlimit 6M copy; sleep 2
conf=$WORK/ssh/sshd_$PORT; for p in "$SSHD_PID" $(descendants "$SSHD_PID"); do kill -KILL "$p" 2>/dev/null; done
sleep 4; /usr/sbin/sshd -D -e -f "$conf" >>"$SSHD_LOG" 2>&1 & SSHD_PID=$!; SSHD_PIDS+=("$SSHD_PID")
wait_rehost 240; expect 0 "the server restarts"; same "restart: identical" "$SRC" "$WORK/dst"

# The receivers are killed at the target.
fresh; start_rehost -c "$WORK/job.conf" --bwlimit 6M copy; sleep 2
for p in $(rehost_processes); do case $(readlink "/proc/$p/exe") in *receiver*) kill -KILL "$p" ;; esac; done
wait_rehost 240; check "killed receivers: reopened, or a plain failure (exit $RC)" test "$RC" = 0 -o "$RC" = 1 -o "$RC" = 69
LIMIT=240 rehost -c "$WORK/job.conf" copy; expect 0 "and again"; same "killed receivers: identical" "$SRC" "$WORK/dst"

# A link that falls silent ends by a signal within 5 s all the same.
fresh; start_rehost -c "$WORK/job.conf" --bwlimit 6M copy; sleep 2; kill -USR2 $RELAY; sleep 2
kill -TERM "$BG"; wait_rehost 8; expect 143 "SIGTERM on a silent link"; below "within 5 s" "$TOOK" 5
kill -USR2 $RELAY; until_true 20 no_processes
LIMIT=240 rehost -c "$WORK/job.conf" copy; expect 0 "a re-run"; same "silent link: identical" "$SRC" "$WORK/dst"
# With SRC DST a lost link is reopened, or the end with 69; never a wrong success.
tree clear-flags "$WORK/adhoc" 2>/dev/null; kill $RELAY; relay --cut-after 3000000; use_ssh
LIMIT=120 rehost copy "$SRC" "root@127.0.0.1:$R:$WORK/adhoc"; check "SRC DST: 0 or 69 (exit $RC)" test "$RC" = 0 -o "$RC" = 69
[ "$RC" = 0 ] && same "SRC DST: identical" "$SRC" "$WORK/adhoc"
kill $RELAY; no_leftovers "at the end"
finish
