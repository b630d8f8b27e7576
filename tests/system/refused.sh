#!/bin/bash
# Kernels that lack a system call, or whose container refuses it: each alone, and all of them. The same results, the same protection.
. "$(dirname "$0")/lib.sh"
need_root
[ -x "$REFUSE_TOOL" ] || { not_ok "no program at $REFUSE_TOOL"; finish; }
O=$WORK/outside; mkdir -p "$O/sub"; echo precious >"$O/file"; echo precious >"$O/sub/file"; before=$(fingerprint "$O")

source_tree() {
    mkdir -p src/home/u src/d/sub src/go
    echo 1 >src/d/file; echo 2 >src/d/sub/file; echo 3 >src/go/file; echo 4 >src/becomes-dir
    for mode in 0666 0640 1604 6711; do
        mkfifo src/home/u/fifo$mode; mknod src/home/u/char$mode c 1 3; mknod src/home/u/block$mode b 7 200
        chmod $mode src/home/u/*$mode
    done
    chown -h 54321:54321 src/home/u src/home/u/*0640; chmod 1777 src/home
}
# What changes, above all modes and owners of what has no descriptor, in a directory of a user's, and of root's.
change() {
    for f in src/home/u/*0666; do chmod 0600 "$f"; done
    for f in src/home/u/*0640; do chmod 0664 "$f"; chown 7:8 "$f"; done
    mkfifo -m 0622 src/home/u/new src/d/new; chown 54321 src/home/u/new
    setfacl -m u:7:rw src/home/u/fifo1604 src/home/u/fifo0640
    rm -r src/go; echo file >src/go; rm src/becomes-dir; mkdir src/becomes-dir; echo 5 >src/becomes-dir/x
    chmod 0700 src/d; chmod 0750 src/d/sub
}
# suite DST [TREE]
suite() {
    mkdir "$WORK/$((++number))"; cd "$WORK/$number" || exit 99
    source_tree; [ -z "${2:-}" ] || tree make src/tree --entries 120 --big 300000 >/dev/null
    rehost copy src "$1"; expect 0 "$what: copy"; same "$what: copied" src dst
    change
    rehost sync --delete src "$1"; expect 0 "$what: sync --delete"; same "$what: synced" src dst
    rehost --json sync --delete src "$1"; equal "$what: it comes to rest" "$(field files_transferred) $(field files_deleted)" "0 0"
    rm -r dst/d dst/becomes-dir; ln -s "$O" dst/d; ln -s "$O" dst/becomes-dir; ln -s "$O/file" dst/extra
    mkdir dst/gone; mount -t tmpfs rehost-test dst/gone; echo precious >dst/gone/file
    rehost sync --delete src "$1"
    equal "$what: a file system mounted at the target is not emptied" "$(cat dst/gone/file)" precious
    umount dst/gone; rmdir dst/gone; rm -f dst/extra
    rehost sync --delete src "$1"; expect 0 "$what: over links to outside"; same "$what: identical" src dst
    equal "$what: nothing outside was touched" "$(fingerprint "$O")" "$before"
}
number=0
for err in ENOSYS EPERM; do
    for call in openat2 fchmodat2 statx landlock clones; do
        what="$call: $err"; AS=("$REFUSE_TOOL" "$err" "$call" --)
        suite local:dst
    done
    what="all: $err"; AS=("$REFUSE_TOOL" "$err" openat2 fchmodat2 statx landlock clones --)
    suite local:dst tree
done
rehost verify --mode crc64 src local:dst; expect 0 "verify"

# A user of the target swaps the names of fifos and links while the receiver gives the fifos their modes: it never follows.
cat >"$WORK/swap.py" <<'P'
import ctypes, os, sys, time
libc = ctypes.CDLL(None); os.setgid(54321); os.setuid(54321); os.chdir(sys.argv[1])
end = time.time() + float(sys.argv[2])
while time.time() < end:
    for i in range(8):
        libc.renameat2(-100, b"p%d" % i, -100, b"l%d" % i, 2)   # RENAME_EXCHANGE
P
AS=("$REFUSE_TOOL" ENOSYS fchmodat2 --)
cd "$WORK" || exit 99; mkdir -p src/home dst/home dst/etc src/etc; echo secret >src/etc/shadow; chmod 600 src/etc/shadow; cp -p src/etc/shadow dst/etc
for i in 0 1 2 3 4 5 6 7; do mkfifo -m 0666 src/home/p$i; mkfifo -m 0600 dst/home/p$i; ln -s /etc/shadow dst/home/l$i; done
chown -hR 54321:54321 src/home dst/home
"$PY" swap.py dst/home 4 & swap=$!
for round in 1 2 3 4 5 6 7 8; do
    rehost sync src local:dst; find dst/home -type p -exec chmod 600 {} +
done
kill $swap 2>/dev/null; wait $swap 2>/dev/null
equal "what a swapped link leads to keeps its mode" "$(stat -c %a dst/etc/shadow)" 600
no_leftovers "at the end"
finish
