#!/bin/bash
# -c after the command is --checksum: changes that size and time do not show are found.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
tree make "$SRC" --entries 200 --big 3000000 >/dev/null
rehost copy "$SRC" "$T:$DST"; expect 0 "copy"
tree flip "$DST/contents/big" --at 1234567; tree flip "$DST/contents/size1"
rehost sync "$SRC" "$T:$DST"; expect 0 "sync"
refute "size and time are believed" cmp -s "$SRC/contents/big" "$DST/contents/big"
rehost --json sync -c "$SRC" "$T:$DST"; expect 0 "sync -c"
equal "sync -c transfers both" "$(field files_transferred)" 2
same "identical" "$SRC" "$DST"
tree flip "$DST/contents/big" --at 77
rehost --json -n sync --checksum "$SRC" "$T:$DST"; equal "-n --checksum predicts it" "$(jq -r 'select(.message_type=="item") | "\(.path) \(.op)"' "$OUT")" "contents/big update"
rehost copy --checksum "$SRC" "$T:$DST"; expect 0 "copy --checksum"; same "identical" "$SRC" "$DST"
rehost --json sync --checksum "$SRC" "$T:$DST"; equal "then idle" "$(field files_transferred)" 0
finish
