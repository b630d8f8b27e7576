#!/bin/bash
# What is copied by default, and that nothing a user would call his data is left out in silence, whatever the command.
FS_MB=1024
. "$(dirname "$0")/lib.sh"
need_root
grep -qw xfs /proc/filesystems && command -v mkfs.xfs >/dev/null || skip "no xfs"

S=$WORK/s D=$WORK/d
mkdir -p "$S" "$WORK/elsewhere"; echo root >"$S/f"
make_fs xfs 320 "$S/xfs" || skip "cannot make xfs"
make_fs ext4-plain 20 "$S/ext4"
echo x >"$S/xfs/f"; echo e >"$S/ext4/f"
mkdir "$S/tmpfs"; mount -t tmpfs rehost-test "$S/tmpfs"; echo t >"$S/tmpfs/f"
conf() { # conf NAME LINES...: beneath [source]
    local name=$1; shift
    printf '%s\n' '[job]' "name = $name" '[target]' 'address = local:' "root = $D-$name" '[source]' "root = $S" "$@" >"$WORK/$name.conf"
}
warned() { has "$1: warned" "$ERR" "warning: \\[RH0350\\] '$S/$2' is left out"; hasnt "$1: of nothing else" <(grep -v "'$S/$2'" "$ERR") 'RH0350'; }
quiet() { expect 0 "$1"; empty "$1: silent" <(cat "$OUT" "$ERR"); }

# Disks of all types, nothing to warn of; no list where there is nothing to say.
rehost copy "$S" "local:$D"; expect 0 "a copy of all disks"; empty "no list, no warning" "$ERR"
equal "what was copied" "$(cat "$D/xfs/f" "$D/ext4/f" | paste -sd' ')" "x e"; refute "a tmpfs is left out" test -e "$D/tmpfs/f"
rehost -v sync "$S" "local:$D"; expect 0 "-v"
has "-v: copied, with type and size" "$ERR" "copied: '$S/xfs' \\([0-9.]+ [KM]iB in use, xfs on /dev/"; has "-v: what is no disk" "$ERR" "left out: '$S/tmpfs' \\(tmpfs on .*in memory"
rehost --json sync "$S" "local:$D"; expect 0 "--json"
equal "--json: the list" "$(jq -r 'select(.mount and .left_out == false) | .filesystem + " " + (.bytes_used > 0 | tostring)' "$OUT" | tail -n +2 | LC_ALL=C sort | paste -sd' ')" "ext4 true xfs true"
rehost -q sync "$S" "local:$D"; quiet "-q"

# A disk of a type that is not listed: every command says so, -q too, once a command.
conf types 'filesystems = ext4'
for command in copy sync verify run; do rehost -c "$WORK/types.conf" -q $command; expect 0 "-q $command"; warned "-q $command" xfs; equal "-q $command: once" "$(grep -c RH0350 "$ERR")" 1; done
refute "and it is not there" test -e "$D-types/xfs/f"
has "the warning has type, size and cause" "$ERR" 'iB in use, xfs on /dev/.*: type not listed'
rehost -c "$WORK/types.conf" --json sync; equal "--json: a warning" "$(jq -r 'select(.message_type=="warning") | .code + " " + .file' "$OUT")" "RH0350 $S/xfs"
equal "--json: in the list too" "$(jq -r 'select(.left_out) | .mount + " " + .why' "$OUT")" "$S/xfs type not listed"
rehost -c "$WORK/types.conf" -q -n sync; expect 0 "-n"; warned "-n" xfs
rehost -c "$WORK/types.conf" -q verify f; quiet "verify of another path"
rehost -c "$WORK/types.conf" -q verify xfs; expect 0 "verify of that path"; warned "verify of that path" xfs
# Until the configuration says that it is meant.
conf meant 'filesystems = ext4' "skip_mounts = $S/xfs"; rehost -c "$WORK/meant.conf" -q copy; quiet "skip_mounts"
rehost -c "$WORK/meant.conf" sync; expect 0 "skip_mounts without -q"; has "the list says so" "$ERR" "note: left out: '$S/xfs' .*: skip_mounts"; has "and what is copied" "$ERR" "note: copied: '$S/ext4'"
conf ruled 'filesystems = ext4' '[rules]' "exclude = $S/xfs"; rehost -c "$WORK/ruled.conf" -q run; quiet "an exclude rule"
rehost -q --set source.filesystems= --set source.filesystems=ext4 sync -x "$S" "local:$D-x"; quiet "-x"
rehost -q sync --exclude /ext4 "$S" "local:$D-excluded"; quiet "an excluded disk"

# A disk that another hides; a file that is mounted over another.
mkdir "$S/twice"; make_fs ext4-plain 20 "$S/twice"; echo beneath >"$S/twice/f"; mount -t tmpfs rehost-test "$S/twice"
rehost -q sync "$S" "local:$D"; expect 0 "a hidden disk"; warned "a hidden disk" twice
umount "$S/twice"; umount "$S/twice"
echo real >"$WORK/elsewhere/real"; echo place >"$S/place"; mount --bind "$WORK/elsewhere/real" "$S/place"
rehost -q sync "$S" "local:$D"; expect 0 "a file mounted over another"; warned "a file mounted over another" place
rehost -q verify "$S" "local:$D"; expect 0 "verify of it"; warned "verify of it" place
rehost -q sync --exclude=/place "$S" "local:$D"; quiet "an excluded file"
umount "$S/place"; mount --bind "$S/f" "$S/place"; rehost -q sync "$S" "local:$D"; quiet "one that is copied at its own place"; umount "$S/place"

# What is in an image that is copied is not copied twice; when the image is left out, what it holds is not.
truncate -s 20M "$S/image"; mkfs.ext4 -q -F "$S/image"; mkdir "$S/in"; mount -o loop "$S/image" "$S/in"; echo inner >"$S/in/f"
rehost -q sync "$S" "local:$D"; quiet "an image that is mounted"; refute "its contents are in the image" test -e "$D/in/f"; check "which is there" test -s "$D/image"
rehost -q sync --exclude /image "$S" "local:$D-image"; quiet "an image that is left out"; equal "what it holds is copied" "$(cat "$D-image/in/f")" inner
conf named "mounts = $S, $S/in"; rehost -c "$WORK/named.conf" -q copy; quiet "who names it has it"; equal "copied" "$(cat "$D-named/in/f")" inner
umount "$S/in"

# A file system that this host has of a type that "local" does not take.
rehost --set source.root="$S/tmpfs" --set target.address=local: --set target.root="$D-root" -c /dev/null copy; expect 78 "a root that is no disk is refused"

# Read-only subvolumes: what is a snapshot is said with -v, what is not is copied.
if grep -qw btrfs /proc/filesystems && command -v mkfs.btrfs >/dev/null && make_fs btrfs 256 "$S/btrfs"; then
    B=$S/btrfs
    { btrfs subvolume create "$B/own" && echo own >"$B/own/f" && btrfs property set "$B/own" ro true && btrfs subvolume create "$B/rw" &&
        echo rw >"$B/rw/f" && btrfs subvolume snapshot -r "$B/rw" "$B/snapshot"; } >/dev/null 2>&1 || bail "no subvolumes"
    rehost -q sync "$S" "local:$D"; quiet "read-only subvolumes"; equal "one that is no snapshot is copied" "$(cat "$D/btrfs/own/f")" own
    refute "a snapshot is not" test -e "$D/btrfs/snapshot"
    rehost -q verify --mode crc64 "$S" "local:$D"; quiet "verify agrees"
    echo changed >"$D/btrfs/own/f"; rehost -q verify --mode crc64 "$S" "local:$D"; expect 4 "and looks into it"
    rehost -v sync "$S" "local:$D"; has "-v names the snapshot" "$ERR" "left out: 'btrfs/snapshot' is a read-only snapshot"
    # Received from elsewhere: of what is here it is no copy.
    mkdir "$B/received"
    { btrfs send "$B/snapshot" | btrfs receive "$B/received" && btrfs subvolume snapshot -r "$B/received/snapshot" "$B/received/later"; } >/dev/null 2>&1 || bail "no send and receive"
    for command in sync verify; do
        rehost -q $command "$S" "local:$D"; expect 0 "$command of a received one"; has "$command: it is warned of" "$ERR" "RH0352.*'btrfs/received/later' is left out"
    done
    equal "the first of them is copied" "$(cat "$D/btrfs/received/snapshot/f")" rw
    rehost -q sync --exclude=/btrfs/received "$S" "local:$D"; quiet "until it is excluded"
    umount "$B"
fi

# More mounts than the soft limit, or the hard one, has descriptors.
mkdir -p "$WORK/many/s"
for i in $(seq 1 300); do mkdir "$WORK/elsewhere/$i" "$WORK/many/s/$i"; echo "$i" >"$WORK/elsewhere/$i/f"; mount --bind "$WORK/elsewhere/$i" "$WORK/many/s/$i"; done
ulimit -Sn 256
rehost -q --processes 2 copy "$WORK/many/s" "local:$WORK/many/d"; quiet "300 mounts, 256 descriptors"
equal "all there" "$(cat "$WORK"/many/d/*/f | sort -n | cksum)" "$(seq 1 300 | cksum)"
rehost -q verify "$WORK/many/s" "local:$WORK/many/d"; quiet "verify of them"
as_tester; ulimit -Hn 256
chown -R 54321:54321 "$WORK/many"; rehost -q sync "$WORK/many/s" "local:$WORK/many/d"; expect 1 "no more descriptors to be had: refused"; has "and said why" "$ERR" 'RH0351.*300|RH0351.*301'
AS=()
no_leftovers "at the end"
finish
