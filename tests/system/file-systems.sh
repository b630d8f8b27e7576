#!/bin/bash
# File systems that differ: what the target's can hold of attributes, flags and times, what it adds, and that both come to rest.
. "$(dirname "$0")/lib.sh"
need_root
make_old() { local img; img=$(fast_image 64) && mkfs.ext4 -q -F -m 0 -I 128 "$img" && mkdir -p "$1" && mount -o loop "$img" "$1"; rm -f "$img"; }
make_quota() { local img; img=$(fast_image 64) && mkfs.ext4 -q -F -m 0 -O quota,project -E quotatype=prjquota "$img" && mkdir -p "$1" && mount -o loop "$img" "$1"; rm -f "$img"; }
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

# Flags and projects, between file systems that have them.
make_quota "$WORK/q1" && make_quota "$WORK/q2" || skip "no ext4 with projects"
mkdir -p "$WORK/q1/s/web/new" "$WORK/q1/s/spool"; echo page >"$WORK/q1/s/web/page"; echo j >"$WORK/q1/s/journalled"
chattr -p 77 "$WORK/q1/s/web" "$WORK/q1/s/web/page"; chattr +P "$WORK/q1/s/web"; chattr +T "$WORK/q1/s/spool"; chattr +j "$WORK/q1/s/journalled"
letters() { (cd "$1" && find . -mindepth 1 | sort | xargs lsattr -pd | tr -d e); }
rehost copy "$WORK/q1/s" "local:$WORK/q2/t"; expect 0 "projects: copy"
empty "projects: nothing is lost" "$ERR"
equal "projects and flags are kept" "$(letters "$WORK/q2/t")" "$(letters "$WORK/q1/s")"
echo more >>"$WORK/q1/s/web/page"; echo made >"$WORK/q1/s/web/made"
rehost sync "$WORK/q1/s" "local:$WORK/q2/t"; expect 0 "projects: after changes"
equal "projects are kept" "$(letters "$WORK/q2/t")" "$(letters "$WORK/q1/s")"
idle "projects" "$WORK/q1/s" "$WORK/q2/t"
chattr -p 88 "$WORK/q2/t/web/page"
rehost verify "$WORK/q1/s" "local:$WORK/q2/t"; expect 4 "another project is a difference"; has "it is named" "$OUT" "project"
rehost sync "$SRC" "local:$WORK/q2/t2"; chattr -p 99 "$WORK/q2/t2/f1"; chattr +P -p 99 "$WORK/q2/t2/sub"
idle "projects of the target's own" "$SRC" "$WORK/q2/t2"
has "they stay" <(lsattr -p "$WORK/q2/t2/f1") "^ *99 "

if make_fs xfs 320 "$WORK/xfs"; then
    rehost -q copy "$WORK/q1/s" "local:$WORK/xfs/t"; expect 0 "flags that xfs has not: copy"
    warned "the flag T is named once" "RH1061.*flag T"; warned "and j" "RH1061.*flag j"
    equal "projects are kept there, too" "$(lsattr -p "$WORK/xfs/t/web/page" | awk '{print $1}')" 77
    idle "flags that xfs has not" "$WORK/q1/s" "$WORK/xfs/t"
    warned "verify names it, too" "RH1061.*flag T"
    # An attribute that ext4 has no room for.
    mkdir "$WORK/xfs/large"; seq 1 9000 >"$WORK/xfs/large/f"; chmod 4751 "$WORK/xfs/large/f"
    "$PY" -c "import os; os.setxattr('$WORK/xfs/large/f', 'user.large', os.urandom(12000)); os.setxattr('$WORK/xfs/large/f', 'user.small', b's')"
    rehost copy "$WORK/xfs/large" "local:$WORK/q2/large"; expect 3 "a large attribute: copy"
    has "it has a code of its own" "$ERR" "RH0860.*'f'"; hasnt "the target is not said to be full" "$ERR" "RH0809|make room"
    equal "the rest of the file is there" "$(getfattr --only-values -n user.small "$WORK/q2/large/f") $(stat -c %a "$WORK/q2/large/f")" "s 4751"
    rehost --json sync "$WORK/xfs/large" "local:$WORK/q2/large"; equal "contents are not sent again" "$(field bytes_literal)" 0
    # Names of attributes that cannot be listed.
    mkdir "$WORK/xfs/many"; seq 1 5000 >"$WORK/xfs/many/f"; echo x >"$WORK/xfs/many/g"
    setfattr -n user.kept -v old "$WORK/xfs/many/f"
    rehost copy "$WORK/xfs/many" "local:$WORK/q2/many"; expect 0 "before"
    "$PY" -c "import os
for i in range(320): os.setxattr('$WORK/xfs/many/f', 'user.%03d' % i + 'n' * 240, b'')"
    seq 1 6000 >"$WORK/xfs/many/f"
    rehost sync "$WORK/xfs/many" "local:$WORK/q2/many"; expect 3 "attributes that cannot be listed"
    has "are that file's failure" "$ERR" "RH0760.*'f'"
    check "its contents are copied" cmp "$WORK/xfs/many/f" "$WORK/q2/many/f"
    rehost --json sync "$WORK/xfs/many" "local:$WORK/q2/many"; equal "and not sent again" "$(field files_transferred)" 0
else
    skip_part xfs "no xfs"
fi

if make_fs btrfs 200 "$WORK/b1" && make_fs btrfs 200 "$WORK/b2" nodatacow; then
    mkdir -p "$WORK/b1/s/logs"; setfattr -n btrfs.compression -v zstd "$WORK/b1/s/logs"
    seq 1 5000 >"$WORK/b1/s/logs/log"; chattr +A "$WORK/b1/s/logs/log"; seq 1 9 >"$WORK/b1/s/plain"; setfattr -n btrfs.compression -v none "$WORK/b1/s/plain"
    properties() { (cd "$1" && find . | sort | xargs getfattr -h -d -m '^btrfs' 2>/dev/null); }
    rehost copy "$WORK/b1/s" "local:$WORK/q2/b"; expect 0 "btrfs to ext4"; has "the property is named" "$ERR" "RH1061.*property"
    idle "btrfs to ext4" "$WORK/b1/s" "$WORK/q2/b"
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
