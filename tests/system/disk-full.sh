#!/bin/bash
# A target without room: a clear error of that file, the rest goes on, and with room again a re-run ends identical.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src
mkdir -p "$SRC/small"; tree random "$SRC/a-big" 40000000; for i in $(seq 60); do echo "$i" >"$SRC/small/$i"; done
for transport in local ssh; do
    mkdir -p "$WORK/t"; make_fs ext4-plain 24 "$WORK/t"
    D=$T:$WORK/t/dst; [ $transport = local ] && D=local:$WORK/t/dst
    LIMIT=60 rehost --json copy "$SRC" "$D"; expect 3 "$transport: a full disk: exit 3"
    has "$transport: the file is named" <(cat "$OUT" "$ERR") 'a-big'; has "$transport: the reason is named" <(cat "$OUT" "$ERR") 'No space left|ENOSPC|full'
    equal "$transport: the rest goes on" "$(ls "$WORK/t/dst/small" | wc -l)" 60
    above "$transport: it is counted" "$(field files_failed)" 0
    refute "$transport: no half file looks finished" test "$(stat -c '%s %y' "$SRC/a-big")" = "$(stat -c '%s %y' "$WORK/t/dst/a-big" 2>/dev/null)"
    truncate -s 1000000 "$SRC/a-big"
    rehost sync --delete "$SRC" "$D"; expect 0 "$transport: with room a re-run"
    same "$transport: identical" "$SRC" "$WORK/t/dst"
    equal "$transport: the space of the attempt is free again" "$(($(df -k --output=avail "$WORK/t" | tail -1) > 15000))" 1
    umount "$WORK/t"; tree random "$SRC/a-big" 40000000
done
# No inode left, and nothing but room for the metadata.
mkdir -p "$WORK/t"; img=$(fast_image 20); mkfs.ext4 -q -F -N 32 "$img" && mount -o loop "$img" "$WORK/t"; rm -f "$img"
LIMIT=60 rehost copy "$SRC" "$T:$WORK/t/dst"; check "no inode left: a failure (exit $RC)" test "$RC" = 3 -o "$RC" = 1
has "it is said" <(cat "$OUT" "$ERR") 'No space left|ENOSPC|full|inode'
umount "$WORK/t"
# A quota by file size (EFBIG by RLIMIT_FSIZE of the server) must not end the receiver by SIGXFSZ unnoticed.
mount -t tmpfs -o size=200k rehost-test "$WORK/t"
LIMIT=60 rehost copy "$SRC/small" "$T:$WORK/t/dst"; check "a tiny tmpfs ends in time (exit $RC)" test "$RC" != 124
umount "$WORK/t"
# A read-only target.
mkdir -p "$WORK/ro"; mount -t tmpfs rehost-test "$WORK/ro"; mkdir "$WORK/ro/dst"; echo mine >"$WORK/ro/dst/mine"; mount -o remount,ro "$WORK/ro"
LIMIT=60 rehost copy "$SRC" "$T:$WORK/ro/dst"; expect_failure "a read-only target"; has "it is said" "$ERR" 'Read-only|read-only|EROFS'
no_leftovers "at the end"
finish
