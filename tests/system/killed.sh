#!/bin/bash
# kill -9 of any process at any moment, the server's sessions too, then a plain re-run: identical, nothing left. killed.sh [ROUNDS]; SEED.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst ROUNDS=${1:-2} SEED=${SEED:-1}
RANDOM=$SEED
tree make "$SRC" --entries 1500 --big 12000000 >/dev/null
tree random "$SRC/large" 60000000
printf '[job]\nname = kill\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$PORT" "$DST" "$KEY" "$KNOWN" "$SRC" >"$WORK/job.conf"
SET=()
rehost -c "$WORK/job.conf" copy; expect 0 "an undisturbed copy"; whole=$TOOK
tree clear-flags "$DST"; rm -rf "$DST" "$REHOST_STATE_DIR"
for ((i = 1; i <= ROUNDS; i++)); do
    command=sync; [ $((i % 4)) = 1 ] && { command=copy; tree clear-flags "$DST" 2>/dev/null; rm -rf "$DST" "$REHOST_STATE_DIR"; }
    [ $command = sync ] && { tree mutate "$SRC" --seed $((SEED * 1000 + i)) --count 20 >/dev/null; tree random "$SRC/large" 60000000 --seed $i; }
    transport=$([ $((RANDOM % 2)) = 0 ] && echo ssh || echo libssh2)
    start_rehost -c "$WORK/job.conf" --set target.transport=$transport --processes $((RANDOM % 4 + 1)) $command
    sleep "$(awk -v w="$whole" -v r=$RANDOM 'BEGIN{print w * r / 32768 + 0.02}')"
    mapfile -t victims < <(rehost_processes; descendants "$SSHD_PID")
    if [ ${#victims[@]} -gt 0 ]; then
        victim=${victims[RANDOM % ${#victims[@]}]}
        [ $((RANDOM % 3)) = 0 ] && victim=$BG
        name=$(tr '\0' ' ' <"/proc/$victim/cmdline" 2>/dev/null | cut -c1-60); kill -KILL "$victim" 2>/dev/null
    else name="nobody: it was done"; fi
    wait_rehost 60
    check "round $i, $command by $transport, killed $name: it ends (exit $RC)" test "$RC" != 124
    until_true 8 no_processes || not_ok "round $i: processes left: $(rehost_processes | paste -sd' ')"
    # sync refuses to delete in a target whose first copy was not this job's, so the same command is run again.
    LIMIT=300 rehost -c "$WORK/job.conf" $command; expect 0 "round $i: the same again"
    if [ $command = copy ]; then LIMIT=300 rehost -c "$WORK/job.conf" sync; expect 0 "round $i: and sync"; fi
    same "round $i: identical" "$SRC" "$DST"
done
no_leftovers "at the end"

# The same as a whole: `run` killed again and again comes to its end.
tree clear-flags "$DST"; rm -rf "$DST" "$REHOST_STATE_DIR"
for ((i = 1; i <= (ROUNDS + 5) / 3; i++)); do
    start_rehost -c "$WORK/job.conf" run; sleep "$(awk -v w="$whole" -v r=$RANDOM 'BEGIN{print w * r / 32768 / 2}')"; kill -KILL "$BG" 2>/dev/null; wait "$BG" 2>/dev/null
    until_true 8 no_processes
done
LIMIT=300 rehost -c "$WORK/job.conf" run; expect 0 "run after many kills"; same "identical" "$SRC" "$DST"
no_leftovers "run"
finish
