#!/bin/bash
# -n is the run: the same items and the same counts as the real run that follows, and nothing changed at the target.
. "$(dirname "$0")/lib.sh"
need_root
COUNTS='[.files_examined, .files_transferred, .files_deleted, .metadata_updated, .links_made, .dirs_created, .files_failed, .bytes_total]'

# Which name of a file with several links is transferred and which become its links is a matter of who comes first.
items() {
    jq -c --arg links "$1" 'select(.message_type=="item") | (.path | test($links)) as $l
        | [.path, .type, if $l then "linked" else .op, .bytes, (.why // [] | sort) end]' "$OUT" | LC_ALL=C sort
}
counts() { jq -c 'select(.message_type=="summary") | '"$COUNTS" "$OUT"; }
listing() { [ -e "$1" ] && find "$1" -printf '%P %y %i %n %m %U:%G %s %T@ %C@ %l\n' | LC_ALL=C sort; }
contents() { [ -e "$1" ] && find "$1" -type f -exec cksum {} + | LC_ALL=C sort; }

# foretold WHAT DST LEAST ARGS...: the dry run, then the run. LEAST items there must be.
foretold() {
    local what=$1 dst=$2 least=$3 before data code literal; shift 3
    before=$(listing "$dst"); data=$(contents "$dst")
    rehost --json -n "$@" "$SRC" "local:$dst"; code=$RC
    items "$LINKS" >"$WORK/said"; counts >"$WORK/counted"; literal=$(number bytes_literal)
    equal "$what: -n leaves the target as it was" "$(listing "$dst")" "$before"
    equal "$what: ... and its contents" "$(contents "$dst")" "$data"
    rehost --json "$@" "$SRC" "local:$dst"
    equal "$what: the exit code is foretold" "$code" "$RC"
    items "$LINKS" >"$WORK/done"
    check "$what: every item is foretold" diff -u "$WORK/said" "$WORK/done"
    equal "$what: every count is foretold" "$(cat "$WORK/counted")" "$(counts)"
    check "$what: no more is sent than was said" test "$literal" -ge "$(number bytes_literal)"
    check "$what: it is no empty list" test "$(wc -l <"$WORK/done")" -ge "$least"
}

SRC=$WORK/src LINKS='(^|/)hard'
mkdir -p "$SRC"/{d,empty,full/sub}
for i in 1 2 3 4 5; do head -c $((i * 3000)) /dev/urandom >"$SRC/d/f$i"; done
head -c 3000000 /dev/urandom >"$SRC/large"
truncate -s 5M "$SRC/sparse"; printf x | dd of="$SRC/sparse" bs=1 seek=1000000 conv=notrunc status=none
head -c 20000 /dev/urandom >"$SRC/hard1"; ln "$SRC/hard1" "$SRC/d/hard2"
ln -s d "$SRC/link"; mkfifo "$SRC/fifo"; echo y >"$SRC/full/sub/y"
foretold "a copy to nothing" "$WORK/dst" 12 copy
mkdir "$WORK/dst2"; chmod 711 "$WORK/dst2"
foretold "a copy to an empty directory" "$WORK/dst2" 12 copy

touch "$SRC/large" "$SRC/d/f4" "$SRC/d/f1"
foretold "files that are only touched" "$WORK/dst" 3 sync
touch "$SRC/hard1"
foretold "linked files that are only touched" "$WORK/dst" 1 sync
chmod 700 "$SRC/hard1"
foretold "linked files with another mode" "$WORK/dst" 1 sync
chmod 750 "$SRC/empty"
foretold "an empty directory with another mode" "$WORK/dst" 1 sync
chmod 751 "$SRC"
foretold "the root with another mode" "$WORK/dst" 1 sync
mkdir "$WORK/bare" "$WORK/bare-to"; chmod 700 "$WORK/bare"
SRC=$WORK/bare foretold "an empty root with another mode" "$WORK/bare-to" 1 sync

printf z | dd of="$SRC/large" bs=1 seek=1500000 conv=notrunc status=none; echo more >>"$SRC/d/f3"; echo short >"$SRC/d/f5"
foretold "contents that changed" "$WORK/dst" 3 sync
printf q | dd of="$WORK/dst/large" bs=1 seek=10 conv=notrunc status=none; touch -r "$SRC/large" "$WORK/dst/large"
printf q | dd of="$WORK/dst/hard1" bs=1 seek=10 conv=notrunc status=none; touch -r "$SRC/hard1" "$WORK/dst/hard1"
foretold "-c" "$WORK/dst" 2 sync -c
rm "$SRC/link"; ln -s full "$SRC/link"; rm "$SRC/fifo"; echo file >"$SRC/fifo"
foretold "other links and types" "$WORK/dst" 2 sync
rm -r "$SRC/full"; echo file >"$SRC/full"
foretold "a file where a full directory is, without --delete" "$WORK/dst" 0 sync
foretold "a file where a full directory is" "$WORK/dst" 3 sync --delete
rm "$SRC/d/f2"; mkdir "$SRC/d/f2"; echo in >"$SRC/d/f2/in"
foretold "a directory where a file is" "$WORK/dst" 2 sync
rm -r "$SRC/d/f2" "$SRC/d/f3"
foretold "deletions" "$WORK/dst" 3 sync --delete
rm "$SRC/d/f1" "$SRC/d/f4" "$SRC/d/f5"
foretold "more deletions than max_delete" "$WORK/dst" 1 --set rules.max_delete=2 sync --delete
mkdir "$SRC/m"; mount -t tmpfs none "$SRC/m"; echo o >"$SRC/m/other"; echo k >"$SRC/kept"
foretold "-x" "$WORK/dst" 2 sync -x
umount "$SRC/m"

mkdir "$WORK/many"; "$PY" -c '
import sys
for i in range(60000): open("%s/%d" % (sys.argv[1], i), "w").write("x")' "$WORK/many"
SRC=$WORK/many foretold "60000 files" "$WORK/many-to" 60000 copy
equal "60000 files: they are counted once" "$(jq '.[0] >= 60000 and .[0] <= 60001' "$WORK/counted")" true
rehost -n copy "$WORK/many" "local:$WORK/nowhere"
has "the summary says that it is a bound" "$OUT" 'would send at most'
finish
