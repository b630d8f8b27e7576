#!/bin/bash
# File systems that differ: what the target's can hold of attributes, flags and times, what it adds, and that both come to rest.
. "$(dirname "$0")/lib.sh"
need_root
make_old() { local img; img=$(fast_image 64) && mkfs.ext4 -q -F -m 0 -I 128 "$img" 2>/dev/null && mkdir -p "$1" && mount -o loop "$img" "$1"; rm -f "$img"; }
# idle WHAT SRC DST: nothing is transferred and nothing set; so says -n, and verify finds nothing.
idle() {
    rehost --json sync "$2" "local:$3"; expect "${4:-0}" "$1: a second sync"
    equal "$1: is idle" "$(field files_transferred) $(field metadata_updated)" "0 0"
    rehost --json -n sync "$2" "local:$3"
    equal "$1: so says -n" "$(jq -r 'select(.message_type=="item") | .path' "$OUT")" ""
    rehost verify "$2" "local:$3"; expect "${4:-0}" "$1: verify"
}
warned() { equal "$1" "$(grep -c "$2" "$ERR")" 1; }

SRC=$WORK/src
mkdir -p "$SRC/sub"
for i in 1 2 3 4 5; do head -c $((i * 40000)) /dev/urandom >"$SRC/f$i"; echo "$i" >"$SRC/sub/s$i"; done
ln -s f1 "$SRC/link"; ln "$SRC/f2" "$SRC/sub/hard"

make_old "$WORK/old" || skip "no ext4 with small inodes"
rehost -q copy "$SRC" "local:$WORK/old/t"; expect 0 "whole seconds: copy"
warned "whole seconds: said once, even with -q" "RH1061.*times"
idle "whole seconds" "$SRC" "$WORK/old/t"
warned "whole seconds: verify says it, too" "RH1061.*times"
rehost --json sync -c "$SRC" "local:$WORK/old/t"; equal "whole seconds: idle with -c" "$(field files_transferred) $(field metadata_updated)" "0 0"
touch -d '2001-02-03 04:05:06.789' "$SRC/f3"; touch -d '2101-02-03' "$SRC/f4"
rehost --json sync "$SRC" "local:$WORK/old/t"; equal "whole seconds: times that changed are set" "$(field metadata_updated)" 2
idle "beyond 2038" "$SRC" "$WORK/old/t"
touch -d '2001-02-03 04:05:09' "$WORK/old/t/f3"
rehost verify "$SRC" "local:$WORK/old/t"; expect 4 "a time that is another one is a difference"
umount "$WORK/old"

# Whole seconds by chance: of mkfs, or of what filled the image. The source's are of the same second, and are not lost.
mkdir -p early/s/sub early/img/u/sub early/img/w; echo 1 >early/s/f; echo 2 >early/s/sub/g; cp early/s/f early/img/u/f; cp early/s/sub/g early/img/u/sub/g
find early/img -exec touch -h -d '2020-01-01 00:00:07' {} +; find early/s -exec touch -h -d '2020-01-01 00:00:07.123456789' {} +
img=$(fast_image 64); mkfs.ext4 -q -F -m 0 -d early/img "$img" || skip "no mkfs.ext4 that fills"; cp "$img" "$img.2"
stamps() { (cd "$1" && find "${@:2}" -maxdepth 0 -exec stat -c '%n %.9Y' {} + | sort); }
mkdir early/m early/o early/new; mount -o loop "$img" early/m; rm "$img"
equal "an image that was filled has whole seconds" "$(stat -c %z early/m/u/f | grep -c '\.000000000 ')" 1
rehost verify early/s local:early/m/u; expect 4 "they are a difference"; hasnt "and not said to be the file system's" "$ERR" RH1061
rehost --json -n sync early/s local:early/m/u; equal "-n would set them" "$(jq -r 'select(.message_type=="item") | .path' "$OUT" | sort | xargs)" ". f sub sub/g"
rehost sync early/s local:early/m/u; expect 0 "a sync"; empty "says nothing" "$ERR"
equal "and sets them" "$(stamps early/m/u . f sub)" "$(stamps early/s . f sub)"
idle "an image that was filled" early/s early/m/u; umount early/m
mount -o loop "$img.2" early/m; rm "$img.2"
if mount -t overlay -o "lowerdir=$WORK/early/new,upperdir=$WORK/early/m/u,workdir=$WORK/early/m/w" overlay early/o; then
    rehost sync early/s local:early/o; expect 0 "where only trying tells: a sync"; empty "where only trying tells: nothing is said" "$ERR"
    equal "where only trying tells: they are set" "$(stamps early/o . f sub sub/g)" "$(stamps early/s . f sub sub/g)"
    equal "where only trying tells: nothing is left of it" "$(ls -A early/o | xargs)" "f sub"
    idle "where only trying tells" early/s early/o; umount early/o
else
    skip_part overlay "no overlayfs"
fi
umount early/m
make_fs ext4-plain 64 "$WORK/early/m"; touch -d "@$(stat -c %Y early/m).123456789" early/s
rehost sync early/s local:early/m; expect 0 "the root of a fresh file system"
equal "has the source's time" "$(stamps early/m .)" "$(stamps early/s .)"; umount early/m

# Flags, between file systems that have them and to one that has not.
make_fs ext4-plain 64 "$WORK/e1" && make_fs ext4-plain 64 "$WORK/e2" || skip "no ext4"
mkdir -p "$WORK/e1/s/spool"; echo j >"$WORK/e1/s/tail"; chattr +T "$WORK/e1/s/spool"; chattr +t "$WORK/e1/s/tail"
letters() { (cd "$1" && find . -mindepth 1 | sort | xargs lsattr -d | tr -d e); }
rehost copy "$WORK/e1/s" "local:$WORK/e2/t"; expect 0 "flags: copy"
empty "flags: nothing is lost" "$ERR"
equal "flags are kept" "$(letters "$WORK/e2/t")" "$(letters "$WORK/e1/s")"
idle "flags" "$WORK/e1/s" "$WORK/e2/t"

if make_fs xfs 320 "$WORK/x1" && make_fs xfs 320 "$WORK/x2"; then
    rehost -q copy "$WORK/e1/s" "local:$WORK/x1/flags"; expect 0 "flags that xfs has not: copy"
    warned "the flag T is named once" "RH1061.*flag T"; warned "and t" "RH1061.*flag t"
    idle "flags that xfs has not" "$WORK/e1/s" "$WORK/x1/flags"
    warned "verify names it, too" "RH1061.*flag T"

    projects() { (cd "$1" && find . -mindepth 1 | sort | xargs lsattr -pd); }
    mkdir -p "$WORK/x1/s/web/new"; echo page >"$WORK/x1/s/web/page"; seq 1 90000 >"$WORK/x1/s/web/big"; echo x >"$WORK/x1/s/none"
    chattr -p 77 "$WORK/x1/s/web" "$WORK/x1/s/web/page" "$WORK/x1/s/web/big"; chattr +P "$WORK/x1/s/web"
    rehost copy "$WORK/x1/s" "local:$WORK/x2/t"; expect 0 "projects: copy"
    equal "projects are kept" "$(projects "$WORK/x2/t")" "$(projects "$WORK/x1/s")"
    echo more >>"$WORK/x1/s/web/page"; echo more >>"$WORK/x1/s/web/big"; echo made >"$WORK/x1/s/web/made"
    rehost sync "$WORK/x1/s" "local:$WORK/x2/t"; expect 0 "projects: after changes"
    equal "projects: still" "$(projects "$WORK/x2/t")" "$(projects "$WORK/x1/s")"
    idle "projects" "$WORK/x1/s" "$WORK/x2/t"
    chattr -p 88 "$WORK/x2/t/web/page"
    rehost verify "$WORK/x1/s" "local:$WORK/x2/t"; expect 4 "another project is a difference"; has "it is named" "$OUT" "project"
    chattr -p 0 "$WORK/x2/t/web/page"
    rehost verify "$WORK/x1/s" "local:$WORK/x2/t"; expect 4 "no project where there could be one is a difference"; has "it is named, too" "$OUT" "project"
    rehost sync "$SRC" "local:$WORK/x2/own"; chattr -p 99 "$WORK/x2/own/f1" "$WORK/x2/own/sub"; chattr +P "$WORK/x2/own/sub"
    idle "projects of the target's own" "$SRC" "$WORK/x2/own"
    has "they stay" <(lsattr -p "$WORK/x2/own/f1") "^ *99 "

    # An attribute that ext4 has no room for.
    mkdir "$WORK/x1/large"; seq 1 9000 >"$WORK/x1/large/f"; chmod 4751 "$WORK/x1/large/f"
    "$PY" -c "import os; os.setxattr('$WORK/x1/large/f', 'user.large', os.urandom(12000)); os.setxattr('$WORK/x1/large/f', 'user.small', b's')"
    rehost copy "$WORK/x1/large" "local:$WORK/e2/large"; expect 3 "a large attribute: copy"
    has "it has a code of its own" "$ERR" "RH0860.*'f'"; hasnt "the target is not said to be full" "$ERR" "RH0809|make room"
    equal "the rest of the file is there" "$(getfattr --absolute-names --only-values -n user.small "$WORK/e2/large/f") $(stat -c %a "$WORK/e2/large/f")" "s 4751"
    rehost --json sync "$WORK/x1/large" "local:$WORK/e2/large"; equal "contents are not sent again" "$(field bytes_literal)" 0

    # Names of attributes that cannot be listed.
    mkdir "$WORK/x1/many"; seq 1 5000 >"$WORK/x1/many/f"; echo x >"$WORK/x1/many/g"
    setfattr -n user.kept -v old "$WORK/x1/many/f"
    rehost copy "$WORK/x1/many" "local:$WORK/e2/many"; expect 0 "before"
    "$PY" -c "import os
for i in range(320): os.setxattr('$WORK/x1/many/f', 'user.%03d' % i + 'n' * 240, b'')"
    seq 1 6000 >"$WORK/x1/many/f"
    rehost sync "$WORK/x1/many" "local:$WORK/e2/many"; expect 3 "attributes that cannot be listed"
    has "are that file's failure" "$ERR" "RH0760.*'f'"
    check "its contents are copied" cmp "$WORK/x1/many/f" "$WORK/e2/many/f"
    rehost --json sync "$WORK/x1/many" "local:$WORK/e2/many"; equal "and not sent again" "$(field files_transferred)" 0
else
    skip_part xfs "no xfs"
fi

if make_fs btrfs 200 "$WORK/b1" && make_fs btrfs 200 "$WORK/b2" nodatacow; then
    mkdir -p "$WORK/b1/s/logs"; setfattr -n btrfs.compression -v zstd "$WORK/b1/s/logs"
    seq 1 5000 >"$WORK/b1/s/logs/log"; chattr +A "$WORK/b1/s/logs/log"; seq 1 9 >"$WORK/b1/s/plain"; setfattr -n btrfs.compression -v none "$WORK/b1/s/plain"
    properties() { (cd "$1" && find . | sort | xargs getfattr -h -d -m '^btrfs' 2>/dev/null); }
    rehost copy "$WORK/b1/s" "local:$WORK/e2/b"; expect 0 "btrfs to ext4"; has "the property is named" "$ERR" "RH1061.*property"
    idle "btrfs to ext4" "$WORK/b1/s" "$WORK/e2/b"
    mkdir "$WORK/b1/t"
    rehost copy "$WORK/b1/s" "local:$WORK/b1/t"; expect 0 "btrfs to btrfs"
    equal "properties are kept" "$(properties "$WORK/b1/t")" "$(properties "$WORK/b1/s")"
    idle "btrfs to btrfs" "$WORK/b1/s" "$WORK/b1/t"
    rehost copy "$SRC" "local:$WORK/b2/t"; expect 0 "to a mount with nodatacow"
    rehost sync "$SRC" "local:$WORK/b2/t"; idle "a mount with nodatacow" "$SRC" "$WORK/b2/t"
else
    skip_part btrfs "no btrfs"
fi
finish
