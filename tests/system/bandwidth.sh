#!/bin/bash
# --bwlimit and [transfer] bandwidth, by generous bounds; and without one no limit.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
mkdir "$WORK/src"; for i in 1 2 3 4 5 6; do tree random "$WORK/src/$i" 2000000 --seed $i; done
rehost copy "$WORK/src" "$T:$WORK/d0"; free=$TOOK; below "without a limit" "$free" 4
for t in ssh libssh2; do
    rehost --set target.transport=$t --bwlimit 3M copy "$WORK/src" "$T:$WORK/d-$t"; expect 0 "$t: --bwlimit 3M of 12 MB"
    above "$t: not faster" "$TOOK" 3; below "$t: not much slower" "$TOOK" 7
    same "$t: identical" "$WORK/src" "$WORK/d-$t"
done
rehost --processes 4 --bwlimit 3M copy "$WORK/src" "$T:$WORK/d4"; above "the limit is of all processes together" "$TOOK" 3
rehost --set transfer.bandwidth=3M copy "$WORK/src" "$T:$WORK/d5"; above "transfer.bandwidth" "$TOOK" 3; below "transfer.bandwidth" "$TOOK" 7
rehost --bwlimit 3M copy "$WORK/src" "local:$WORK/d6"; above "a local copy is limited as well" "$TOOK" 3
rehost --bwlimit 3072K copy "$WORK/src" "$T:$WORK/d7"; above "3072K is 3M" "$TOOK" 3
finish
