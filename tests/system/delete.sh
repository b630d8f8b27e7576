#!/bin/bash
# What is deleted at the target, and above all what is not.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
fill() { # fill DIR
    mkdir -p "$1/keep/sub" "$1/go/sub"
    for f in a b c keep/a keep/sub/b go/a go/sub/b; do echo "$f" >"$1/$f"; done
}
fresh() { # a copied pair of trees
    rm -rf "$WORK/src" "$WORK/dst"; fill "$WORK/src"
    rehost copy "$WORK/src" "$T:$WORK/dst"
}

fresh; rm -r "$WORK/src/go" "$WORK/src/a"
rehost copy "$WORK/src" "$T:$WORK/dst"; expect 0 "copy"
check "copy never deletes" test -e "$WORK/dst/go/sub/b" -a -e "$WORK/dst/a"
rehost sync "$WORK/src" "$T:$WORK/dst"; expect 0 "sync without --delete"
check "sync without --delete does not delete" test -e "$WORK/dst/go/sub/b" -a -e "$WORK/dst/a"
rehost --json sync --delete "$WORK/src" "$T:$WORK/dst"; expect 0 "sync --delete"
same "sync --delete: identical" "$WORK/src" "$WORK/dst"
equal "each deleted entry is counted" "$(field files_deleted)" 5
for how in during after; do
    fresh; rm -r "$WORK/src/go" "$WORK/src/a"; echo new >"$WORK/src/new"
    rehost --set rules.delete=$how sync --delete "$WORK/src" "$T:$WORK/dst"; expect 0 "rules.delete=$how"
    same "rules.delete=$how: identical" "$WORK/src" "$WORK/dst"
done
# In place of a file a directory, and the other way round, without --delete as well.
fresh; rm -r "$WORK/src/go" "$WORK/src/a"; echo file >"$WORK/src/go"; mkdir "$WORK/src/a"; echo x >"$WORK/src/a/x"
rehost sync --delete "$WORK/src" "$T:$WORK/dst"; expect 0 "types swapped"
same "types swapped: identical" "$WORK/src" "$WORK/dst"

# A directory that gives way to something else is deleted as any other: foretold, listed, counted, within max_delete; without
# --delete only when it is empty.
way() { # in the way of a file, a link, a file with two names; one is empty
    rm -rf "$WORK/src" "$WORK/dst"; mkdir -p "$WORK/src" "$WORK/dst"/{file/sub,link,two,empty}
    for f in file/a file/sub/b link/c two/d; do echo old >"$WORK/dst/$f"; done
    echo new >"$WORK/src/file"; ln -s file "$WORK/src/link"; echo two >"$WORK/src/one"; ln "$WORK/src/one" "$WORK/src/two"; echo e >"$WORK/src/empty"
}
lines() { grep -v -e 'sync of' -e '^files:' -e '^bytes:' -e '^link:' "$OUT" | LC_ALL=C sort; }
way; rehost -n -i sync "$WORK/src" "local:$WORK/dst"; expect 3 "-n without --delete: what is full is in the way"; lines >"$WORK/predicted"
equal "each is said" "$(grep -c 'RH0811' "$ERR")" 3
rehost -i sync "$WORK/src" "local:$WORK/dst"; expect 3 "without --delete"; equal "each is said" "$(grep -c 'RH0811' "$ERR")" 3; lines >"$WORK/done"
check "as foretold" diff -u "$WORK/predicted" "$WORK/done"
check "what is full stays, what is empty goes" test -e "$WORK/dst/file/sub/b" -a -e "$WORK/dst/link/c" -a -e "$WORK/dst/two/d" -a -f "$WORK/dst/empty"
for how in during after; do
    way; SAVED=("${SET[@]}"); SET+=(--set rules.delete=$how)
    rehost --json -n sync --delete "$WORK/src" "local:$WORK/dst"; expect 0 "-n, $how"; equal "$how: -n counts each" "$(field files_deleted)" 9
    rehost --json sync --delete "$WORK/src" "local:$WORK/dst"; expect 0 "deleted, $how"; equal "$how: each is counted" "$(field files_deleted)" 9
    equal "$how: each is listed" "$(grep -c '"op":"delete"' "$OUT")" 9; same "$how: identical" "$WORK/src" "$WORK/dst"
    SET=("${SAVED[@]}")
done
way; rm "$WORK/src"/{link,one,two,empty}; mkdir "$WORK/src/empty"
rehost --set rules.max_delete=3 sync --delete "$WORK/src" "local:$WORK/dst"; expect 3 "max_delete holds what gives way"
check "all of it stays" test -e "$WORK/dst/file/a" -a -e "$WORK/dst/file/sub/b" -a -d "$WORK/dst/empty"; has "it is said" "$ERR" RH0845
rehost --set rules.max_delete=4 -n sync --delete "$WORK/src" "local:$WORK/dst"; hasnt "-n: it would be enough for this" "$ERR" RH0845

# max_delete: more than that is a failure, and at most that many are gone.
fresh; mkdir "$WORK/src/lots"; for i in 1 2 3 4 5 6 7 8; do echo $i >"$WORK/src/lots/$i"; done
rehost copy "$WORK/src" "$T:$WORK/dst"; rm "$WORK/src/lots/"*; echo later >"$WORK/src/later"
rehost --set rules.max_delete=3 sync --delete "$WORK/src" "$T:$WORK/dst"; expect_failure "more than max_delete"
above "at most three are deleted" "$(find "$WORK/dst/lots" -type f | wc -l)" 4
check "the rest of the sync is done" test -e "$WORK/dst/later"
rehost --set rules.max_delete=20 sync --delete "$WORK/src" "$T:$WORK/dst"; expect 0 "within max_delete"
same "within max_delete: identical" "$WORK/src" "$WORK/dst"

# What is excluded is protected, also inside of a directory that is gone.
fresh; echo mine >"$WORK/dst/go/sub/mine.local"; echo mine >"$WORK/dst/mine.local"; rm -r "$WORK/src/go"
rehost sync --delete --exclude '*.local' "$WORK/src" "$T:$WORK/dst"
check "an excluded file is protected" test -e "$WORK/dst/mine.local"
check "also in a directory that is gone from the source" test -e "$WORK/dst/go/sub/mine.local"
refute "the rest of that directory is deleted" test -e "$WORK/dst/go/a"
# Replacing a directory by a file fails as that file when something protected is inside.
echo now-a-file >"$WORK/src/go"; echo other >"$WORK/src/other"
rehost sync --delete --exclude '*.local' "$WORK/src" "$T:$WORK/dst"; expect 3 "a protected file beneath what becomes a file"
check "it is kept" test -e "$WORK/dst/go/sub/mine.local"
check "and the rest goes on" test -e "$WORK/dst/other"

# Deletion does not cross a mount of the target.
fresh; mkdir "$WORK/dst/go/mnt"; mount -t tmpfs rehost-test "$WORK/dst/go/mnt"; echo precious >"$WORK/dst/go/mnt/file"; rm -r "$WORK/src/go"
rehost sync --delete "$WORK/src" "$T:$WORK/dst"
equal "a file system mounted at the target is not emptied" "$(cat "$WORK/dst/go/mnt/file")" precious
umount "$WORK/dst/go/mnt"

# Immutable files at the target are no obstacle, nor is depth, nor a symlink to somewhere else.
fresh; mkdir -p "$WORK/dst/go/frozen"; echo x >"$WORK/dst/go/frozen/f"; chattr +i "$WORK/dst/go/frozen/f"; chattr +a "$WORK/dst/go/frozen"
mkdir "$WORK/outside"; echo precious >"$WORK/outside/file"; ln -s "$WORK/outside" "$WORK/dst/go/link"
rm -r "$WORK/src/go"; mkdir "$WORK/src/go"
rehost sync --delete "$WORK/src" "$T:$WORK/dst"; expect 0 "immutable entries in the way"
same "immutable entries: identical" "$WORK/src" "$WORK/dst"
equal "a symlink is deleted, not followed" "$(cat "$WORK/outside/file")" precious
tree make "$WORK/deepsrc" --entries 10 --big 100000 >/dev/null; rm -rf "$WORK/dst"
rehost copy "$WORK/deepsrc" "$T:$WORK/dst"; mkdir "$WORK/emptysrc"
rehost sync --delete "$WORK/emptysrc" "$T:$WORK/dst"; expect 0 "deletion of the whole hostile tree"
same "nothing is left of it" "$WORK/emptysrc" "$WORK/dst"

# Configured jobs: `rules.delete`, and the refusal to delete in a target that this job never wrote.
job() { printf '[job]\nname = %s\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n[rules]\ndelete = %s\n' \
    "$1" "$PORT" "$3" "$KEY" "$KNOWN" "$2" "$4" >"$WORK/$1.conf"; }
SET=()
rm -rf "$WORK/src" "$WORK/d1"; fill "$WORK/src"; mkdir "$WORK/d1"; echo foreign >"$WORK/d1/foreign"
job adopt "$WORK/src" "$WORK/d1" during
rehost -c "$WORK/adopt.conf" sync; expect_failure "deletion in a target this job never wrote is refused"
check "the foreign file is there" test -e "$WORK/d1/foreign"
has "the remedy is named" "$ERR" '\-\-adopt'
rehost -c "$WORK/adopt.conf" sync --adopt; expect 0 "sync --adopt"
same "adopted: identical" "$WORK/src" "$WORK/d1"
echo later >"$WORK/d1/later"
rehost -c "$WORK/adopt.conf" sync; expect 0 "the next sync needs no --adopt"
same "and deletes: identical" "$WORK/src" "$WORK/d1"

for how in during after no; do
    rm -rf "$WORK/src" "$WORK/d2"; fill "$WORK/src"
    job "how-$how" "$WORK/src" "$WORK/d2" $how
    rehost -c "$WORK/how-$how.conf" copy; expect 0 "delete = $how: copy"
    rm -r "$WORK/src/go"
    rehost -c "$WORK/how-$how.conf" copy; check "delete = $how: copy does not delete" test -e "$WORK/d2/go/a"
    rehost -c "$WORK/how-$how.conf" sync; expect 0 "delete = $how: sync"
    if [ $how = no ]; then check "delete = no: kept" test -e "$WORK/d2/go/a"; else same "delete = $how: identical" "$WORK/src" "$WORK/d2"; fi
done
# Another target is another matter.
echo foreign >"$WORK/d2/foreign"; mkdir "$WORK/d3"; echo foreign >"$WORK/d3/foreign"
rehost -c "$WORK/how-during.conf" --set "target.root=$WORK/d3" sync
check "with another target deletion is refused again" test -e "$WORK/d3/foreign"
finish
