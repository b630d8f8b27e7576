#!/bin/bash
# What is tried again and what is not: the first connection, a link that is lost, a key that is refused meanwhile. retry.sh long: until
# [retry] is used up, more than five minutes.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src
tree many "$SRC" 20 20 3000 >/dev/null; tree random "$SRC/large" 20000000
printf '[job]\nname = retry\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\nconnect_timeout = 5s\n[source]\nroot = %s\n[retry]\ninterval = 1s\nstep = 1s\nmax_retries = 2\n' "$PORT" "$WORK/dst" "$KEY" "$KNOWN" "$SRC" >"$WORK/job.conf"
SET=()
server_down() { local p; for p in "$SSHD_PID" $(descendants "$SSHD_PID"); do kill -KILL "$p" 2>/dev/null; done; wait "$SSHD_PID" 2>/dev/null; }
server_up() { /usr/sbin/sshd -D -e -f "$WORK/ssh/sshd_$PORT" >>"$SSHD_LOG" 2>&1 & SSHD_PID=$!; SSHD_PIDS+=("$SSHD_PID"); }

for transport in ssh libssh2; do
    server_down
    for command in copy sync; do
        rehost -c "$WORK/job.conf" --set target.transport=$transport $command; expect 69 "$transport: the first connection of $command fails"; below "$transport: at once" "$TOOK" 10
    done
    start_rehost -c "$WORK/job.conf" --set target.transport=$transport --set verify.mode=off -q run; sleep 2
    has "$transport: why it waits is said" "$ERR" '^rehost: warning: \[RH1013\] \[RH0606\] .*; trying again in 0 s'
    OUT=$WORK/st.out ERR=$WORK/st.err rehost -c "$WORK/job.conf" status; has "$transport: status shows it" "$WORK/st.out" '^link: +\[RH0606\]'
    server_up
    wait_rehost 60; expect 0 "$transport: run waits for its first connection"; equal "$transport: it was said once" "$(grep -c '^rehost: warning' "$ERR")" 1; same "$transport: identical" "$SRC" "$WORK/dst"
    # The key is taken away in the middle.
    tree random "$SRC/large" 20000000 --seed $RANDOM
    start_rehost -c "$WORK/job.conf" --set target.transport=$transport --bwlimit 2M sync; sleep 2
    mv "$WORK/ssh/authorized_keys" "$WORK/ssh/taken"; for p in $(descendants "$SSHD_PID"); do kill -KILL "$p" 2>/dev/null; done
    wait_rehost 60; expect 77 "$transport: a key that is refused is not tried again"; below "$transport: at once" "$TOOK" 20
    mv "$WORK/ssh/taken" "$WORK/ssh/authorized_keys"
    rehost -c "$WORK/job.conf" --set target.transport=$transport sync; expect 0 "$transport: and with the key again"; same "$transport: identical" "$SRC" "$WORK/dst"
    no_leftovers "$transport"; rm -rf "$WORK/dst" "$REHOST_STATE_DIR"
done

# What was counted of work that is done again is counted once.
start_rehost -c "$WORK/job.conf" -v --json --bwlimit 6M copy; sleep 2; for p in $(descendants "$SSHD_PID"); do kill -KILL "$p" 2>/dev/null; done
wait_rehost 60; expect 0 "a copy whose link was lost"
has "which it was" "$OUT" "trying again in 0 s"
for key in files_examined:files_examined bytes_done:bytes_total; do
    equal "${key%:*} was never more than there is" "$(jq -s "(map(select(.message_type==\"status\") | .${key%:*} // 0) | max) <= .[-1].${key#*:}" "$OUT")" true
done
rm -rf "$WORK/dst" "$REHOST_STATE_DIR"

if [ "${1:-}" = long ]; then
    start_rehost -c "$WORK/job.conf" -v --bwlimit 2M copy; sleep 2; server_down
    wait_rehost 500; expect 69 "a target that stays away"
    equal "the first that fails and the first long wait are warnings" "$(grep -c '^rehost: warning: \[RH1013\]' "$ERR")" 2
    above "five minutes of tries" "$TOOK" 300; below "and then [retry]" "$TOOK" 420
    equal "which says so: after 1 s and after 2 s" "$(grep -acE 'trying again in [12] s' "$ERR")" 4
    server_up; rehost -c "$WORK/job.conf" copy; expect 0 "and the same command again"; same "identical" "$SRC" "$WORK/dst"
    no_leftovers "at the end"
fi
finish
