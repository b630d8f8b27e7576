#!/bin/bash
# Deltas of a large file against rsync: scattered blocks, an insertion, an appended tail, a hole; bytes on the wire, and contents.
FS_MB=12288
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
MB=${MB:-512}
mkdir "$WORK/src"; F=$WORK/src/file
tree random "$F" $((MB << 20))
rehost --set transfer.compression=off copy "$WORK/src" "$T:$WORK/dst"; expect 0 "copy of $MB MiB"
rsync -a "$WORK/src/" "$WORK/rdst/"
compare_wire() { # compare_wire WHAT ALLOWED_RATIO SLACK_BYTES
    rsync -a --no-whole-file --stats -e "ssh -F $HOME/.ssh/config" "$WORK/src/" "target:$WORK/rdst/" >"$WORK/stats"
    local theirs; theirs=$(sed -nE 's/^Total bytes (sent|received): ([0-9,]+).*/\2/p' "$WORK/stats" | tr -d , | awk '{s+=$1} END{print s}')
    rehost --json --set transfer.compression=off sync "$WORK/src" "$T:$WORK/dst"; expect 0 "$1: sync"
    local ours; ours=$(($(number bytes_sent) + $(number bytes_received)))
    echo "# $1: rehost $ours bytes in $TOOK s, rsync $theirs bytes"
    below "$1: bytes on the wire against rsync" "$ours" "$(awk -v t="$theirs" -v r="$2" -v s="$3" 'BEGIN{print t * r + s}')"
    same "$1: identical" "$WORK/src" "$WORK/dst"
}
tree scatter "$F" $((MB / 4)) 4096; compare_wire "scattered blocks" 1.01 20000
head -c 3000000 /dev/urandom >>"$F"; compare_wire "an appended tail" 1.01 20000
"$PY" - "$F" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    d = f.read(); at = len(d) // 3
    f.seek(at); f.write(b"inserted" * 100 + d[at:])
P
# Where all is shifted, the places are compared in vain first, and each 8 MiB are looked for by themselves.
compare_wire "an insertion" 3.5 100000
fallocate --punch-hole --offset $((MB << 19)) --length 5000000 "$F"; compare_wire "a hole" 1.1 200000
truncate -s $((MB * 700000)) "$F"; compare_wire "a truncation" 1.01 20000
for update in replace inplace; do
    tree scatter "$F" 20 4096; rehost --set transfer.update=$update sync "$WORK/src" "$T:$WORK/dst"; expect 0 "update = $update"; same "update = $update: identical" "$WORK/src" "$WORK/dst"
done
tree scatter "$F" 20 4096; rehost --json --set transfer.delta=off sync "$WORK/src" "$T:$WORK/dst"; expect 0 "delta = off"; same "delta = off: identical" "$WORK/src" "$WORK/dst"
equal "delta = off matches nothing" "$(field bytes_matched)" 0
tree scatter "$F" 200 4096; rehost --processes 4 sync "$WORK/src" "$T:$WORK/dst"; expect 0 "segments of four processes"; same "segments: identical" "$WORK/src" "$WORK/dst"
# Interrupted, a large new file is continued by what is already there.
mkdir "$WORK/new"; tree random "$WORK/new/file" 200000000 --seed 8
start_rehost --bwlimit 30M copy "$WORK/new" "$T:$WORK/newdst"; sleep 4; kill -TERM "$BG"; wait_rehost 8; expect 143 "an interrupted large file"
rehost --json copy "$WORK/new" "$T:$WORK/newdst"; expect 0 "continued"; same "continued: identical" "$WORK/new" "$WORK/newdst"
below "what was there is not sent again" "$(field bytes_literal)" 150000000
finish
