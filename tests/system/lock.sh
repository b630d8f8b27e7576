#!/bin/bash
# One run of a job at a time: 75 within a second, with the process id of the other.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
mkdir "$WORK/src"; tree random "$WORK/src/f" 12000000
printf '[job]\nname = locked\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$PORT" "$WORK/dst" "$KEY" "$KNOWN" "$WORK/src" >"$WORK/job.conf"
SET=()
start_rehost -c "$WORK/job.conf" --bwlimit 1M copy; holder=$BG
until_true 10 test -e "$REHOST_RUN_DIR/locked.lock" && sleep 0.5
# The first run's output is not to be mixed with those of the others.
OUT=$WORK/out2 ERR=$WORK/err2
for command in copy sync run; do
    rehost -c "$WORK/job.conf" $command
    expect 75 "$command while copy runs"
    below "$command: within a second" "$TOOK" 1.5
    has "$command: the holder's process id" "$ERR" "\\b$holder\\b"
done
rehost -c "$WORK/job.conf" --json sync; expect 75 "with --json"; equal "exit_error carries 75" "$(tail -1 "$OUT" | jq -r .exit_code)" 75
rehost -c "$WORK/job.conf" --set job.name=other --set "target.root=$WORK/dst2" -n copy; expect 0 "another job is not held up"
rehost -c "$WORK/job.conf" check-config; expect 0 "check-config is not held up"
rehost -c "$WORK/job.conf" status; check "status is not held up" test "$RC" -lt 64
kill -KILL "$holder"; wait "$holder" 2>/dev/null
until_true 6 no_processes
rehost -c "$WORK/job.conf" copy; expect 0 "after kill -9 no stale lock"
same "identical" "$WORK/src" "$WORK/dst"

# SRC DST: the same pair is one job, another pair another.
use_ssh
OUT=$WORK/out ERR=$WORK/err start_rehost --bwlimit 1M copy "$WORK/src" "$T:$WORK/adhoc"; sleep 1.5
OUT=$WORK/out2 ERR=$WORK/err2
rehost sync "$WORK/src" "$T:$WORK/adhoc"; expect 75 "the same SRC DST"; has "with the process id" "$ERR" "\\b$BG\\b"
rehost copy "$WORK/src" "$T:$WORK/adhoc2"; expect 0 "another DST"
kill -TERM "$BG"; wait_rehost 10; expect 143 "SIGTERM"
rehost sync "$WORK/src" "$T:$WORK/adhoc"; expect 0 "afterwards"
same "identical" "$WORK/src" "$WORK/adhoc"
no_leftovers "at the end"
finish
