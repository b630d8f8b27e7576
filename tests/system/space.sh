#!/bin/bash
# Sizes reconcile: what is in use on each file system of the source is what was copied, left out, hidden, deleted and still open.
FS_MB=1024
. "$(dirname "$0")/lib.sh"
need_root

S=$WORK/s D=$WORK/d
mkdir -p "$S"; make_fs ext4-plain 200 "$S"
fill() { dd if=/dev/urandom of="$1" bs=1M count="$2" status=none; }
mkdir -p "$S/data/deep" "$S/cache/many" "$S/m"
fill "$S/data/a" 20; fill "$S/data/deep/b" 10; ln "$S/data/a" "$S/data/a2"; fill "$S/cache/c" 15; for i in $(seq 300); do echo "$i" >"$S/cache/many/$i"; done
truncate -s 1G "$S/data/holes"; fill "$S/m/under" 7
exec 7>"$S/gone"; dd if=/dev/urandom bs=1M count=5 status=none >&7; rm "$S/gone"
mount -t tmpfs rehost-test "$S/m"; sync -f "$S"
conf() { printf '%s\n' '[job]' "name = $1" '[target]' 'address = local:' "root = $D-$1" '[source]' "root = $S" '[rules]' "exclude = $S/cache/*" "${@:2}" >"$WORK/$1.conf"; }
of() { jq -r --arg p "$S" --arg f "$1" 'select(.message_type=="summary") | .space[] | select(.path == $p) | .[$f]' "$OUT"; }
near() { check "$1 ($2, about $3)" awk -v a="$2" -v b="$3" 'BEGIN{exit !(a >= b && a <= b + 1048576)}'; }
MIB=1048576

conf json; rehost --json -c "$WORK/json.conf" copy; expect 0 "a copy"
equal "one file system" "$(jq -c 'select(.message_type=="summary") | [.space[].type]' "$OUT")" '["ext4"]'
near "copied: a name more takes nothing" "$(of copied)" $((30 * MIB)); near "left out by rules" "$(of left_out)" $((15 * MIB + 300 * 1024)); near "hidden" "$(of hidden)" $((7 * MIB))
near "deleted and still open" "$(of deleted_open)" $((5 * MIB)); near "holes" "$(of holes)" $((1024 * MIB))
equal "in use" "$(of used)" "$(($(stat -fc '(%b-%f)*%S' "$S")))"
check "it reconciles: the rest ($(of other)) is less than a MiB" awk -v o="$(of other)" 'BEGIN{exit !(o >= 0 && o < 1048576)}'
equal "the sum is what is in use" "$(($(of copied) + $(of left_out) + $(of hidden) + $(of deleted_open) + $(of other)))" "$(of used)"
refute "what is left out is not there" test -e "$D-json/cache/c"; equal "counted as examined is what was copied" "$(number files_examined)" 10

# By several processes, and of a directory that is compared in slices.
mkdir "$S/long"; (cd "$S/long" && seq 30000 | xargs -n 1000 touch); conf slices; rehost --json --processes 3 -c "$WORK/slices.conf" copy; expect 0 "three processes"
check "it reconciles too" awk -v o="$(of other)" 'BEGIN{exit !(o >= 0 && o < 1048576)}'; before=$(of copied)
rehost --json --processes 3 -c "$WORK/slices.conf" copy; expect 0 "a copy onto a copy"; equal "copied is what is there, not what was sent" "$(of copied)" "$before"; near "and left out once" "$(of left_out)" $((15 * MIB + 300 * 1024))
rehost --json -n -c "$WORK/slices.conf" copy; expect 0 "-n"; equal "-n says the same" "$(of copied)" "$before"

# For people; silent where it is not wanted, and where a part of a file system says nothing of the whole.
conf text; rehost -v -c "$WORK/text.conf" copy; expect 0 "-v"
has "-v: the line" "$OUT" "^space: $S [0-9.]+ MiB in use = [0-9.]+ MiB copied \\+ 1[56][0-9.]* MiB left out by rules \\+ 7[0-9.]* MiB hidden beneath mounts \\+ 5[0-9.]* MiB deleted and still open"
conf plain; rehost -c "$WORK/plain.conf" copy; hasnt "not without -v" "$OUT" '^space:'
rehost -v --set "source.root=$S/data" --set rules.exclude= -c "$WORK/plain.conf" copy; has "a part of a file system" "$OUT" "^space: $S/data 30[0-9.]* MiB copied; holes"
rehost -v -c "$WORK/plain.conf" sync; hasnt "not of a sync" "$OUT" '^space:'

exec 7>&-; umount "$S/m"
finish
