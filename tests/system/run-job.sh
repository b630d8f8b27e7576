#!/bin/bash
# A configured job through its life: run, run again, sync, another target; the log files; `run` of one that was interrupted.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
SET=()
tree make "$SRC" --entries 500 --big 3000000 >/dev/null
cat >"$WORK/job.conf" <<X
[job]
name = life
[target]
address = 127.0.0.1
port = $PORT
user = root
identity = $KEY
known_hosts = $KNOWN
root = $DST
[source]
root = $SRC
[verify]
mode = crc64
[log]
json_file = $WORK/log/extra.json
X
run() { rehost -c "$WORK/job.conf" "$@"; }
run check-config; expect 0 "check-config"
run run; expect 0 "the first run"
same "identical" "$SRC" "$DST"
equal "the state directory is private" "$(stat -c %a "$REHOST_STATE_DIR/life")" 700
check "a log is written" test -n "$(find "$REHOST_LOG_DIR" -type f -size +0 2>/dev/null)"
[ -s "$WORK/log/extra.json" ] && check "json_file holds JSON lines" jq -e . "$WORK/log/extra.json" || not_ok "json_file is written"
before=$(fingerprint "$DST")
run run; expect 0 "run again"
equal "changes nothing" "$(fingerprint "$DST")" "$before"
tree mutate "$SRC" --seed 31 --count 30 >/dev/null
run run; expect 0 "run after changes"
same "identical" "$SRC" "$DST"
tree mutate "$SRC" --seed 32 --count 30 >/dev/null
run -q sync; expect 0 "what cron runs: -q sync"; empty "nothing on stdout" "$OUT"; empty "nothing on stderr" "$ERR"
same "identical" "$SRC" "$DST"
run verify; expect 0 "verify"
run status; expect 0 "status"
# A deleted file comes back by sync, a deleted target by run.
rm "$DST/contents/text"; run sync; expect 0 "sync after a loss at the target"; same "identical" "$SRC" "$DST"
# With another target no copy has completed.
run --set "target.root=$WORK/dst2" run; expect 0 "run to another target"; same "identical" "$SRC" "$WORK/dst2"
# An interrupted copy is not taken for a complete one.
tree random "$SRC/large" 12000000
run --set "target.root=$WORK/dst3" --bwlimit 2M -n copy >/dev/null
start_rehost -c "$WORK/job.conf" --set "target.root=$WORK/dst3" --bwlimit 2M run; sleep 2; kill -TERM "$BG"; wait_rehost 8; expect 143 "SIGTERM during run"
run --set "target.root=$WORK/dst3" run; expect 0 "run again"; same "identical" "$SRC" "$WORK/dst3"
# local: as the address.
run --set target.address=local: --set "target.root=$WORK/dst4" run; expect 0 "address = local:"; same "local: identical" "$SRC" "$WORK/dst4"
# An alias of ssh_config as the address.
cat >"$WORK/alias.conf" <<X
[job]
name = alias
[target]
address = target
root = $WORK/dst5
[source]
root = $SRC
X
rehost -c "$WORK/alias.conf" copy; expect 0 "an alias as the address"; same "alias: identical" "$SRC" "$WORK/dst5"
# verify = off in a run; a run whose verify finds differences ends with 4.
run --set verify.mode=off run; expect 0 "verify.mode = off"
# Missing directories are made, and a missing log file's directory is.
rm -rf "$REHOST_STATE_DIR" "$REHOST_RUN_DIR" "$REHOST_LOG_DIR"
run copy; expect 0 "without the directories"
check "they are made" test -d "$REHOST_STATE_DIR/life"
no_leftovers "at the end"
finish
