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
has "the hint tells how to see it" "$ERR" "^rehost: hint: .*--set job.name=NAME status"; name=$(sed -nE "s/.*job '(adhoc-[^']*)'.*/\\1/p" "$ERR")
rehost --set "job.name=$name" status; has "and so it is seen" "$OUT" "running copy, process $BG\\b"
rehost copy "$WORK/src" "$T:$WORK/adhoc2"; expect 0 "another DST"
kill -TERM "$BG"; wait_rehost 10; expect 143 "SIGTERM"
rehost sync "$WORK/src" "$T:$WORK/adhoc"; expect 0 "afterwards"
same "identical" "$WORK/src" "$WORK/adhoc"

# An ordinary user with and without XDG_RUNTIME_DIR, as in a login session and under cron: the state is one, so is the job.
if as_tester; then
    H=$WORK/home/tester SET=()
    mkdir -p "$WORK/session"; chown tester "$WORK/session"
    "${AS[@]}" cp -r "$WORK/src" "$H/src"
    printf '[job]\nname = mine\n[target]\naddress = local:\nroot = %s\n[source]\nroot = %s\n' "$H/copied" "$H/src" >"$H/job.conf"
    CRON=("${AS[@]}" env -u XDG_RUNTIME_DIR -u REHOST_RUN_DIR) LOGIN=("${AS[@]}" env -u REHOST_RUN_DIR "XDG_RUNTIME_DIR=$WORK/session")
    AS=("${LOGIN[@]}"); OUT=$WORK/out ERR=$WORK/err start_rehost -c "$H/job.conf" --bwlimit 1M copy
    until_true 10 test -e "$WORK/session/rehost/mine.sock"
    AS=("${CRON[@]}"); OUT=$WORK/out2 ERR=$WORK/err2
    rehost -c "$H/job.conf" copy; expect 75 "without XDG_RUNTIME_DIR"; below "within a second" "$TOOK" 1.5
    pid=$(cat "$WORK/session/rehost/mine.lock"); has "the process id" "$ERR" "\\b$pid\\b"
    rehost -c "$H/job.conf" status; expect 0 "status"; has "status finds it, and its progress" "$OUT" "running copy, process $pid\\b"
    rehost -c "$H/job.conf" pause; expect 0 "pause finds it"; rehost -c "$H/job.conf" resume; expect 0 "resume too"
    rehost -c "$H/job.conf" limits cpu=90%; expect 0 "and limits"
    mv "$WORK/session/rehost" "$WORK/session/gone"; rehost -c "$H/job.conf" status; has "the session has ended" "$OUT" "running, process $pid\\b"
    rehost -c "$H/job.conf" pause; expect 1 "then nobody can speak to it"; has "which is said" "$ERR" "RH1021.*cannot reach the running job 'mine'"
    rehost -c "$H/job.conf" copy; expect 75 "still locked"; mv "$WORK/session/gone" "$WORK/session/rehost"
    rehost -c "$H/job.conf" stop; expect 0 "stop finds it"; OUT=$WORK/out ERR=$WORK/err wait_rehost 10; expect 143 "it ends"
    AS=("${LOGIN[@]}"); rehost -c "$H/job.conf" copy; expect 0 "afterwards"
    AS=("${CRON[@]}"); rehost -c "$H/job.conf" -q sync; expect 0 "and the other"
    AS=()
else
    not_ok "the ordinary user can run the program"
fi
no_leftovers "at the end"
finish
