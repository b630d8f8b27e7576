#!/bin/bash
# Copy a tree of every kind of entry over SSH as root, by each transport, and verify it.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
tree make "$WORK/src" --entries 20000 >"$WORK/left-out"

for transport in auto ssh libssh2; do
    dst=$WORK/dst-$transport
    rehost --set target.transport=$transport --json copy "$WORK/src" "$T:$dst"
    expect 0 "copy by $transport"
    same "$transport: identical" "$WORK/src" "$dst"
    no_leftovers "$transport"
    [ $transport = auto ] || { tree clear-flags "$dst"; rm -rf "$dst"; }
done

dst=$WORK/dst-auto
rehost verify "$WORK/src" "$T:$dst" --mode crc64
expect 0 "verify --mode crc64 finds no difference"
rehost verify --mode quick "$WORK/src" "$T:$dst"
expect 0 "verify --mode quick finds no difference"
rehost --json copy "$WORK/src" "$T:$dst"
expect 0 "a second copy"
equal "transfers nothing" "$(field files_transferred)" 0
same "and changes nothing" "$WORK/src" "$dst"

rehost copy "$WORK/src" "local:$WORK/dst-local"
expect 0 "copy by local:"
same "local: identical" "$WORK/src" "$WORK/dst-local"
rehost verify --mode crc64 "$WORK/src" "local:$WORK/dst-local"
expect 0 "verify by local:"

for n in 1 4 16; do
    rehost --processes $n copy "$WORK/src" "$T:$WORK/p$n"
    expect 0 "copy with --processes $n"
    same "--processes $n: identical" "$WORK/src" "$WORK/p$n"
    tree clear-flags "$WORK/p$n"; rm -rf "$WORK/p$n"
done

rehost --set transfer.compression=zstd:3 copy "$WORK/src/contents" "$T:$WORK/z"
expect 0 "copy with compression"
same "compression: identical" "$WORK/src/contents" "$WORK/z"
rehost --set transfer.compression=off copy "$WORK/src/contents" "$T:$WORK/nz"
expect 0 "copy without compression"
same "no compression: identical" "$WORK/src/contents" "$WORK/nz"

# A target on another type of file system: what it cannot hold is a failure of that file, not silence.
if make_fs ext4 600 "$WORK/mnt"; then
    rehost copy "$WORK/src" "$T:$WORK/mnt/dst"
    expect 0 "copy to another file system"
    same "another file system: identical" "$WORK/src" "$WORK/mnt/dst"
fi
no_leftovers "at the end"
finish
