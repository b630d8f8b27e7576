#!/bin/bash
# A sync with nothing to do costs a digest a directory: no file sent, under a byte a file on the wire.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
tree many "$WORK/src" 60 500 100
rehost copy "$WORK/src" "$T:$WORK/dst"
expect 0 "copy of 30000 files"
before=$(fingerprint "$WORK/dst")
rehost --json sync --delete "$WORK/src" "$T:$WORK/dst"
expect 0 "idle sync"
equal "nothing transferred" "$(field files_transferred)" 0
equal "nothing deleted" "$(field files_deleted)" 0
equal "no literal bytes" "$(field bytes_literal)" 0
equal "no item" "$(jq -c 'select(.message_type=="item")' "$OUT" | wc -l)" 0
equal "every entry was examined" "$(field files_examined)" "$(find "$WORK/src" | wc -l)"
below "bytes on the wire per file" "$(awk -v s="$(field bytes_sent)" -v r="$(field bytes_received)" 'BEGIN{print (s+r)/30000}')" 1
equal "the target is untouched" "$(fingerprint "$WORK/dst")" "$before"

# One change among them costs its directory, not all.
echo changed >"$WORK/src/d00/d00007/f00013"
rehost --json sync --delete "$WORK/src" "$T:$WORK/dst"
expect 0 "sync of one change"
equal "one file transferred" "$(field files_transferred)" 1
below "bytes on the wire per file" "$(awk -v s="$(field bytes_sent)" -v r="$(field bytes_received)" 'BEGIN{print (s+r)/30000}')" 3
same "identical" "$WORK/src" "$WORK/dst"

# The hostile tree too has an idle state: hard links, odd times and flags must not look changed for ever.
tree make "$WORK/h" --entries 300 --big 1000000 >/dev/null
rehost copy "$WORK/h" "$T:$WORK/hd"
expect 0 "copy of the hostile tree"
before=$(fingerprint "$WORK/hd")
rehost --json sync --delete "$WORK/h" "$T:$WORK/hd"
expect 0 "idle sync of the hostile tree"
equal "nothing transferred or deleted" "$(field files_transferred) $(field files_deleted)" "0 0"
equal "no item" "$(jq -c 'select(.message_type=="item")' "$OUT" | wc -l)" 0
equal "the target is untouched" "$(fingerprint "$WORK/hd")" "$before"
finish
