#!/bin/bash
# Many rounds of random changes, on demand: ROUNDS (default 60), SEED (default: of the day).
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst ROUNDS=${ROUNDS:-60} SEED=${SEED:-$(date +%j)00}
echo "# SEED=$SEED ROUNDS=$ROUNDS"
tree make "$SRC" --seed "$SEED" --entries 500 --big 3000000 >/dev/null
for ((i = 1; i <= ROUNDS; i++)); do
    rehost --processes $((i % 4 + 1)) sync --delete "$SRC" "$T:$DST"
    expect 0 "round $i"
    same "round $i: identical" "$SRC" "$DST" || break
    tree mutate "$SRC" --seed $((SEED + i)) --count 40 >"$WORK/changes"
    [ $((i % 5)) = 0 ] && tree mutate "$DST" --seed $((SEED + i)) --count 10 >/dev/null
done
finish
