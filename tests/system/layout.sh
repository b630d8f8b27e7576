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

# --apply makes the same, without a loop device or a mount.
beside() { find "$WORK" -maxdepth 1 -name '*.rehost-*'; }
as_planned() { # WHAT FS
    local part
    layout --json --set "layout.filesystem=/=$2"; cp "$OUT" "$WORK/plan"
    equal "$1: the table is as planned" "$(sfdisk --json "$IMG" | jq -c '[.partitiontable.id, (.partitiontable.partitions[] | .start * 512, .size * 512, .type, .uuid)] | map(tostring | ascii_downcase)')" \
        "$(jq -c 'select(.message_type=="plan") | [.disk_id, (.partitions[] | .start, .size, .type, .partuuid)] | map(tostring | ascii_downcase)' "$WORK/plan")"
    for part in 1 2; do
        equal "$1: file system $part is as planned" "$(blkid -p -o value -s TYPE -s UUID -O "$(jq -r "select(.message_type==\"plan\") | .partitions[$part].start" "$WORK/plan")" "$IMG" | sort | tr '\n' ' ')" \
            "$(jq -r "select(.message_type==\"plan\") | .partitions[$part] | .filesystem, .uuid" "$WORK/plan" | sort | tr '\n' ' ')"
    done
}
layout -n --apply; expect 0 "--apply with -n"; refute "makes nothing" test -e "$IMG"
for fs in ext4 xfs btrfs; do
    command -v "mkfs.$fs" >/dev/null || { skip_part "$fs" "no mkfs.$fs"; continue; }
    layout --apply --set "layout.filesystem=/=$fs"; expect 0 "$fs: --apply"; has "$fs: says so" "$OUT" ": made"; empty "$fs: nothing on stderr" "$ERR"
    equal "$fs: of the size that was asked for, and nobody else's to read" "$(stat -c '%s %a' "$IMG")" "$((400 << 20)) 600"
    as_planned "$fs" "$fs"; equal "$fs: nothing is left beside it" "$(beside)$(losetup -j "$IMG")" ""
    typed "attach it" --set "layout.filesystem=/=$fs"
    rehost -c "$WORK/job.conf" copy; expect 0 "$fs: a copy into it"; rehost -c "$WORK/job.conf" verify --mode crc64; expect 0 "$fs: verify"
    umount "$WORK/new"
    case $fs in ext4) check "$fs: fsck finds nothing" e2fsck -fn "$root" ;; xfs) check "$fs: xfs_repair finds nothing" xfs_repair -n "$root" ;; btrfs) check "$fs: btrfs check finds nothing" btrfs check "$root" ;; esac
    losetup --detach "$root"
    before=$(sha256sum <"$IMG"); layout --apply --json --set "layout.filesystem=/=$fs"; expect 0 "$fs: again"; equal "$fs: it is there" "$(field made)" false
    equal "$fs: and stays as it is" "$(sha256sum <"$IMG")" "$before"
    layout -q --apply --set "layout.filesystem=/=$fs"; empty "$fs: -q says nothing" "$OUT"
    layout --apply --set "layout.filesystem=/=$fs" --set layout.firmware=uefi; expect 1 "$fs: another plan"; has "$fs: does not overwrite it" "$ERR" RH1703
    rm -f "$IMG"; rm -rf "$REHOST_STATE_DIR/default"
done
for kind in file link dir fifo; do
    case $kind in file) echo mine >"$IMG" ;; link) ln -s /etc/passwd "$IMG" ;; dir) mkdir "$IMG" ;; fifo) mkfifo "$IMG" ;; esac
    before=$(ls -ld --time-style=full-iso "$IMG"); layout --apply; expect 1 "a $kind of the name is refused"; has "$kind: it says why" "$ERR" RH1703
    equal "$kind: it stays" "$(ls -ld --time-style=full-iso "$IMG")" "$before"; rm -rf "$IMG"
done
layout --apply --set "target.image=$WORK/none/such.img:400M"; expect 1 "a directory that is not there"; has "it says so" "$ERR" "RH1705.*No such file"
layout --apply --set "target.image=$WORK/big.img:400G" --set "source.root=$WORK/src"; expect 0 "a large image takes only what it holds"; below "a large image: blocks" "$(du -m "$WORK/big.img" | cut -f1)" 300; rm -f "$WORK/big.img"
mount -t tmpfs -o size=100M tmpfs "$WORK/src/many"; layout --apply --set "target.image=$WORK/src/many/i:400M"; expect 1 "no room"; has "it says how much is left" "$ERR" "RH1705.*MiB are left"; umount "$WORK/src/many"
mkdir empty; mount --bind empty /usr/sbin 2>/dev/null && { layout --apply; code=$?; umount /usr/sbin; [ "$(readlink -f /sbin)" = /usr/sbin ] && { has "a program that is missing" "$ERR" "RH1706.*sfdisk"; equal "nothing of it is left" "$(beside)$(find "$WORK" -maxdepth 1 -name '*.img')" ""; }; }
exec 9>"$IMG.rehost-part"; flock 9; layout --apply; expect 1 "somebody else is making it"; has "it says so" "$ERR" RH1704; exec 9>&-
echo stale >"$IMG.rehost-part"; echo stale >"$IMG.rehost-fs"; layout --apply; expect 0 "what an earlier one left is replaced"; as_planned "after a stale one" ext4; equal "nothing is left" "$(beside)" ""; rm -f "$IMG"

# Killed at any point, all of it at once or this side alone: no process stays, and the next one makes it.
for round in 1 2 3 4 5 6 7 8; do
    start_rehost -c "$WORK/job.conf" layout --apply
    sleep "0.$((round * 4 + 2))"
    if [ $((round % 2)) = 0 ]; then kill -9 $(descendants "$BG") "$BG" 2>/dev/null; else kill -9 "$BG" 2>/dev/null; fi
    wait "$BG" 2>/dev/null; until_true 10 no_processes || not_ok "round $round: a process is left"
    [ ! -e "$IMG" ] || check "round $round: what is there is whole" sh -c "sfdisk -V '$WORK/a disk'\''s.img' | grep -q 'No errors'"
    layout --apply; expect 0 "round $round: the next one"; equal "round $round: nothing is left" "$(beside)$(losetup -j "$IMG")" ""; rm -f "$IMG"
done

# Over SSH.
if start_sshd; then
    SSH=(rehost -c "$WORK/job.conf" "${SET[@]}" --set "target.address=$T")
    "${SSH[@]}" layout --apply; expect 0 "over SSH"; check "over SSH: it is there" test -f "$IMG"
    "${SSH[@]}" layout --apply --json; expect 0 "over SSH, again"; equal "over SSH: it was there" "$(field made)" false
    rm -f "$IMG"; echo mine >"$IMG"; "${SSH[@]}" layout --apply; expect 1 "over SSH: another one is refused"; has "over SSH: it says why" "$ERR" RH1703
else
    skip_part ssh "no sshd"
fi
finish
