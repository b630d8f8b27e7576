#!/bin/bash
# Several file systems beneath one source root: ext4, xfs, btrfs; what lies beneath a mount point; map; what is left out is said.
. "$(dirname "$0")/lib.sh"
need_root
grep -qw xfs /proc/filesystems && command -v mkfs.xfs >/dev/null || skip "no xfs"
grep -qw btrfs /proc/filesystems && command -v mkfs.btrfs >/dev/null || skip "no btrfs"
start_sshd
R=$WORK/root DST=$WORK/dst
check "ext4 is made" make_fs ext4 400 "$R"
mkdir -p "$R/data" "$R/vol" "$R/tmpfs" "$R/bind" "$R/home/deep"
echo hidden >"$R/data/hidden-beneath"; touch -d '2001-01-01' "$R/data"
check "xfs is made" make_fs xfs 400 "$R/data"
check "btrfs is made" make_fs btrfs 400 "$R/vol"
check "an ext4 within is made" make_fs ext4-plain 100 "$R/home/deep"
mount -t tmpfs rehost-test "$R/tmpfs"; mount --bind "$R/data" "$R/bind"
for d in "$R" "$R/data" "$R/vol" "$R/home/deep"; do tree make "$d/tree" --entries 200 --big 2000000 >>"$WORK/left-out"; done
echo t >"$R/tmpfs/file"; chmod 1751 "$R/data"; chown 7:8 "$R/vol"; touch -d '2002-02-02 02:02:02.22' "$R/data" "$R/vol"
btrfs subvolume create "$R/vol/sub" >/dev/null 2>&1 && echo in-subvolume >"$R/vol/sub/file" && btrfs subvolume snapshot -r "$R/vol/sub" "$R/vol/snap" >/dev/null 2>&1
ln "$R/data/tree/contents/text" "$R/data/tree/another-name"
# What the target cannot hold is a failure of that file: flags of one file system that another has not (C stays on a file with content).
tree clear-flags "$R"; rm -rf "$R"/vol/tree/flags/C-*

job() { # job NAME SOURCE_ROOT LINES...: the lines go beneath [source]
    local name=$1 root=$2; shift 2
    { printf '[job]\nname = %s\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$name" "$PORT" "$DST-$name" "$KEY" "$KNOWN" "$root"
      printf '%s\n' "$@"; } >"$WORK/$name.conf"
}
SET=()
# Names of subvolumes are directories at the target; flags are compared where the target's file system has them.
C=(--ignore flags --exclude tmpfs --exclude bind --exclude vol/snap)
job all "$R"
rehost -c "$WORK/all.conf" copy; expect 0 "copy of all mounts"
said=$WORK/said; cat "$OUT" "$ERR" >"$said"; find "$WORK/log" -type f -exec cat {} + >>"$said" 2>/dev/null
same "identical, mount points with the mounted roots' metadata" "$R" "$DST-all" "${C[@]}"
refute "what lies beneath a mount point is not mixed in" test -e "$DST-all/data/hidden-beneath"
refute "a tmpfs is left out" test -e "$DST-all/tmpfs/file"
refute "a bind mount is not copied twice" test -e "$DST-all/bind/tree"
has "the tmpfs is said to be left out" "$said" "$R/tmpfs|\\btmpfs\\b"; has "the bind mount is said to be left out" "$said" "$R/bind|\\bbind\\b"
has "what is hidden is reported" "$said" 'hidden|beneath'
equal "the subvolume is walked" "$(cat "$DST-all/vol/sub/file")" in-subvolume
refute "the read-only snapshot is left out" test -e "$DST-all/vol/snap/file"
rehost -c "$WORK/all.conf" verify --mode crc64; expect 0 "verify"
for seed in 41 42; do
    for d in "$R" "$R/data" "$R/vol"; do tree mutate "$d/tree" --seed $seed --count 20 >/dev/null; done; tree clear-flags "$R"
    rehost -c "$WORK/all.conf" sync; expect 0 "sync, seed $seed"
    same "seed $seed: identical" "$R" "$DST-all" "${C[@]}"
done
rehost -c "$WORK/all.conf" --json sync; equal "then idle" "$(field files_transferred) $(field files_deleted)" "0 0"

job types "$R" "filesystems = ext4"
rehost -c "$WORK/types.conf" copy; expect 0 "filesystems = ext4"
check "ext4 is there" test -e "$DST-types/home/deep/tree/contents/text"; refute "xfs is not" test -e "$DST-types/data/tree"
job skip "$R" "skip_mounts = $R/data,/data"
rehost -c "$WORK/skip.conf" copy; expect 0 "skip_mounts"
refute "not there" test -e "$DST-skip/data/tree"; check "the rest is" test -e "$DST-skip/vol/tree/contents/text"

# With root = / and a list of mounts the names of the mounts are not in doubt.
job mounts / "mounts = $R/data, $R/vol" "map = $R/vol=/elsewhere"
rehost -c "$WORK/mounts.conf" copy; expect 0 "mounts and map"
same "a mount at its own place" "$R/data" "$DST-mounts$R/data"
same "a mapped mount at its place" "$R/vol" "$DST-mounts/elsewhere" --ignore flags --exclude snap --ignore-root
job deep / "mounts = $R/vol" "map = $R/vol=/far/away/vol"
umask 077; rehost -c "$WORK/deep.conf" copy; umask 022; expect 0 "a map whose parents are missing"
equal "they are passages" "$(stat -c '%a %u %g' "$DST-deep/far" "$DST-deep/far/away" | paste -sd,)" "755 0 0,755 0 0"
equal "nothing else was copied" "$(find "$DST-mounts" -maxdepth 1 -mindepth 1 -printf '%f\n' | LC_ALL=C sort | paste -sd' ')" "elsewhere $(echo "$R" | cut -d/ -f2)"
rehost -c "$WORK/mounts.conf" sync; expect 0 "sync with map"
same "still" "$R/data" "$DST-mounts$R/data"
rehost -c "$WORK/mounts.conf" verify; expect 0 "verify with map"
# Two mounts merged into one directory is allowed only where they do not overlap; two to the same place are an error.
job clash / "mounts = $R/data, $R/vol" "map = $R/vol=/same" "map = $R/data=/same"
rehost -c "$WORK/clash.conf" copy; expect_failure "two mounts mapped to the same place"

# An ordinary directory as the root; and SRC DST goes into mounts unless -x.
use_ssh
job plain "$R/home"; rehost -c "$WORK/plain.conf" copy; expect 0 "an ordinary directory as root"; same "identical" "$R/home" "$DST-plain" --ignore flags
rehost copy "$R" "$T:$WORK/adhoc"; expect 0 "SRC DST with mounts beneath"; same "identical" "$R" "$WORK/adhoc" "${C[@]}"
rehost copy -x "$R" "$T:$WORK/adhoc-x"; expect 0 "SRC DST -x"; check "files of its own" test -e "$WORK/adhoc-x/tree/contents/text"
refute "none of another file system" test -e "$WORK/adhoc-x/data/tree"; check "but the mount point" test -d "$WORK/adhoc-x/data"
rehost copy "$R/tmpfs" "$T:$WORK/adhoc-tmpfs"; expect 0 "the file system that holds SRC is always walked"; same "identical" "$R/tmpfs" "$WORK/adhoc-tmpfs"
# Copies between the types: from ext4 to xfs and btrfs, without what those cannot hold.
tree make "$R/cross" --entries 200 --big 2000000 >/dev/null; tree clear-flags "$R/cross"; rm -rf "$R/cross/special/long" "$R/cross/xattr/large" "$R/cross/flags"
mkdir "$R/data/in" "$R/vol/in"
for to in data vol; do
    # Holes are left out: xfs allocates ahead of writes.
    rehost copy "$R/cross" "$T:$R/$to/in/copy"; expect 0 "ext4 to $to"; same "ext4 to $to: identical" "$R/cross" "$R/$to/in/copy" --ignore flags,holes
    tree clear-flags "$R/$to/in/copy"
done
# What the target's file system cannot hold is that file's failure, and said.
mkdir "$WORK/long"; ln -s "$(printf '%04000d' 0)" "$WORK/long/too-long" || bail "no symbolic link that long"
rehost sync "$WORK/long" "$T:$R/data/in/long"; expect 3 "a symlink too long for xfs: exit 3"; has "it is named" <(cat "$OUT" "$ERR") 'too-long'
# The clones are gone: each file system can be unmounted.
for d in home/deep bind data vol tmpfs; do check "$d can be unmounted" umount "$R/$d"; done
no_leftovers "at the end"
finish
