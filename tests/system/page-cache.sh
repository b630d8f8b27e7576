#!/bin/bash
# page_cache = leave: what of the source was in the page cache before is there afterwards, and nothing else, by fincore(1) as root:
# the kernel tells owners. Large and small files that are cached, not cached, or in part; copy, sync, deltas, verify.
# On demand: a machine that is short of memory, or that reclaims ahead of need, empties its cache by itself.
. "$(dirname "$0")/lib.sh"
need_root
command -v fincore >/dev/null || skip "no fincore"
SRC=$WORK/source DST=$WORK/dst
check "ext4 is made" make_fs ext4 600 "$SRC"
mkdir "$SRC/small"
for f in cold warm part; do head -c 48M /dev/urandom >"$SRC/$f"; done
for i in $(seq 100); do head -c 20000 /dev/urandom >"$SRC/small/cold$i"; head -c 20000 /dev/urandom >"$SRC/small/warm$i"; done

set_cache() { # everything out; then what the host's services are taken to use
    find "$SRC" -xdev -type f -exec dd if={} iflag=nocache count=0 status=none \;
    cat "$SRC/warm" "$SRC"/small/warm* >/dev/null
    dd if="$SRC/part" of=/dev/null bs=1M skip=10 count=8 status=none
}
pages() { fincore -n -o PAGES "$@" | awk '{ n += $1 } END { print n + 0 }'; }
count() { COLD=$(pages "$SRC/cold"); WARM=$(pages "$SRC/warm"); PART=$(pages "$SRC/part"); SC=$(pages "$SRC"/small/cold*); SW=$(pages "$SRC"/small/warm*); }

sync -f "$SRC"; set_cache; count
equal "the cold file is not cached" "$COLD" 0
equal "the warm file is cached" "$WARM" 12288
above "the third is in part" "$PART" 2000; below "and only in part" "$PART" 6000
equal "the cold small files are not cached" "$SC" 0; equal "the warm ones are" "$SW" 500
cold=$COLD warm=$WARM part=$PART sc=$SC sw=$SW

left() { # left WHAT: as it was before, but for what one piece of reading ahead may leave
    count
    echo "# $1: pages before and after: cold $cold $COLD, warm $warm $WARM, part $part $PART, small cold $sc $SC, small warm $sw $SW"
    below "$1: the cold file has left little" "$COLD" 300
    equal "$1: the warm file is there" "$WARM" "$warm"
    above "$1: what was there of the third is" "$PART" $((part - 100)); below "$1: and little else" "$PART" $((part + 300))
    below "$1: cold small files have left little" "$SC" 25
    equal "$1: warm small files are there" "$SW" "$sw"
}

rehost copy "$SRC" "local:$DST"; expect 0 "a copy"; left copy
set_cache; rehost sync "$SRC" "local:$DST"; expect 0 "a sync with nothing to do"; left "idle sync"
set_cache; rehost verify --mode crc64 "$SRC" "local:$DST"; expect 0 "verify crc64"; left "verify crc64"
for f in cold warm part; do
    printf changed | dd of="$DST/$f" bs=1 seek=20000000 conv=notrunc status=none; touch -d yesterday "$DST/$f"
done
for f in "$DST"/small/*; do echo x >"$f"; done
set_cache; rehost sync "$SRC" "local:$DST"; expect 0 "a sync with deltas"; left "delta sync"
same "identical" "$SRC" "$DST" --exclude lost+found
set_cache; rehost --set source.page_cache=use copy "$SRC" "local:$DST.2"; expect 0 "a copy that uses the cache"; count
above "it has left what it read" "$COLD" 10000
finish
