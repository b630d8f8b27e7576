#!/bin/bash
# Sync after every kind of change: each operation of the mutator alone, then all of them together; never a difference.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
tree make "$SRC" --entries 2000 --big 4000000 >/dev/null
rehost copy "$SRC" "$T:$DST"
expect 0 "the first copy"
same "identical" "$SRC" "$DST"

seed=100
for op in $(tree ops); do
    seed=$((seed + 1))
    tree mutate "$SRC" --seed $seed --ops "$op" --count 2 >"$WORK/changes"
    rehost sync --delete "$SRC" "$T:$DST"
    [ "$RC" = 0 ] || { expect 0 "sync after $op"; note <"$WORK/changes"; }
    same "after $op: identical" "$SRC" "$DST" || {
        note <"$WORK/changes"
        # The next operation is to be judged by itself.
        rehost sync --delete --checksum "$SRC" "$T:$DST"; }
done
for seed in 1 2 3; do
    tree mutate "$SRC" --seed $seed --count 60 >"$WORK/changes"
    rehost sync --delete "$SRC" "$T:$DST"
    expect 0 "sync of a mixture, seed $seed"
    same "a mixture, seed $seed: identical" "$SRC" "$DST"
done

# Changes made at the target are undone as well.
for seed in 11 12; do
    tree mutate "$DST" --seed $seed --count 40 --ops append,truncate,mode,owner,mtime,rename,file-to-dir,dir-to-file,file-to-symlink,dir-to-symlink,break-link,new-link,delete,delete-dir,create,xattr,acl,flags,type-change,swap >"$WORK/changes"
    rehost sync --delete "$SRC" "$T:$DST"
    expect 0 "sync after changes at the target, seed $seed"
    same "changes at the target, seed $seed: identical" "$SRC" "$DST"
done
rehost verify --mode crc64 "$SRC" "$T:$DST"
expect 0 "rehost's own verify agrees"
rehost --json sync --delete "$SRC" "$T:$DST"
equal "and a last sync finds nothing to transfer" "$(field files_transferred) $(field files_deleted)" "0 0"
no_leftovers "at the end"
finish
