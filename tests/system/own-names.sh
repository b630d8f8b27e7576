#!/bin/bash
# Names at the target that are nobody's files, and names of the user's that only look like them.
. "$(dirname "$0")/lib.sh"
need_root
left() { find "$1" -name '.rehost.*' | sed "s|^$1/||" | LC_ALL=C sort | paste -sd' '; }

# What a user calls as rehost calls its temporaries is copied, compared, kept and deleted as any other.
mkdir -p src/.rehost.tmp/sub src/d dst; echo a >src/.rehost.tmp/a; echo b >src/.rehost.tmp/sub/b
echo 1 >src/.rehost.0123456789abcdef; echo 2 >src/d/.rehost.fedcba9876543210; mkdir src/d/.rehost.00000000000000ff
echo 3 >src/d/.rehost.00000000000000ff/x; mkdir src/.rehost.tmp.0123456789abcdef; echo big >src/f
rehost sync src local:dst; expect 0 "a tree with such names"; same "all of it is there" src dst
sleep 1.1 # temporaries are known by their age, too
rehost -i sync --delete src local:dst; expect 0 "again"; has "and nothing is sent again" "$OUT" "12 examined, 0 transferred, 0 deleted$"
rehost verify src local:dst; expect 0 "verify finds them equal"
echo bigger >src/f; echo 11 >src/.rehost.0123456789abcdef; rm src/.rehost.tmp/a
rehost sync --delete src local:dst; expect 0 "a sync that needs temporaries"; same "they are in nobody's way" src dst
mkdir dst/d/.rehost.tmp; echo k >dst/d/.rehost.1111111111111111; rm -r src/.rehost.tmp
rehost sync src local:dst; expect 0 "without deletion"
equal "the target's stay" "$(cat dst/d/.rehost.1111111111111111 dst/.rehost.tmp/sub/b | paste -sd' ')" "k b"
rehost --json verify src local:dst; expect 4 "verify calls them extra"; equal "each" "$(grep -c '"kind":"extra"' "$OUT")" 3
rehost sync --delete --filter 'P .rehost.tmp' src local:dst; expect 0 "a rule protects them"
check "as any other" test -d dst/.rehost.tmp -a -d dst/d/.rehost.tmp -a ! -e dst/d/.rehost.1111111111111111
rehost sync --delete src local:dst; expect 0 "with deletion"; same "they go" src dst

# A run that is killed leaves temporaries in a directory of its own and, on another file system, beside: the next removes them.
rm -rf src dst; mkdir -p src/m dst; make_fs ext4 300 "$WORK/dst/m"; rm -rf dst/m/lost+found
for f in src/f src/m/f; do head -c 40000000 /dev/urandom >$f; done; cp -a src/. dst; for f in src/f src/m/f; do printf x >>$f; done
start_rehost --bwlimit 4M --set transfer.delta=off --processes 1 sync --set transfer.update=replace src local:dst
check "temporaries while it works" until_true 20 test -n "$(find dst -name '.rehost.*')" -o -n "$(sleep 3; find dst -name '.rehost.*')"
check "one beside" until_true 20 sh -c 'find dst/m -name ".rehost.*" -type f | grep -q .'
kill -KILL "$BG" $(rehost_processes) 2>/dev/null; wait "$BG" 2>/dev/null; until_true 5 no_processes
above "some are left" "$(left dst | wc -w)" 0
rehost verify src local:dst; hasnt "verify does not call them extra" "$OUT" 'rehost\.'
sleep 1.1
rehost sync src local:dst; expect 0 "the next run"; equal "has removed them" "$(left dst)" ""; same "identical" src dst

# lost+found of a target file system is fsck's.
rm -rf src; mkdir -p src/m fresh; make_fs ext4 100 "$WORK/fresh"; mkdir fresh/m fresh/lost+found/x; make_fs ext4 100 "$WORK/fresh/m"; echo 1 >src/m/f; mkdir src/keep
mkdir fresh/keep fresh/keep/lost+found; echo 1 >fresh/extra
rehost sync --delete src local:fresh; expect 0 "onto fresh file systems, with deletion"
check "lost+found stays with what is in it" test -d fresh/lost+found/x -a -d fresh/m/lost+found
check "what is extra does not, a directory of that name elsewhere neither" test ! -e fresh/extra -a ! -e fresh/keep/lost+found
rehost verify src local:fresh; expect 0 "verify does not call it extra"
rehost -i sync --delete src local:fresh; has "the next sync is idle" "$OUT" "0 transferred, 0 deleted$"
mkdir src/lost+found; echo found >src/lost+found/y
rehost sync --delete src local:fresh; expect 0 "a source that has one"; check "it is copied as any directory" test -e fresh/lost+found/y -a ! -e fresh/lost+found/x

# In an immutable or append-only root nothing of ours stays.
for flag in i a; do
    S=$WORK/f$flag D=$WORK/g$flag; mkdir -p "$S/x" "$D/x"; head -c 300000 /dev/urandom >"$S/x/f"; head -c 300000 /dev/zero >"$D/x/f"; chattr +$flag "$S"
    rehost sync "$S" "local:$D"; expect 0 "+$flag: a sync"; equal "+$flag: nothing stays" "$(left "$D")" ""; same "+$flag: identical" "$S" "$D"
    rehost verify "$S" "local:$D"; expect 0 "+$flag: verify"; chattr -R -$flag "$S" "$D"
done
finish
