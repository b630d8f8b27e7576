#!/bin/bash
# layout: the plan of a disk is shown, writes nothing, and what it has one type makes a disk that is as planned and takes the copy.
. "$(dirname "$0")/lib.sh"
mkdir -p "$WORK/src/etc" "$WORK/src/many"
head -c 3000000 /dev/urandom >"$WORK/src/etc/big"; for i in $(seq 1 200); do echo "$i" >"$WORK/src/many/$i"; done
IMG="$WORK/a disk's.img"
cat >"$WORK/job.conf" <<END
[target]
address = local:
root = $WORK/new
image = $IMG:400M
[source]
root = $WORK/src
END
layout() { rehost -c "$WORK/job.conf" "$@" layout; }
plan() { jq -r "select(.message_type==\"plan\") | $1" "$OUT"; }

layout; expect 0 "layout"; empty "nothing on stderr" "$ERR"
has "the source" "$OUT" "^  $WORK/src "; has "the table" "$OUT" "^  3 root .* ext4 "; has "the commands" "$OUT" "^mkfs.ext4 .*root"
cp "$OUT" "$WORK/first"; layout -n; equal "the same each time" "$(cat "$OUT")" "$(cat "$WORK/first")"
refute "no image is made" test -e "$IMG"; refute "no root either" test -e "$WORK/new"; refute "and no state" test -e "$REHOST_STATE_DIR/default/state.json"
layout --json; expect 0 "layout --json"; check "it is JSON" jq -e . "$OUT"
equal "the lines" "$(jq -r .message_type "$OUT" | uniq | tr '\n' ' ')" "plan operation summary "
equal "the partitions" "$(plan '[.partitions[] | .role, .size] | @csv')" "\"bios-boot\",1048576,\"esp\",67108864,\"root\",349175808"
check "it needs what the files take, and not what the file system holds" sh -c "[ $(plan .needed) -lt $((280 << 20)) ]"
layout --set layout.firmware=bios --json; equal "for BIOS alone" "$(plan '[.partitions[].role] | @csv')" '"bios-boot","root"'
layout --set layout.firmware=uefi --json; equal "for UEFI alone" "$(plan '[.partitions[].role] | @csv')" '"esp","root"'
rehost --set target.address=local: --set "target.image=$IMG:400M" --set "source.root=$WORK/src" --set job.name=other layout --json
equal "where it is attached by itself" "$(plan .root)" /run/rehost/other/root
layout --set "target.image=$IMG:100M"; expect 1 "too small"; has "with the size it needs" "$ERR" "RH1702.* 27[0-9]M at least"
layout --set "target.image=$IMG:100M" --set rules.exclude=/etc --json; expect 1 "too small, with --json"; has "as an object" "$OUT" exit_error
layout --set target.image=; expect 78 "no image"; has "it says so" "$ERR" RH1701
layout --set target.image=new.img:4G; expect 78 "a relative file"; layout --set "target.image=$IMG"; expect 78 "no size"
layout --set "target.image=$IMG:0"; expect 78 "an empty disk"; layout --set layout.filesystem=/=ntfs; expect 78 "a file system that is none"
layout --set layout.filesystem=/home=xfs; expect 78 "another mount point"; layout --set layout.firmware=openboot; expect 78 "another firmware"
rehost -c "$WORK/job.conf" layout DISK; expect 64 "an argument"
[ "$FAILED" -eq 0 ] || finish

need_root
for program in sfdisk mkfs.ext4 mkfs.vfat losetup blkid; do command -v "$program" >/dev/null || skip "no $program"; done
losetup --find >/dev/null 2>&1 || skip "no loop devices"
# typed PHASE: runs it as it stands there. The variables stay, as in a shell that somebody types in.
typed() { layout "${@:2}"; awk -v p="# $1" 'index($0, p) == 1 { on = 1; next } /^# / { on = 0 } on' "$OUT" >"$WORK/typed.sh"; set -e; . "$WORK/typed.sh" >"$WORK/typed.out" 2>&1; set +e; }
try() {
    local fs=$1 part
    typed "make it" --set "layout.filesystem=/=$fs"
    layout --json --set "layout.filesystem=/=$fs"; cp "$OUT" "$WORK/plan"
    equal "$fs: the table is as planned" "$(sfdisk --json "$IMG" | jq -c '[.partitiontable.id, (.partitiontable.partitions[] | .start * 512, .size * 512, .type, .uuid)] | map(tostring | ascii_downcase)')" \
        "$(jq -c 'select(.message_type=="plan") | [.disk_id, (.partitions[] | .start, .size, .type, .partuuid)] | map(tostring | ascii_downcase)' "$WORK/plan")"
    for part in 1 2; do
        equal "$fs: file system $part is as planned" "$(blkid -p -o value -s TYPE -s UUID -O "$(jq -r "select(.message_type==\"plan\") | .partitions[$part].start" "$WORK/plan")" "$IMG" | sort | tr '\n' ' ')" \
            "$(jq -r "select(.message_type==\"plan\") | .partitions[$part] | .filesystem, .uuid" "$WORK/plan" | sort | tr '\n' ' ')"
    done
    equal "$fs: no loop device is left" "$(losetup -j "$IMG")" ""
    typed "attach it" --set "layout.filesystem=/=$fs"
    equal "$fs: it is attached" "$(stat -f -c %T "$WORK/new" | sed 's|ext2/ext3|ext4|')" "$fs"
    rehost -c "$WORK/job.conf" copy; expect 0 "$fs: a copy into it"
    rehost -c "$WORK/job.conf" verify --mode crc64; expect 0 "$fs: verify"
    typed "release it" --set "layout.filesystem=/=$fs"
    equal "$fs: nothing is left attached" "$(losetup -j "$IMG")$(findmnt -n "$WORK/new")" ""
    (set +e; layout; awk '/^# make it/ { on = 1; next } /^# / { on = 0 } on' "$OUT" >"$WORK/typed.sh"; bash -e "$WORK/typed.sh"); equal "$fs: made once only" $? 1
    rm -f "$IMG"; rm -rf "$REHOST_STATE_DIR/default"
}
try ext4
finish
