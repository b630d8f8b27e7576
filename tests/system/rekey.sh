#!/bin/bash
# RekeyLimit 16M and a copy of 300 MB in both directions' worth of traffic, by each transport, and from both sides.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd 'RekeyLimit 16M'
mkdir "$WORK/src"; for i in 1 2 3; do tree random "$WORK/src/f$i" 100000000 --seed $i; done; tree many "$WORK/src/many" 20 200 1000
for t in auto ssh libssh2; do
    LIMIT=300 rehost --set target.transport=$t --set transfer.compression=off copy "$WORK/src" "$T:$WORK/dst-$t"; expect 0 "$t: the server's RekeyLimit 16M"
    same "$t: identical" "$WORK/src" "$WORK/dst-$t"; rm -rf "$WORK/dst-$t"
done
echo "  RekeyLimit 16M" >>"$HOME/.ssh/config"
SET=(); LIMIT=300 rehost --set target.transport=ssh copy "$WORK/src" "target:$WORK/dst"; expect 0 "the client's RekeyLimit 16M"; same "identical" "$WORK/src" "$WORK/dst"
use_ssh; LIMIT=300 rehost verify --mode crc64 "$WORK/src" "$T:$WORK/dst"; expect 0 "verify with RekeyLimit 16M"
finish
