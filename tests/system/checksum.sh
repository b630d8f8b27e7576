#!/bin/bash
# -c after the command is --checksum: changes that size and time do not show are found.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
tree make "$SRC" --entries 200 --big 3000000 >/dev/null
rehost copy "$SRC" "$T:$DST"; expect 0 "copy"
tree flip "$DST/contents/big" --at 1234567; tree flip "$DST/contents/size1"
rehost sync "$SRC" "$T:$DST"; expect 0 "sync"
refute "size and time are believed" cmp -s "$SRC/contents/big" "$DST/contents/big"
rehost --json sync -c "$SRC" "$T:$DST"; expect 0 "sync -c"
equal "sync -c transfers both" "$(field files_transferred)" 2
same "identical" "$SRC" "$DST"
tree flip "$DST/contents/big" --at 77
rehost --json -n sync --checksum "$SRC" "$T:$DST"; equal "-n --checksum predicts it" "$(jq -r 'select(.message_type=="item") | "\(.path) \(.op)"' "$OUT")" "contents/big update"
rehost copy --checksum "$SRC" "$T:$DST"; expect 0 "copy --checksum"; same "identical" "$SRC" "$DST"
rehost --json sync --checksum "$SRC" "$T:$DST"; equal "then idle" "$(field files_transferred)" 0

# A hole that ends with the file in the middle of a block, and blocks of zeros there.
mkdir "$WORK/holes"; truncate -s 9000 "$WORK/holes/f"; printf x | dd of="$WORK/holes/f" conv=notrunc status=none
rehost copy "$WORK/holes" "$T:$WORK/hd"
{ printf x; head -c 8999 /dev/zero; } >"$WORK/hd/f"; touch -r "$WORK/holes/f" "$WORK/hd/f"
rehost sync -c "$WORK/holes" "$T:$WORK/hd"; expect 0 "zeros become holes"
before=$(fingerprint "$WORK/hd")
rehost --json sync -c "$WORK/holes" "$T:$WORK/hd"; equal "and it comes to rest" "$(field files_transferred) $(field metadata_updated)" "0 0"
equal "the target is untouched" "$(fingerprint "$WORK/hd")" "$before"

# The same on each file system: what the source has as holes the target has as allocated zeros, and the other way round.
rest() { # rest WHAT DIR
    local s=$2/s d=$2/d f
    mkdir "$s"; printf abc >"$s/hole"; truncate -s 500000 "$s/hole"; head -c 6000 /dev/urandom >"$s/mid"; truncate -s 70001 "$s/mid"
    { printf abc; head -c 499997 /dev/zero; } >"$s/zeros"; truncate -s 300000 "$s/all"; printf x >"$s/small"; truncate -s 4096 "$s/small"
    rehost sync "$s" "local:$d"; expect 0 "$1: sync"
    for f in hole mid all small zeros; do
        cp "--sparse=$([ $f = zeros ] && echo always || echo never)" "$s/$f" "$d/x"; touch -r "$s/$f" "$d/x"; mv "$d/x" "$d/$f"
    done
    touch -r "$s" "$d"; rehost sync -c "$s" "local:$d"; expect 0 "$1: holes against zeros, -c"
    rehost --json sync -c "$s" "local:$d"; equal "$1: again, it rests" "$(field files_transferred) $(field metadata_updated) $(jq -r 'select(.message_type=="item") | .path' "$OUT" | xargs)" "0 0 "
    rehost verify --mode crc64 "$s" "local:$d"; expect 0 "$1: verify"
}
mkdir "$WORK/rest-tmpfs"; mount -t tmpfs none "$WORK/rest-tmpfs"; rest tmpfs "$WORK/rest-tmpfs"
for fs in ext4-plain xfs btrfs; do
    if make_fs $fs 320 "$WORK/rest-$fs"; then rest $fs "$WORK/rest-$fs"; else skip_part "rest-$fs" "no $fs"; fi
done

# A store through a mapping leaves the time as it was while the page waits to be written.
if make_fs ext4-plain 64 "$WORK/live"; then
    cat >"$WORK/store.py" <<'E'
import mmap, os, subprocess, sys
path, command = sys.argv[1], sys.argv[2:]
open(path, 'wb').write(b'a' * 8192)
f = open(path, 'r+b'); m = mmap.mmap(f.fileno(), 8192)
m[0:1] = b'A'
subprocess.check_call(command)
t = os.stat(path).st_mtime_ns
m[0:1] = b'B'; m.close(); f.close()
sys.exit(os.stat(path).st_mtime_ns != t)
E
    check "a store that no time shows" "$PY" "$WORK/store.py" "$WORK/live/f" "$REHOST" "${SET[@]}" -q sync "$WORK/live" "$T:$WORK/ld"
    rehost -n -i sync "$WORK/live" "$T:$WORK/ld"; has "-n finds it" "$OUT" " f$"
    rehost sync "$WORK/live" "$T:$WORK/ld"; expect 0 "the next sync"
    check "has looked at the contents" cmp "$WORK/live/f" "$WORK/ld/f"
    rehost --json sync "$WORK/live" "$T:$WORK/ld"; equal "then it is idle" "$(field files_transferred) $(field metadata_updated)" "0 0"
else
    skip_part mapping "no loop device"
fi
finish
