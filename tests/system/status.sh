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
check "nothing has ended yet" jq -e '[.last_command, .last_exit_code, .last_ended, .last_sync_started, .copy_completed_at] | all(. == null)' "$S"
check "no copy has completed" jq -e '.copy_completed == false' "$S"
check "the forecast is not that of the whole file system" jq -e '.bytes_expected <= 10000000 and .files_expected <= 2' "$S"
kill -TERM "$BG"; wait_rehost 10
st status; hasnt "after the end it does not run" <(grep -iv 'not running' "$S") '\brunning\b'
rehost -c "$WORK/job.conf" run; expect 0 "run"
st status; expect 0 "status after success"
# What it says is of the target it runs for, known already or not.
of_target() { st status --json; check "$1" jq -e --arg root "$2" --argjson done "$3" '.target_root == $root and .copy_completed == $done and (.copy_completed_at != null) == $done' "$S"; }
of_target "after success" "$WORK/dst" true
"$PY" -c 'import socket, time; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(60)' >"$WORK/silent" & SILENT=$!
until_true 5 test -s "$WORK/silent"
start_rehost -c "$WORK/job.conf" --set target.port="$(cat "$WORK/silent")" --set target.root="$WORK/other" run
until_true 5 sh -c "'$REHOST' -c '$WORK/job.conf' status --json | jq -e '.phase == \"connecting\"'"
of_target "while it connects to another target" "$WORK/other" false
kill -TERM "$BG"; wait_rehost 10; kill "$SILENT"; wait "$SILENT" 2>/dev/null
of_target "of the one before, when it has not got there" "$WORK/dst" true
start_rehost -c "$WORK/job.conf" --set target.root="$WORK/other" --bwlimit 1M run; until_true 8 test -e "$WORK/other"; sleep 0.5
of_target "while it copies to it" "$WORK/other" false
kill -TERM "$BG"; wait_rehost 10
# A whole file system is forecast by what it holds, until all that is to be copied of it has been found.
if make_fs ext4 60 "$WORK/fs"; then
    tree random "$WORK/fs/f" 6000000; tree random "$WORK/fs/left-out" 30000000
    OWN=(--set job.name=fs --set source.root="$WORK/fs" --set target.root="$WORK/dst-fs" --set rules.exclude="$WORK/fs/left-out")
    start_rehost -c "$WORK/job.conf" "${OWN[@]}" --bwlimit 2M copy
    until_true 8 sh -c "'$REHOST' -c '$WORK/job.conf' --set job.name=fs status --json | jq -e '.bytes_done > 0'"
    st --set job.name=fs status --json; check "what is left out is not expected" jq -e '.bytes_expected == 6000000 and .files_expected <= 3 and .remaining_s < 10' "$S"
    kill -TERM "$BG"; wait_rehost 10; umount "$WORK/fs"
fi
kill_at() { start_rehost -c "$WORK/job.conf" --bwlimit 1M copy; sleep 1.5; kill -KILL "$BG"; wait "$BG" 2>/dev/null; }
tree random "$WORK/src/f" 10000000 --seed 2
kill_at; until_true 6 no_processes
st status; hasnt "after kill -9 it does not run" <(grep -iv 'not running' "$S") '\brunning\b'
finish
