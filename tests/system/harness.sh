#!/bin/bash
# The harness itself, against rsync: a comparison that finds nothing would make every other test pass.
HARNESS_ONLY=yes
. "$(dirname "$0")/lib.sh"

mkdir "$WORK/a"
tree make "$WORK/a" --entries 300 --big 2000000 >"$WORK/left-out" || not_ok "the hostile tree is made"
[ "$ROOT" = yes ] && refute "root on ext4 leaves nothing out but flag C" grep -v 'flag C' "$WORK/left-out"
# Older times for them, as rsync leaves the time of a link or fifo that it made within the same second.
(cd "$WORK/a" && find . ! -type f ! -type d -exec touch -hd @1500000000.5 {} +) 2>"$ERR"
rsync -aHAXS --numeric-ids --exclude=/deep --exclude=/sparse/beyond-4g "$WORK/a/" "$WORK/b/" 2>"$ERR"
# rsync knows no inode flags; all else of this tree it keeps.
same "rsync's copy is equal but for flags and what lies beyond PATH_MAX" "$WORK/a" "$WORK/b" --ignore flags --exclude deep --exclude sparse/beyond-4g
refute "the missing directory and the flags are seen" "$PY" "$HERE/compare.py" "$WORK/a" "$WORK/b"

differs() { # differs WHAT FIELD: and nothing else
    "$PY" "$HERE/compare.py" --ignore flags,dirmtime --exclude deep --exclude sparse/beyond-4g "$WORK/a" "$WORK/b" >"$WORK/compare.out"
    if grep -q ": $2: " "$WORK/compare.out" && ! grep -v '^#' "$WORK/compare.out" | grep -qv ": $2: "; then ok "$1 is seen as $2"; else
        not_ok "$1 is seen as $2"; note <"$WORK/compare.out"; fi
}
B=$WORK/b
tree flip "$B/contents/size65536" --at 40000; differs "a flipped bit" content; tree flip "$B/contents/size65536" --at 40000
touch -hd '@1600000000.000000001' "$B/special/dangling"; differs "a symlink's time" mtime; touch -hr "$WORK/a/special/dangling" "$B/special/dangling"
touch -d '@1600000000.000000001' "$B/contents/text"; differs "a nanosecond" mtime; touch -r "$WORK/a/contents/text" "$B/contents/text"
m=$(stat -c %a "$B/contents/text"); chmod 4755 "$B/contents/text"; differs "a mode" mode; chmod "$m" "$B/contents/text"
setfattr -n user.x -v y "$B/contents/text"; differs "an attribute" xattr; setfattr -x user.x "$B/contents/text"
rm "$B/contents/empty"; differs "a missing file" missing; cp -p "$WORK/a/contents/empty" "$B/contents/empty"
touch "$B/contents/more"; differs "an extra file" extra; rm "$B/contents/more"
cp -p "$B/links/zero" "$B/t" && mv "$B/t" "$B/links/zero"; differs "a broken hard link" hardlink
ln -f "$B/links/b/two" "$B/links/zero"
cp -p --sparse=never "$B/sparse/middle" "$B/t" && mv "$B/t" "$B/sparse/middle"; differs "a filled hole" holes
cp -p --sparse=always "$WORK/a/sparse/middle" "$B/sparse/middle"
if [ "$ROOT" = yes ]; then
    chown -h 5 "$B/special/loop"; differs "a symlink's owner" uid; chown -h 0 "$B/special/loop"
    chattr +d "$B/contents/text"; "$PY" "$HERE/compare.py" "$WORK/a/contents" "$B/contents" --ignore dirmtime >"$OUT"; has "a flag is seen" "$OUT" '^text: flags: none != d'; chattr -d "$B/contents/text"
fi

# Every operation of the mutator changes something, and it is deterministic.
tree ops >"$WORK/ops"
above "the mutator knows operations" "$(wc -l <"$WORK/ops")" 30
rsync -aHAXS --numeric-ids "$WORK/a/contents/" "$WORK/m1/"; rsync -aHAXS --numeric-ids "$WORK/a/contents/" "$WORK/m2/"
tree mutate "$WORK/m1" --seed 7 --ops append,delete,create,same-size >"$WORK/1"; tree mutate "$WORK/m2" --seed 7 --ops append,delete,create,same-size >"$WORK/2"
equal "the mutator is deterministic" "$(sed s/m1/m/ "$WORK/1" | sha256sum)" "$(sed s/m2/m/ "$WORK/2" | sha256sum)"
refute "and changes the tree" "$PY" "$HERE/compare.py" "$WORK/a/contents" "$WORK/m1"

if [ "$ISOLATED" = yes ]; then
    start_sshd
    check "the private server lets the user in by the alias" ssh -o BatchMode=yes target true
    "$PY" "$HERE/relay.py" 0 127.0.0.1 "$PORT" --delay 0.1 --port-file "$WORK/relay-port" & relay=$!
    until_true 5 test -s "$WORK/relay-port"
    t0=$EPOCHREALTIME
    check "the relay carries a session" ssh -o BatchMode=yes -o StrictHostKeyChecking=no -p "$(cat "$WORK/relay-port")" -i "$KEY" 127.0.0.1 true
    above "and delays it" "$(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{print b-a}')" 0.8
    equal "the relay loses no byte" "$(ssh -o BatchMode=yes -o StrictHostKeyChecking=no -p "$(cat "$WORK/relay-port")" -i "$KEY" 127.0.0.1 "head -c 20000000 /dev/zero | tr '\\0' x" | sha256sum)" \
        "$(head -c 20000000 /dev/zero | tr '\0' x | sha256sum)"
    kill $relay
fi
finish
