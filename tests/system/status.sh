#!/bin/bash
# status of a job: never run, running, done, failed.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
mkdir "$WORK/src"; tree random "$WORK/src/f" 10000000
printf '[job]\nname = st\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$PORT" "$WORK/dst" "$KEY" "$KNOWN" "$WORK/src" >"$WORK/job.conf"
SET=()
st() { OUT=$WORK/st.out ERR=$WORK/st.err rehost -c "$WORK/job.conf" "$@"; }
S=$WORK/st.out
st status; check "of a job that never ran (exit $RC)" test "$RC" -lt 64; check "prints" test -s "$S"
hasnt "it is not said to run" <(grep -iv 'not running' "$S") '\brunning\b'
st status --json; check "--json is JSON" jq -e . "$S"
start_rehost -c "$WORK/job.conf" --bwlimit 1M copy; sleep 2.5
st status; has "while it runs" <(grep -iv 'not running' "$S") '\brunning\b'; has "with its process id" "$S" "\\b$BG\\b"
st status --json; check "--json while it runs is JSON" jq -e . "$S"; has "with its process id" "$S" "\\b$BG\\b"
below "answers at once" "$TOOK" 2
kill -TERM "$BG"; wait_rehost 10
st status; hasnt "after the end it does not run" <(grep -iv 'not running' "$S") '\brunning\b'
rehost -c "$WORK/job.conf" run; expect 0 "run"
st status; expect 0 "status after success"
kill_at() { start_rehost -c "$WORK/job.conf" --bwlimit 1M copy; sleep 1.5; kill -KILL "$BG"; wait "$BG" 2>/dev/null; }
tree random "$WORK/src/f" 10000000 --seed 2
kill_at; until_true 6 no_processes
st status; hasnt "after kill -9 it does not run" <(grep -iv 'not running' "$S") '\brunning\b'
finish
