#!/bin/bash
# File systems of the source that are not walked, or not there: what the target has of them, or in their place, stays.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd

# --- left out: the mount point is made, what the target has beneath it stays, what the source hides there is not copied -------------
S=$WORK/src
mkdir -p "$S/m/deep" "$S/plain" "$S/new"; echo hidden >"$S/m/deep/hidden"; echo p >"$S/plain/p"
mount -t tmpfs none "$S/m"; mount -t tmpfs none "$S/new"; echo in-memory >"$S/m/file"
for to in "$T" local; do
    D=$WORK/dst-$to; D=${D%%:*}; D=${D%%@*}; rm -rf "$D"; mkdir -p "$D/m/own" "$D/gone"; echo k >"$D/m/keep"; echo k >"$D/m/own/keep"; echo x >"$D/plain-x"
    rehost sync -x --delete "$S" "$to:$D"; expect 0 "$to: sync -x --delete"
    equal "$to: what the target has beneath the mount point stays" "$(cat "$D/m/keep" "$D/m/own/keep")" "k
k"
    refute "$to: what is extra elsewhere goes" test -e "$D/plain-x" -o -e "$D/gone"
    check "$to: a mount point that the target lacks is made, and empty" rmdir "$D/new"
    refute "$to: nothing of the mount nor of what it hides is copied" test -e "$D/m/file" -o -e "$D/m/deep"
    has "$to: what is hidden is said with its size" "$ERR" 'RH0340.*7 B.*/m'
    rehost sync -x --delete "$S" "$to:$D"; rehost --json sync -x --delete "$S" "$to:$D"
    equal "$to: then idle" "$(field files_transferred) $(field files_deleted)" "0 0"
    rehost verify "$S" "$to:$D"; expect 0 "$to: verify says nothing of it"
done
rm -rf "$D/m"; echo file >"$D/m"
rehost sync -x --delete "$S" "local:$D"; expect 0 "a file where the mount point belongs"; check "gives way to it" rmdir "$D/m"

job() { # job NAME SOURCE_ROOT LINES...: the lines go beneath [source]
    local name=$1 root=$2; shift 2
    { printf '[job]\nname = %s\n[target]\naddress = %s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$name" "${TO:-127.0.0.1:$PORT}" "$WORK/d/$name" "$KEY" "$KNOWN" "$root"
      printf '%s\n' "$@"; } >"$WORK/$name.conf"
}
SET=(); mkdir "$WORK/d"
job skip "$S" "skip_mounts = $S/m" "filesystems = ext4, tmpfs"; mkdir -p "$WORK/d/skip"
rehost -c "$WORK/skip.conf" sync; expect 0 "skip_mounts"
echo k >"$WORK/d/skip/m/keep"; rehost -c "$WORK/skip.conf" sync; expect 0 "again"
check "skip_mounts: what the target has there stays" test -e "$WORK/d/skip/m/keep"
job types "$S" "filesystems = ext4"; rehost -c "$WORK/types.conf" sync; mkdir -p "$WORK/d/types/m/a"; echo k >"$WORK/d/types/m/a/keep"
rehost -c "$WORK/types.conf" sync; expect 0 "an unlisted type"
check "an unlisted type: what the target has there stays" test -e "$WORK/d/types/m/a/keep"
rehost -c "$WORK/types.conf" verify; expect 0 "verify"
# hidden = copy: to its place, and what the target has there besides stays.
D=$WORK/dst-hidden; mkdir -p "$D/m/deep"; echo k >"$D/m/deep/keep"; SET=(--set source.hidden=copy)
rehost sync -x --delete "$S" "local:$D"; expect 0 "hidden = copy"; equal "what is hidden is copied" "$(cat "$D/m/deep/hidden")" hidden
check "nothing is deleted there" test -e "$D/m/deep/keep"; refute "nothing of the mount is copied" test -e "$D/m/file"; hasnt "nothing is said to be hidden" "$ERR" RH0340
rehost --json sync -x --delete "$S" "local:$D"; equal "then idle" "$(field files_transferred) $(field files_deleted)" "0 0"
rehost --set source.filesystems=ext4 verify "$S" "local:$D"; expect 0 "verify sees both"; rm "$D/m/deep/hidden"
rehost --set source.filesystems=ext4 verify "$S" "local:$D"; expect 4 "and what is missing"; SET=()
umount "$S/m" "$S/new"

# --- not there any more -------------------------------------------------------------------------------------------------------------
R=$WORK/root; mkdir -p "$R/etc" "$R/mnt/data" "$R/other"; echo e >"$R/etc/e"; echo g >"$R/etc/gone"
check "a disk" make_fs ext4-plain 32 "$R/mnt/data"; check "another" make_fs ext4-plain 32 "$R/other"; rm -rf "$R"/{mnt/data,other}/lost+found
for d in mnt/data other; do mkdir "$R/$d/sub"; for i in 1 2 3; do echo $i >"$R/$d/sub/f$i"; done; chmod 711 "$R/$d"; done
held() { # held WHERE: all of the first disk is as it was
    equal "$1: nothing of it is deleted" "$(cat "$WORK/d/$J/mnt/data/sub"/f* | paste -sd' ')" "1 2 3"
    equal "$1: nor is its root changed" "$(stat -c %a "$WORK/d/$J/mnt/data")" 711
}
for how in during after; do
    J=lost-$how; job "$J" "$R" $'[rules]\ndelete = '$how
    rehost -c "$WORK/$J.conf" run; expect 0 "$how: the first run"
    loop=$(findmnt -no SOURCE "$R/mnt/data"); losetup -d "$loop" 2>/dev/null; mkdir -p "$WORK/hold"; mount --bind "$R/mnt/data" "$WORK/hold"
    umount "$R/mnt/data"; rm "$R/etc/gone"; rm "$R/other/sub/f1"
    rehost -c "$WORK/$J.conf" sync -n; expect 3 "$how: a dry run says it too"
    rehost -c "$WORK/$J.conf" sync; expect 3 "$how: a disk that is not mounted: exit 3"
    has "$how: it is named" "$ERR" "RH1040.*$R/mnt/data"; held "$how"
    refute "$how: the rest goes on" test -e "$WORK/d/$J/etc/gone" -o -e "$WORK/d/$J/other/sub/f1"
    rmdir "$R/mnt/data" "$R/mnt"
    rehost -c "$WORK/$J.conf" sync; expect 3 "$how: its mount point is gone as well"; held "$how, without a mount point"
    rehost -c "$WORK/$J.conf" verify; expect 3 "$how: verify says so"; has "$how: by the code" "$ERR" RH1040
    refute "$how: and does not call its files extra" grep -q 'mnt/data/sub' "$OUT"
    mkdir -p "$R/mnt/data"; check "another disk" make_fs ext4-plain 32 "$R/mnt/data"; echo n >"$R/mnt/data/new"
    rehost -c "$WORK/$J.conf" sync; expect 3 "$how: another disk in its place"; has "$how: it is named" "$ERR" "RH1040.*another"; held "$how, another disk"
    refute "$how: nothing of the other one is copied" test -e "$WORK/d/$J/mnt/data/new"
    umount "$R/mnt/data"; mount --bind "$WORK/hold" "$R/mnt/data"; umount "$WORK/hold"
    rehost -c "$WORK/$J.conf" --json sync; expect 0 "$how: it is back"; equal "$how: and nothing is to be done" "$(field files_transferred)" 0
    rm "$R/mnt/data/sub/f1"; rehost -c "$WORK/$J.conf" sync; expect 0 "$how: what goes from it"; refute "$how: goes from the target" test -e "$WORK/d/$J/mnt/data/sub/f1"
    echo 1 >"$R/mnt/data/sub/f1"; echo 1 >"$R/other/sub/f1"; echo g >"$R/etc/gone"
done
# Left out by the configuration it is not missed, and stays all the same; --adopt takes the source as it is.
umount "$R/mnt/data"; rehost -c "$WORK/$J.conf" --set "source.skip_mounts=$R/mnt/data" sync; expect 0 "skip_mounts: not missed"
equal "skip_mounts: it stays" "$(ls "$WORK/d/$J/mnt/data/sub" | paste -sd' ')" "f2 f3"
rehost -c "$WORK/$J.conf" sync --adopt; expect 0 "--adopt: it is gone for good"; refute "--adopt: from the target, too" test -e "$WORK/d/$J/mnt/data/sub"
rehost -c "$WORK/$J.conf" sync; expect 0 "and is not missed again"
# The source root itself.
J=root; job "$J" "$R/other"; rehost -c "$WORK/$J.conf" run; expect 0 "the root: the first run"; cp -a "$WORK/d/$J" "$WORK/before"
umount "$R/other"; echo foreign >"$R/other/foreign"
rehost -c "$WORK/$J.conf" sync; expect 3 "the source root is not mounted: exit 3"; has "it is named" "$ERR" "RH1040.*$R/other"
same "the root: nothing is deleted or written" "$WORK/before" "$WORK/d/$J"

# --- an encrypted home that is locked -------------------------------------------------------------------------------------------------
cat >"$WORK/key.py" <<'P'
import fcntl, os, struct, sys
what, mount, path = sys.argv[1:]
fd = os.open(mount, os.O_RDONLY)
spec = lambda ident: struct.pack('=II32s', 2, 0, ident)  # struct fscrypt_key_specifier
arg = bytearray(spec(b'') + struct.pack('=II32x', 64, 0) + b'k' * 64)
fcntl.ioctl(fd, 0xc0506617, arg)  # FS_IOC_ADD_ENCRYPTION_KEY
ident = bytes(arg[8:24])
if what == 'lock':
    arg = bytearray(spec(ident) + struct.pack('=I20x', 0))
    fcntl.ioctl(fd, 0xc0406618, arg)  # FS_IOC_REMOVE_ENCRYPTION_KEY
    sys.exit(struct.unpack_from('=I', arg, 40)[0])
if what == 'set':
    os.mkdir(path)
    fcntl.ioctl(os.open(path, os.O_RDONLY), 0x800c6613, bytearray(struct.pack('=BBBB4x16s', 2, 1, 4, 3, ident)))
P
E=$WORK/enc; truncate -s 64M "$WORK/enc.img"; mkdir "$E"
if mkfs.ext4 -q -O encrypt "$WORK/enc.img" 2>"$ERR" && mount -o loop "$WORK/enc.img" "$E" && "$PY" "$WORK/key.py" set "$E" "$E/home" 2>"$ERR"; then
    mkdir -p "$E/home/sub/empty" "$E/plain"; for f in home/a home/sub/b plain/c plain/gone; do echo $f >"$E/$f"; done; ln -s a "$E/home/link"
    echo x >"$E/home/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" # looks like a code
    for how in during after; do
        rm -rf "$WORK/enc-dst"; echo g >"$E/plain/gone"
        rehost --set rules.delete=$how sync --delete "$E" "local:$WORK/enc-dst"; expect 0 "$how: unlocked it is copied"; same "$how: identical" "$E" "$WORK/enc-dst" --ignore flags
        rm "$E/plain/gone"; cp -a "$WORK/enc-dst/home" "$WORK/before-$how"
        until_true 5 "$PY" "$WORK/key.py" lock "$E" -; refute "$how: it is locked" test -e "$E/home/a"
        rehost --set rules.delete=$how sync --delete "$E" "local:$WORK/enc-dst"; expect 3 "$how: locked: exit 3"; has "$how: it is named" "$ERR" "RH0740.*'home'"
        same "$how: what the target has of it is as it was" "$WORK/before-$how" "$WORK/enc-dst/home"; refute "$how: the rest goes on" test -e "$WORK/enc-dst/plain/gone"
        rehost verify "$E" "local:$WORK/enc-dst"; expect 3 "$how: verify cannot say"; hasnt "$how: but finds no difference" "$OUT" 'missing|extra'
        rehost sync "$E" "local:$WORK/enc-new-$how"; expect 3 "$how: nothing of it is copied anew"; equal "$how: no code becomes a name" "$(ls -A "$WORK/enc-new-$how/home")" ""
        "$PY" "$WORK/key.py" unlock "$E" -; rm -f "$E/home/sub/b"
        rehost --set rules.delete=$how sync --delete "$E" "local:$WORK/enc-dst"; expect 0 "$how: unlocked again"; same "$how: identical again" "$E" "$WORK/enc-dst" --ignore flags
    done
else
    skip_part encrypted "no encryption: $(head -1 "$ERR")"
fi
finish
