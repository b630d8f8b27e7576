#!/bin/bash
# A signal that ends is answered within five seconds, whatever hangs: the receiver, the link, a worker, the process at work itself, a reader of our output.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
mkdir "$WORK/src"; tree random "$WORK/src/f" 40000000
job() { printf '[job]\nname = hang\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n[transfer]\nbandwidth = 1M\n' \
    "$PORT" "$WORK/dst" "$KEY" "$KNOWN" "$WORK/src" >"$WORK/hang.conf"; }
job; SET=()
phase() { "$REHOST" -c "$WORK/hang.conf" status --json 2>/dev/null | jq -e --arg p "$1" '.phase == $p'; }
# named NAME: process ids of rehost's processes with that role or file name.
named() { local p; for p in $(rehost_processes); do case "$(tr '\0' ' ' <"/proc/$p/cmdline") $(readlink "/proc/$p/exe")" in *"$1"*) echo "$p" ;; esac; done; }
start() { start_rehost -c "$WORK/hang.conf" "$@"; until_true 10 phase copying || { not_ok "it does not begin"; note <"$ERR"; }; sleep 0.3; }
# ends WHAT [CODE]: SIGTERM now, and it ends in time; what was frozen goes on, so that it can go.
ends() {
    kill -TERM "$BG"; wait_rehost 8; expect "${2:-143}" "$1"; below "$1: within 5 s" "$TOOK" 5
    [ -z "${FROZEN:-}" ] || kill -CONT $FROZEN 2>/dev/null; FROZEN=
    until_true 10 no_processes || { not_ok "$1: processes left: $(ps -o pid,stat,args -p "$(rehost_processes | paste -sd,)")"; kill -KILL $(rehost_processes); }
}
freeze() { FROZEN="$*"; [ -n "$FROZEN" ] && kill -STOP $FROZEN || not_ok "nothing to freeze"; sleep 0.3; }

for transport in ssh libssh2; do
    start --set target.transport=$transport copy; freeze $(named rehost-receiver); ends "$transport: the receiver is frozen"
    start --set target.transport=$transport copy; freeze $(descendants "$SSHD_PID"); ends "$transport: the server is frozen"
done
start --set target.transport=ssh copy; freeze $(descendants "$BG" | while read -r p; do case $(readlink "/proc/$p/exe") in */ssh) echo "$p" ;; esac; done); ends "ssh is frozen"
start copy; freeze $(named role=mover); ends "the mover is frozen"
start copy; "$REHOST" -c "$WORK/hang.conf" pause >/dev/null; ends "the job is paused"
# The process at work itself: as it is when a disk of this host does not answer.
start copy; freeze "$(pgrep -P "$BG")"; ends "the process at work is frozen"; has "and says what became of it" "$ERR" 'RH0002.*did not end in time'
start copy; freeze "$(pgrep -P "$BG")"; kill -TERM "$BG"; sleep 0.6; ends "a second signal ends at once"; below "at once" "$TOOK" 1
rehost -c "$WORK/hang.conf" status; expect 0 "the state can be read"

# Nobody reads what we print.
mkfifo "$WORK/pipe"; sleep 30 <>"$WORK/pipe" & reader=$!
for i in {1..3000}; do : >"$WORK/src/a-name-that-makes-long-lines-of-output-$i"; done
"$REHOST" -c "$WORK/hang.conf" -i copy >"$WORK/pipe" 2>"$ERR" </dev/null & BG=$!
sleep 2; ends "nobody reads standard output"; kill "$reader"; rm -f "$WORK/src/"a-name* "$WORK/dst/"a-name*

# Before there is a connection, and between two tries.
printf '#!/bin/sh\nsleep 20\n' >"$WORK/ssh-slow"; chmod 755 "$WORK/ssh-slow"
start_rehost -c "$WORK/hang.conf" --set target.ssh_command="$WORK/ssh-slow" copy; sleep 1; ends "ssh -G hangs"
start --set retry.interval=30m run; kill "$SSHD_PID" $(descendants "$SSHD_PID")
until_true 10 phase "waiting for the link"; sleep 1.5; ends "between two tries to connect"
start_sshd; job; SET=()
rehost -c "$WORK/hang.conf" --set transfer.bandwidth=off copy; expect 0 "a run after all of this"; same "identical" "$WORK/src" "$WORK/dst"
no_leftovers "at the end"
finish
