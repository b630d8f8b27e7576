#!/bin/bash
# A source that changes all the time, in every way: no run hangs or crashes, nothing is followed out of it, and once it rests one sync
# makes the target identical. SECONDS_LIVE (default 20), SEED.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst OUTSIDE=$WORK/outside LIVE=${SECONDS_LIVE:-20} SEED=${SEED:-1}
mkdir "$SRC" "$OUTSIDE"; echo "the secret of a file outside" >"$OUTSIDE/secret"; chmod 640 "$OUTSIDE/secret"; mkdir "$OUTSIDE/f1"
for ((d = 0; d < 40; d++)); do
    mkdir -p "$SRC/d$d"/s{0,1,2,3}
    for ((f = 0; f < 30; f++)); do head -c $((RANDOM % 9000)) /dev/urandom >"$SRC/d$d/f$f"; done
done
truncate -s 300M "$SRC/big0"; head -c 290M /dev/urandom >"$SRC/big1"
for i in 1 2; do "$PY" "$HERE/live_source.py" "$SRC" "$OUTSIDE" "$LIVE" $((SEED * 10 + i)) >"$WORK/changes$i" & CHANGERS+=($!); done
t0=$SECONDS n=0 commands=(copy "sync --delete" "sync --delete --checksum" "--processes 3 sync --delete" "sync --delete -n" "verify --mode crc64" "copy")
while [ $((SECONDS - t0)) -lt "$LIVE" ]; do
    command=${commands[n % ${#commands[@]}]} transport=$([ $((n / 2 % 2)) = 0 ] && echo ssh || echo libssh2)
    # shellcheck disable=SC2086 # the words of the command
    LIMIT=60 rehost --set target.transport=$transport $command "$SRC" "$T:$DST"
    # 3: files that shrank while they were read; 4: verify.
    check "$command by $transport while it changes: it ends (exit $RC in $TOOK s)" test "$RC" = 0 -o "$RC" = 3 -o "${command%% *}$RC" = verify4 || note <"$ERR"
    hasnt "$command: no process ended unexpectedly" "$ERR" 'unexpectedly|receiver sent|malformed|internal'
    n=$((n + 1))
done
above "runs while it changed" "$n" 3
wait "${CHANGERS[@]}"; above "changes meanwhile" "$(cat "$WORK"/changes? | awk '{s += $1} END {print s}')" 200
LIMIT=60 rehost sync --delete "$SRC" "$T:$DST"; expect 0 "a sync of the source at rest"; empty "that says nothing" "$ERR"; same "identical" "$SRC" "$DST"
rehost verify --mode crc64 "$SRC" "$T:$DST"; expect 0 "verify agrees"
refute "nothing was followed out of the source" grep -rlaq "the secret of a file" "$DST"
no_leftovers "at the end"

# A file that shrinks while it is read has changed: it is read once more, as it is then.
mkdir "$WORK/shrinks"; head -c 6000000 /dev/urandom >"$WORK/shrinks/f"
( sleep 1; truncate -s 100000 "$WORK/shrinks/f" ) &
rehost --json --bwlimit 2M copy "$WORK/shrinks" "$T:$WORK/sd"; expect 0 "a file that shrinks while it is read"
equal "is no failure" "$(field files_failed)" 0
check "and is there as it is" cmp "$WORK/shrinks/f" "$WORK/sd/f"
finish
