#!/bin/bash
# A target is known by what it is, not by its path: another disk, another directory, somebody's link, a mount that is missing.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
S=$WORK/src; mkdir -p "$S/data" "$S/etc"; echo d >"$S/data/d"; echo e >"$S/etc/e"
job() { # job NAME ADDRESS ROOT [LINES...]
    local name=$1 address=$2 root=$3; shift 3
    { printf '[job]\nname = %s\n[target]\naddress = %s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n[verify]\nmode = off\n' "$name" "$address" "$root" "$KEY" "$KNOWN" "$S"
      printf '%s\n' "$@"; } >"$WORK/$name.conf"
    J=$name
}
run() { rehost -c "$WORK/$J.conf" "$@"; }
SET=()

for address in "127.0.0.1:$PORT" local:; do
    a=${address%%:*}; D=$WORK/$a/dst; mkdir -p "$D"
    # --- the root ---------------------------------------------------------------------------------------------------------------
    job "$a-root" "$address" "$D"; run run; expect 0 "$a: the first run"
    make_fs ext4-plain 32 "$D"; echo precious >"$D/precious"
    run sync; expect 1 "$a: another disk is refused"; has "$a: with its code, and what has changed" "$ERR" "RH1042.*$D.*another file system"
    equal "$a: nothing of it is touched" "$(ls -A "$D" | paste -sd' ')" "lost+found precious"
    run sync -n; expect 1 "$a: in a dry run, too"; run copy; expect 1 "$a: and by copy"; run run; expect 1 "$a: and by run"
    rm "$D/precious"; run sync; expect 1 "$a: an empty one as well"; equal "$a: and stays empty" "$(ls -A "$D")" "lost+found"
    run sync --adopt; expect 0 "$a: --adopt takes it"; check "$a: it is filled" test -e "$D/data/d"; run sync; expect 0 "$a: and is known from then on"
    umount "$D"; run sync; expect 1 "$a: the first one is another one now"
    run sync --adopt; expect 0 "$a: --adopt again"
    mv "$D" "$D.old"; mkdir "$D"; echo keep >"$D/of-another"
    run sync; expect 1 "$a: another directory is refused"; has "$a: with its code" "$ERR" "RH1042.*another directory"; check "$a: its file stays" test -e "$D/of-another"
    rm "$D/of-another"; run sync; expect 0 "$a: an empty one of the same file system begins anew"; check "$a: filled" test -e "$D/data/d"
    rm -r "$D"; run sync; expect 0 "$a: one that was removed, too"
    # It survives being mounted elsewhere, on another device.
    truncate -s 32M "$WORK/$a.img"; mkfs.ext4 -q "$WORK/$a.img"; M=$WORK/$a/mnt; mkdir "$M"; mount -o loop "$WORK/$a.img" "$M"
    job "$a-disk" "$address" "$M"; run run; expect 0 "$a: a disk"; umount "$M"
    run sync; expect 1 "$a: the disk is not mounted"; equal "$a: its mount point stays empty" "$(ls -A "$M")" ""
    loop=$(losetup -f); mount -o loop "$S/../$a.img" "$M"; run sync; expect 0 "$a: mounted again"; umount "$M"

    # --- links ------------------------------------------------------------------------------------------------------------------
    U=$WORK/$a/user; mkdir -p "$U" "$WORK/$a/etc2"; echo live >"$WORK/$a/etc2/passwd"; ln -s "$WORK/$a/etc2" "$U/dst"; chown -Rh 54321 "$U"
    job "$a-link" "$address" "$U/dst"; run sync --adopt; expect 1 "$a: a root that is a user's link is refused, adopted or not"
    has "$a: with its code" "$ERR" "RH0840.*user 54321"; check "$a: where it leads stays" test -e "$WORK/$a/etc2/passwd"
    rehost --set "target.identity=$KEY" --set "target.known_hosts=$KNOWN" sync --delete "$S" "${address/127/root@127}${address/local:/}:$U/dst" 2>/dev/null
    job "$a-way" "$address" "$U/dst/below"; run copy; expect 1 "$a: a link on the way, too"; has "$a: with its code" "$ERR" RH0840
    refute "$a: nothing is made there" test -e "$WORK/$a/etc2/below"
    chown -h 0 "$U/dst"; run copy; expect 0 "$a: root's own link is followed"; check "$a: to where it leads" test -e "$WORK/$a/etc2/below/data/d"

    # --- file systems beneath it --------------------------------------------------------------------------------------------------
    B=$WORK/$a/below; mkdir -p "$B"; make_fs ext4-plain 32 "$B"; mkdir "$B/data"; truncate -s 32M "$WORK/$a-b.img"; mkfs.ext4 -q "$WORK/$a-b.img"; mount -o loop "$WORK/$a-b.img" "$B/data"
    job "$a-below" "$address" "$B"; run run; expect 0 "$a: a target of several file systems, fresh, needs no --adopt"; check "$a: the second one is filled" test -e "$B/data/d"
    umount "$B/data"; run sync; expect 1 "$a: one is missing"; has "$a: it is named" "$ERR" "RH1043.*$B/data.*not mounted"
    equal "$a: its mount point is not filled" "$(ls -A "$B/data")" ""
    make_fs ext4-plain 32 "$B/data"; echo precious >"$B/data/precious"; run sync; expect 1 "$a: another in its place"; has "$a: named" "$ERR" RH1043; check "$a: it is not touched" test -e "$B/data/precious"
    umount "$B/data"; mount -o loop "$WORK/$a-b.img" "$B/data"; run sync; expect 0 "$a: it is back"
    umount "$B/data"; run sync --adopt; expect 0 "$a: --adopt does without it"; run sync; expect 0 "$a: from then on"
    make_fs ext4-plain 32 "$B/etc"; echo precious >"$B/etc/precious"; run sync; expect 1 "$a: a new one with files of others"
    has "$a: is theirs" "$ERR" "RH1003.*$B/etc"; check "$a: and stays so" test -e "$B/etc/precious"; umount "$B/etc" "$B"

    # --- files of others ----------------------------------------------------------------------------------------------------------
    F=$WORK/$a/first; mkdir -p "$F/empty/dirs/only" "$F/etc"; make_fs ext4-plain 32 "$F/etc"
    job "$a-first" "$address" "$F"; run run; expect 0 "$a: directories and mount points are no files of others"
    O=$WORK/$a/others; mkdir -p "$O/a/b"; echo x >"$O/a/b/c"; job "$a-others" "$address" "$O"
    run run; expect 1 "$a: a file far down is"; has "$a: with its code" "$ERR" RH1003; equal "$a: said before the copy" "$(find "$O" -type f)" "$O/a/b/c"
    run copy; expect 0 "$a: copy alone deletes nothing, and may"; run sync; expect 1 "$a: the sync may not"; umount "$F/etc"
done

# --- a live root: a server whose '/' is in memory --------------------------------------------------------------------------------------
live() { # live COMMAND...: in a root of its own, with this machine's programs
    exec unshare -m --propagation private bash -c '
        w=$1 r=$1/newroot; shift; mount -t tmpfs none "$r" && cd "$r" && mkdir -p usr lib lib64 bin sbin etc proc dev run/sshd old ".$w" || exit 99
        for d in usr lib lib64 bin sbin etc dev; do mount --rbind "/$d" "$d" || exit 99; done; mount -t proc none proc && mount --bind "$w" ".$w" || exit 99
        echo precious >precious; pivot_root . old && umount -l /old && exec "$@"' live "$WORK" "$@"
}
mkdir "$WORK/newroot"; SSHD_PREFIX=live start_sshd; use_ssh; mkdir "$WORK/empty"
P=/proc/$(pgrep -P "$SSHD_PID" | head -1)/root; [ -e "$P/precious" ] || P=/proc/$SSHD_PID/root
check "the server has a root of its own" test -e "$P/precious" -a ! -e /precious
for opts in "-n sync" sync; do
    rehost $opts --delete "$WORK/empty" "$T:/"; expect 1 "$opts: a live root as DST needs --adopt"; has "$opts: with its code" "$ERR" RH1041
    has "$opts: what is likely meant is named" "$ERR" "is '$WORK/empty' on the target meant"; check "$opts: nothing is deleted" test -e "$P/precious"
done
job live "127.0.0.1:$PORT" / ; SET=(); run run; expect 1 "a configured job, too"; has "with its code" "$ERR" RH1041
use_ssh; rehost sync "$S" "$T:/"; hasnt "without deletion it is not refused" "$ERR" RH1041; check "but done" test -e "$P/data/d" -a -e "$P/precious"
mkdir "$P/dir"; rehost sync --delete "$S" "$T:/dir"; expect 0 "nor is a directory of it"
finish
