#!/bin/bash
# One large file: a new copy, and 500 scattered changes of 4 KiB in it; time and bytes on the wire. SIZE_MB (default 2048).
. "$(dirname "$0")/bench-lib.sh"
SIZE_MB=${SIZE_MB:-2048}
mkdir "$B/src"; tree random "$B/src/file" $((SIZE_MB << 20))
empty_target() { rm -rf "${B:?}/$1"; }
ours() { program -q copy "$B/src" "$T:$B/rehost"; }
theirs() { "${RSYNC[@]}" "$B/src/" "target:$B/rsync/"; }
compare "$SIZE_MB MiB in one file, new copy" empty_target ours theirs
same "identical" "$B/src" "$B/rehost"

# Each tool sees the same changes: a change is made before rehost's turn and serves rsync's as well.
seed=100
change() { [ "$1" = rehost ] && { seed=$((seed + 1)); tree scatter "$B/src/file" 500 4096 --seed $seed; }; return 0; }
ours() { "$REHOST" "${SET[@]}" --json sync "$B/src" "$T:$B/rehost" >"$WORK/ours"; }
theirs() { "${RSYNC[@]}" --stats "$B/src/" "target:$B/rsync/" >"$WORK/theirs"; }
: >"$WORK/wire"
measured_theirs() { theirs; local r=$?; cp "$WORK/ours" "$OUT"; echo "$(wire_rehost) $(wire_rsync <"$WORK/theirs")" >>"$WORK/wire"; return $r; }
compare "500 changes of 4 KiB in $SIZE_MB MiB" change ours measured_theirs
awk '{printf "bytes on the wire: rehost %d, rsync %d, ratio %.4f\n", $1, $2, $1/$2}' "$WORK/wire"
same "identical" "$B/src" "$B/rehost"
