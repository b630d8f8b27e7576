#!/bin/bash
# A new copy of 100 000 small files (about 2 KiB, 500 a directory), and the idle sync of them: time, and bytes on the wire per file.
. "$(dirname "$0")/bench-lib.sh"
FILES=${FILES:-100000}
tree many "$B/src" $((FILES / 500)) 500 "${SIZE:-2000}"
empty_target() { rm -rf "${B:?}/$1"; }
nothing() { :; }
ours() { program -q copy "$B/src" "$T:$B/rehost"; }
theirs() { "${RSYNC[@]}" "$B/src/" "target:$B/rsync/"; }
compare "$FILES small files, new copy" empty_target ours theirs
same "both copies are identical" "$B/src" "$B/rehost"
ours() { program -q sync --delete "$B/src" "$T:$B/rehost"; }
theirs() { "${RSYNC[@]}" --delete "$B/src/" "target:$B/rsync/"; }
compare "$FILES files, idle sync" nothing ours theirs
rehost --json sync --delete "$B/src" "$T:$B/rehost"
a=$(wire_rehost); b=$("${RSYNC[@]}" --delete --stats "$B/src/" "target:$B/rsync/" | wire_rsync)
echo "idle sync, bytes on the wire: rehost $a ($(awk -v a="$a" -v n="$FILES" 'BEGIN{printf "%.3f", a/n}') a file), rsync $b ($(awk -v a="$b" -v n="$FILES" 'BEGIN{printf "%.3f", a/n}') a file); transferred $(field files_transferred)"
change() { find "$B/src" -name 'f000*7' -exec touch {} + ; }
compare "$FILES files, sync after 1 % were touched" change ours theirs
