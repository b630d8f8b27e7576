#!/bin/bash
# What verify calls `changed` and does not count: only what times that can be true say.
. "$(dirname "$0")/lib.sh"
need_root
SRC=$WORK/src DST=$WORK/dst STATE=
v() { rehost --json verify "$@" "$SRC" "local:$DST"; }
kinds() { jq -r 'select(.message_type=="difference") | "\(.path) \(.kind)"' "$OUT" | LC_ALL=C sort | xargs; }
# code N: how often a warning of that code was given.
code() { jq -s "[.[] | select(.message_type==\"warning\" and .code==\"RH$1\")] | length" "$OUT"; }
# put KEY NS...: into the state, as if it had been written so.
put() { while [ $# -gt 1 ]; do grep -q "\"$1\"" "$STATE" || check "the state has $1" false; sed -Ei "s/(\"$1\":[[:space:]]*)\"[0-9-]+\"/\1\"$2\"/" "$STATE"; shift 2; done; }
get() { jq -r ".$1" "$STATE"; }
ns() { echo $(($(date +%s%N) + $1 * 1000000000)); }
began() { put last_sync_started "$1" last_began "$1"; }

# A source of ten files, of which one is damaged at the target, and one changes after the sync.
mkdir "$SRC"; for i in 0 1 2 3 4 5 6 7 8 9; do echo "$i" >"$SRC/f$i"; done
sleep 1.1; rehost sync "$SRC" "local:$DST"; expect 0 "sync"
STATE=$(find "$REHOST_STATE_DIR" -name state.json); cp "$STATE" kept; START=$(get last_sync_started)
touch -d 2020-01-01 "$DST/f1"
v; expect 4 "a damaged file"; equal "is a difference" "$(kinds)" "f1 metadata"
echo changed >"$SRC/f2"
v; expect 4 "beside a changed one"; equal "each is what it is" "$(kinds)" "f1 metadata f2 changed"
equal "no time is doubted" "$(code 1056) $(code 1057)" "0 0"

# The last sync began in the future, in another life of the kernel.
put last_began_boot 1; began "$(ns 86400)"
v; expect 4 "a start in the future"; equal "excuses nothing" "$(kinds)" "f1 metadata f2 content f2 metadata"
equal "that is said" "$(code 1056)" 1
rehost -q verify "$SRC" "local:$DST"; has "with -q too" "$ERR" "RH1056.*future"
# Before the times that the kernel can tell, or nonsense.
began -5; v; expect 4 "a start before 1970"; equal "excuses nothing" "$(kinds)" "f1 metadata f2 content f2 metadata"
# In the past: everything has changed since, by its times.
began 1000000000000000000
v; expect 0 "a start long ago"; equal "excuses everything" "$(kinds)" "f1 changed f2 changed"; equal "that is said" "$(code 1056) $(code 1057)" "0 1"
rehost -q verify "$SRC" "local:$DST"; has "with -q too" "$ERR" "RH1057.*1[0-9] of 11 entries"
# A copy that is later than the sync knows better than it.
put copy_started "$START"
v; expect 4 "a start before that of the copy"; equal "is not believed" "$(kinds)" "f1 metadata f2 changed"

# The clock was set while the kernel ran.
cp kept "$STATE"; began $((START - 86400 * 1000000000))
v; expect 4 "set forward by a day since"; equal "is seen through" "$(kinds)" "f1 metadata f2 changed"
equal "and said" "$(code 1056) $(code 1057)" "1 0"; has "by how much" "$OUT" "set forward by (1 d|24:00:00|23:59:59)"
cp kept "$STATE"; began $((START + 86400 * 1000000000))
v; expect 4 "set back by a day"; equal "nothing is excused" "$(kinds)" "f1 metadata f2 content f2 metadata"; has "it is said" "$OUT" "RH1056.*set back"
cp kept "$STATE"; put last_began_uptime 9000000000000000000
v; expect 4 "an uptime that cannot be"; equal "is no reason to doubt" "$(kinds) $(code 1056)" "f1 metadata f2 changed 0"

# Nothing differs: nothing is hidden, and nothing said.
cp kept "$STATE"; rehost sync "$SRC" "local:$DST"; expect 0 "sync"; put last_began_boot 1; began 1000000000000000000
v; expect 0 "equal"; equal "is equal, whatever the clock" "$(kinds) $(code 1057)" " 0"

# An inode that was changed in the future.
make_fs ext4 64 "$WORK/m"; umount "$WORK/m"; img=$(fast_image 64); mkfs.ext4 -q -F "$img"; mount -o loop "$img" "$WORK/m"
SRC=$WORK/m/src DST=$WORK/late; mkdir -p "$SRC/d"; for i in 0 1 2 3; do echo "$i" >"$SRC/f$i"; done
sleep 1.1; rehost sync "$SRC" "local:$DST"; expect 0 "sync"; echo new >"$SRC/f2"; touch "$DST/d/extra"
umount "$WORK/m"; for f in f1 f3 d; do debugfs -w -R "set_inode_field /src/$f ctime @2100000000" "$img" 2>/dev/null; done; mount -o loop "$img" "$WORK/m"; rm "$img"
equal "a ctime in the future" "$(stat -c %Z "$SRC/f1")" 2100000000
touch -d 2020-01-01 "$DST/f1"
v; expect 4 "one that differs"; equal "is a difference" "$(kinds)" "d metadata d/extra extra f1 metadata f2 changed"
equal "that is said, once" "$(code 1056)" 1; has "with the first of them" "$OUT" "changed in the future: 3 entries.*first"
rm "$DST/d/extra"; touch -r "$SRC/f1" "$DST/f1"; touch -r "$SRC/d" "$DST/d"
v; expect 0 "those that do not differ"; equal "need not be told" "$(kinds) $(code 1056)" "f2 changed 0"
umount "$WORK/m"
finish
