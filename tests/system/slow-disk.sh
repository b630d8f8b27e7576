#!/bin/bash
# A signal that ends is answered within five seconds though a disk of this host, or the target's, takes minutes for a page: processes
# that cannot be killed. A cgroup of version 1 slows the disk down.
. "$(dirname "$0")/lib.sh"
need_root
G=/sys/fs/cgroup/blkio/rehost-slow-$$
mkdir "$G" 2>/dev/null && [ -e "$G/blkio.throttle.write_bps_device" ] || skip "no blkio control group of version 1"
make_fs ext4-plain 200 "$WORK/slow" || skip "no loop device"
disk=$(mountpoint -d "$WORK/slow")
rate() { echo "$disk $1" >"$G/blkio.throttle.write_bps_device"; }
in_group() { echo "$BASHPID" >"$G/cgroup.procs"; exec "$@"; }
mkdir "$WORK/src"; tree random "$WORK/src/f" 20000000
stuck() { ps -o stat= -p "$(rehost_processes | paste -sd,)" | grep -q '^D'; }
# ends WHAT: somebody waits for the disk; the program ends nevertheless, and what waits goes when the disk answers.
ends() {
    until_true 15 stuck && ok "$1: a process waits for the disk" || not_ok "$1: nobody waits for the disk"
    kill -TERM "$BG"; wait_rehost 8; expect 143 "$1: SIGTERM"; below "$1: within 5 s" "$TOOK" 5
    rate 0; until_true 30 no_processes && ok "$1: all have gone when the disk answers" || not_ok "$1: processes are left"
}
# The state of this host.
mkdir "$WORK/slow/state"
REHOST_STATE_DIR=$WORK/slow/state; rate 200
in_group "$REHOST" copy "$WORK/src" "local:$WORK/dst" >"$OUT" 2>"$ERR" </dev/null & BG=$!
ends "state on a slow disk"
REHOST_STATE_DIR=$WORK/slow/state rehost copy "$WORK/src" "local:$WORK/dst"; expect 0 "the next run takes the lock and works"
# The target, local and over SSH.
REHOST_STATE_DIR=$WORK/state; rate 2000
in_group "$REHOST" copy "$WORK/src" "local:$WORK/slow/dst" >"$OUT" 2>"$ERR" </dev/null & BG=$!
ends "a local target on a slow disk"
SSHD_PREFIX="$WORK/in-group"; printf '#!/bin/sh\necho $$ >%s/cgroup.procs; exec "$@"\n' "$G" >"$WORK/in-group"; chmod 755 "$WORK/in-group"; start_sshd; rate 2000
start_rehost "${SET[@]}" copy "$WORK/src" "$T:$WORK/slow/dst2"
ends "a target on a slow disk"
rehost copy "$WORK/src" "$T:$WORK/slow/dst2"; expect 0 "the next run"; same "identical" "$WORK/src" "$WORK/slow/dst2"
kill "$SSHD_PID"; until_true 5 rmdir "$G"
finish
