#!/bin/bash
# One entry never ends, stops or starves a run: names listed twice, damaged inodes, names and file systems that others do not take,
# very many links, links that cannot be made, leases, sparse files of a terabyte, deep trees.
. "$(dirname "$0")/lib.sh"
need_root
cd "$WORK" || exit 99

# --- names listed twice, in a directory that lives ----------------------------------------------------------------------------------

cat >churn.py <<'P'
import os, sys, time
os.chdir(sys.argv[1])
end, i = time.time() + float(sys.argv[2]), 0
while time.time() < end:
    i += 7919
    name = "file-with-a-name-%d" % (i % 3000)
    with open(".tmp", "w") as f:
        f.write(name)
    os.rename(".tmp", name)
P
lives() { # lives FILE_SYSTEM
    local churn runs=0 bad=
    make_fs "$1" 400 "$WORK/live-$1" || { skip_part "live-$1" "no $1"; return; }
    mkdir "live-$1/spool"; "$PY" -c "for i in range(3000): open('$WORK/live-$1/spool/file-with-a-name-%d' % i, 'w').write('x')"
    rehost copy "live-$1" "local:$WORK/to-$1"; expect 0 "$1: copied"
    "$PY" churn.py "live-$1/spool" 4 & churn=$!
    while kill -0 $churn 2>/dev/null && [ -z "$bad" ]; do
        rehost sync --delete "live-$1" "local:$WORK/to-$1"; runs=$((runs + 1)); [ "$RC" = 0 ] || bad=$RC
    done
    wait $churn
    equal "$1: $runs syncs of a directory whose files are replaced meanwhile" "$bad" ""
    rehost sync --delete "live-$1" "local:$WORK/to-$1"; expect 0 "$1: a last sync"
    same "$1: identical at rest" "live-$1" "to-$1" --exclude lost+found
    umount "live-$1"
}
lives xfs
lives btrfs

# --- damaged inodes -----------------------------------------------------------------------------------------------------------------

if command -v debugfs >/dev/null; then
    img=$(fast_image 64); mkfs.ext4 -q -F -I 256 "$img"; mkdir hurt; mount -o loop "$img" hurt
    for i in 1 2 3 4 5; do echo $i >hurt/f$i; done; mkdir hurt/d; umount hurt
    { echo 'set_inode_field f3 mtime_extra 0xfffffffc'; echo 'set_inode_field d mtime_extra 0xfffffffc'; echo 'set_inode_field f4 mode 0'; } |
        debugfs -w -f - "$img" >/dev/null 2>&1
    mount -o loop "$img" hurt
    rehost sync hurt "local:$WORK/healed"; expect 3 "an inode without a type is that entry's failure"
    has "it is named" "$ERR" "f4"
    equal "the rest is copied, a file and a directory with impossible times too" "$(cat healed/f[1235] | tr -d '\n') $(stat -c %F healed/d)" "1235 directory"
    rehost -i sync hurt "local:$WORK/healed"; hasnt "the times come to rest" "$OUT" '^[a-z]+ +(f3|d)\b'
    rehost verify hurt "local:$WORK/healed"; hasnt "verify does not call them different" "$OUT" "metadata +(f3|d)"
    umount hurt; rm -f "$img"
else
    skip_part damaged "no debugfs"
fi

# --- a file system that is none of a disk -------------------------------------------------------------------------------------------

fuse() { # fuse: mounted on fuse/
    [ -c /dev/fuse ] || return 1
    mkdir -p fuse; "$PY" "$HERE/fuse_source.py" fuse >fuse.out 2>&1 & FUSE=$!
    until_true 3 grep -q mounted fuse.out
}
if fuse; then
    for round in new there; do
        rehost sync fuse "local:$WORK/from-fuse"
        [ "$RC" = 3 ] && ok "$round: names that are too long and inodes that make no sense are failures of those entries" || expect 3 "$round"
        has "$round: a name of 300 bytes has a code of its own" "$ERR" "RH0765.*llll"; has "$round: so has a directory" "$ERR" "RH0765.*dddd"
        equal "$round: the rest is copied" "$(cat from-fuse/good from-fuse/twice from-fuse/below/file)" "$(printf 'contents\ncontents\ncontents')"
    done
    # A stale handle is no file that has vanished.
    stale() { # stale WHAT NAMES: exit 3, each is named, nothing counts as vanished, nothing is gone
        for f in $2; do has "$1: $f is named" "$OUT" "'$f'( at the source)?: Stale"; done
        equal "$1: exit code" "$RC" 3; equal "$1: nothing has vanished" "$(field files_vanished)" 0
        equal "$1: the target has kept all" "$(cd from-fuse && cat lost rotten stale {shut,torn,gone}/kept | xargs)" "old old old old old old"
    }
    mkdir -p from-fuse/{shut,torn,gone}; for f in lost rotten stale {shut,torn,gone}/kept; do echo old >"from-fuse/$f"; done
    for c in "copy" "sync --delete" "-n sync --delete" "sync --delete -c"; do
        rehost --json $c fuse "local:$WORK/from-fuse"; stale "$c" "lost shut torn gone$([ "${c%% *}" = -n ] || echo " rotten stale")" # -n opens no contents
    done
    for m in quick crc64; do
        for f in lost rotten stale; do printf 'Contents\n' >"from-fuse/$f"; done
        rehost --json verify --mode $m fuse "local:$WORK/from-fuse"
        for f in lost rotten stale; do echo old >"from-fuse/$f"; done
        stale "verify $m" "lost stale shut torn gone$([ $m = quick ] || echo " rotten")"
        hasnt "verify $m: nothing of them is extra or missing" "$OUT" '"(extra|missing)".*(lost|rotten|stale|shut|torn|gone)|(lost|rotten|stale|shut|torn|gone).*"(extra|missing)"'
    done
    rehost verify fuse "local:$WORK/from-fuse"
    [ "$RC" -lt 64 ] && ok "verify goes to its end (exit $RC)" || not_ok "verify: exit $RC"
    has "verify names the long name" "$ERR" "lllll"
    umount fuse; wait $FUSE 2>/dev/null
else
    skip_part fuse "no /dev/fuse"
fi

# --- hard links ---------------------------------------------------------------------------------------------------------------------

mkdir -p many/one many/a many/b
"$PY" - <<'P'
import os
open("many/one/0", "w").write("one")
for i in range(1, 17500): os.link("many/one/0", "many/one/%d" % i)
for i in range(2000):
    open("many/a/%d" % i, "w").write(str(i)); os.link("many/a/%d" % i, "many/b/%d" % i)
P
rehost sync many "local:$WORK/many-to"; expect 0 "more links of one inode than a mover holds"
equal "all are made" "$(stat -c %h many-to/one/17499) $(stat -c %h many-to/b/1999)" "17500 2"
mkdir -p apart/home/x apart/srv apart-to; make_fs ext4-plain 50 "$WORK/apart-to/home"
echo data >apart/home/a; ln apart/home/a apart/srv/b; head -c 300000 /dev/urandom >apart/home/big; ln apart/home/big apart/srv/big2
ln apart/home/big apart/home/x/big3; ln -s somewhere apart/home/link; ln apart/home/link apart/srv/link
rehost --json sync apart "local:$WORK/apart-to"; expect 0 "names of one file on two file systems of the target"
has "it is said, with a code" "$OUT" 'RH0766'; equal "and counted" "$(field links_copied)" 3
for f in home/a srv/b home/big srv/big2 home/x/big3; do cmp -s apart/$f apart-to/$f || missing="${missing-} $f"; done
equal "contents are at each name" "${missing-}$(readlink apart-to/srv/link)" somewhere
equal "those that lie together are linked" "$(stat -c %i apart-to/home/big)" "$(stat -c %i apart-to/home/x/big3)"
rehost --json sync apart "local:$WORK/apart-to"; equal "the next sync has nothing to do" "$(field bytes_literal) $(field links_copied) $(field links_made) $(field files_transferred)" "0 0 0 0"
hasnt "and says nothing" "$OUT" 'RH0766'
rehost -n -i sync apart "local:$WORK/apart-to"; hasnt "nor has a dry run" "$OUT" "srv/b|home/a|big"
rehost --json verify --mode crc64 apart "local:$WORK/apart-to"; expect 4 "verify calls it a difference"
has "of the links, with its reason" "$OUT" '"hardlink".*another file system'; hasnt "not of the contents" "$OUT" '"kind": ?"content"'
echo more >>apart/home/a; rehost sync apart "local:$WORK/apart-to"; equal "a change reaches both" "$(cat apart-to/srv/b apart-to/home/a)" "$(cat apart/srv/b apart/home/a)"
umount apart-to/home

# --- leases -------------------------------------------------------------------------------------------------------------------------

cat >holder.py <<'P'
import fcntl, os, signal, sys, time
fds = [os.open(p, os.O_RDWR) for p in sys.argv[1:]]
asked = []
signal.signal(signal.SIGIO, lambda *a: asked.append(time.time()))
for fd in fds:
    fcntl.fcntl(fd, 1024, fcntl.F_WRLCK)
print("held", flush=True)
while not asked or time.time() < asked[0] + 1:
    time.sleep(0.05)
for fd in fds:
    fcntl.fcntl(fd, 1024, fcntl.F_UNLCK)
P
leased() { : >held; "$PY" holder.py "$@" >held 2>&1 & HOLDER=$!; until_true 3 grep -q held held; }
mkdir -p share/in; echo small >share/in/small; head -c 500000 /dev/urandom >share/in/large; echo linked >share/in/linked; ln share/in/linked share/in/linked2; echo free >share/free
if leased share/in/small share/in/large share/in/linked; then
    rehost copy share "local:$WORK/share-to"; expect 0 "files under a lease are waited for"; wait $HOLDER
    same "and copied" share share-to
    leased share/in/small share/in/large share/in/linked; rehost sync share "local:$WORK/share-to"; expect 0 "and compared"; wait $HOLDER
    for f in small large linked; do echo more >>share/in/$f; done
    leased share-to/in/small share-to/in/large share-to/in/linked; rehost sync share "local:$WORK/share-to"; expect 0 "so are those of the target"; wait $HOLDER
    same "and replaced" share share-to
else
    skip_part lease "no leases here"; kill $HOLDER 2>/dev/null
fi

# --- holes of a terabyte ------------------------------------------------------------------------------------------------------------

mkdir sparse
record() { "$PY" -c 'import os,sys; fd=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT,0o664); os.pwrite(fd,b"\1"*292,292*int(sys.argv[2]))' sparse/lastlog "$1"; }
for u in 0 1000 145000001 4000000000; do record $u; done
LIMIT=60
rehost copy sparse "local:$WORK/sparse-to"; expect 0 "a copy of a sparse file of 1.1 TB"
record 1553201122; rehost sync sparse "local:$WORK/sparse-to"; expect 0 "a sync after one record"
rehost --json sync -c sparse "local:$WORK/sparse-to"; expect 0 "a sync by contents"; equal "finds them equal" "$(field bytes_literal)" 0
"$PY" -c 'import os; fd=os.open("sparse-to/lastlog",os.O_WRONLY); os.pwrite(fd,b"x",500000000000); st=os.stat("sparse/lastlog"); os.utime("sparse-to/lastlog",ns=(0,st.st_mtime_ns))'
rehost -n -i sync -c sparse "local:$WORK/sparse-to"; has "a byte in a hole of the target is seen" "$OUT" lastlog
rehost verify --mode crc64 sparse "local:$WORK/sparse-to"; expect 4 "by verify too"
rehost sync -c sparse "local:$WORK/sparse-to"; expect 0 "and mended"
rehost verify --mode crc64 sparse "local:$WORK/sparse-to"; expect 0 "all bytes are equal"
below "and it is as sparse as it was" "$(stat -c %b sparse-to/lastlog)" 2000
rehost --set transfer.update=replace sync sparse "local:$WORK/sparse-to"; record 77; rehost --set transfer.update=replace sync sparse "local:$WORK/sparse-to"; expect 0 "replaced instead"
below "it is as sparse again" "$(stat -c %b sparse-to/lastlog)" 2000
unset LIMIT

# --- a deep tree --------------------------------------------------------------------------------------------------------------------

deep() { # deep DIR LEVELS: names of 255 bytes, one in the other, a file in each hundredth
    "$PY" - "$@" <<'P'
import os, sys
os.makedirs(sys.argv[1], exist_ok=True); fd = os.open(sys.argv[1], os.O_RDONLY)
for i in range(int(sys.argv[2])):
    name = ("%05d" % i).ljust(255, "d")
    try: os.mkdir(name, dir_fd=fd)
    except FileExistsError: pass
    new = os.open(name, os.O_RDONLY, dir_fd=fd); os.close(fd); fd = new
    if i % 100 == 99: os.write(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=fd), b"x")
P
}
deep deep 400
rehost --json sync deep "local:$WORK/deep-to"; expect 0 "a tree of 400 levels"; equal "all of it" "$(field dirs_created) $(field files_transferred)" "400 4"
rehost --json sync deep "local:$WORK/deep-to"; equal "once" "$(field files_transferred) $(field files_examined)" "0 405"
rehost verify deep "local:$WORK/deep-to"; expect 0 "and verified"
no_leftovers "at the end"
finish
