#!/bin/bash
# Hooks: when each runs, what it is told, what happens when it fails, hangs or is interrupted.
. "$(dirname "$0")/lib.sh"
need_root
SRC=$WORK/src DST=$WORK/dst H=$WORK/hooks
mkdir -p "$SRC/d" "$H"; echo one >"$SRC/d/f"
note_env='echo "$0 $REHOST_JOB ${REHOST_COMMAND-} ${REHOST_EXIT-none}" >>'"$H/calls"'; printf "%s\n" "${REHOST_SUMMARY-none}" >'"$H/summary"
for name in on_start on_success on_failure; do printf '#!/bin/sh\n%s\n' "$(sed "s|\$0|$name|" <<<"$note_env")" >"$H/$name"; done
chmod 755 "$H"/on_*
printf '[job]\nname = hooked\n[target]\naddress = local:\nroot = %s\n[source]\nroot = %s\n[hooks]\non_start = %s\non_success = %s\non_failure = %s\n' \
    "$DST" "$SRC" "$H/on_start" "$H/on_success" "$H/on_failure" >"$WORK/job.conf"
job() { rm -f "$H/calls" "$H/summary"; rehost -c "$WORK/job.conf" "$@"; }
calls() { cat "$H/calls" 2>/dev/null | paste -sd,; }

# Once for each command, with what happened.
for command in run copy sync verify; do
    job -q $command; expect 0 "$command"
    equal "$command: its hooks" "$(calls)" "on_start hooked $command none,on_success hooked $command 0"
    empty "$command: silent" <(cat "$OUT" "$ERR")
done
job --json sync; equal "REHOST_SUMMARY is the last line of --json" "$(jq -cS 'del(.duration_s)' "$H/summary")" "$(tail -1 "$OUT" | jq -cS 'del(.duration_s)')"
echo two >"$DST/d/f"; job -q verify; expect 4 "differences"; equal "are a failure" "$(calls)" "on_start hooked verify none,on_failure hooked verify 4"
equal "with their number" "$(jq .differences "$H/summary")" 1

# Not when nothing is to be done for the job.
job -n sync; expect 0 "-n"; equal "no hook with -n" "$(calls)" ""
rehost --set "hooks.on_start=$H/on_start" sync "$SRC" "local:$WORK/adhoc"; expect 0 "SRC DST"; equal "no hook with SRC DST" "$(calls)" ""
job --set target.root=relative sync; expect 78 "an error in the configuration"; equal "no hook then" "$(calls)" ""
job --set target.address=127.0.0.1:1 sync; expect 69 "no target"; equal "on_failure" "$(calls)" "on_start hooked sync none,on_failure hooked sync 69"
equal "REHOST_SUMMARY of what never began" "$(jq -r '.message_type, .exit_code' "$H/summary" | paste -sd' ')" "exit_error 69"

# A failing on_start is the job's failure, before anything is done.
rm -rf "$DST"; job --set 'hooks.on_start=echo out; echo err >&2; exit 3' copy; expect 1 "on_start fails"
has "with its code" "$ERR" '^rehost: error: \[RH1130\] the hook on_start failed: exit code 3'; has "and a hint" "$ERR" '^rehost: hint: '
has "its output" "$ERR" '^rehost: on_start: out'; has "and its errors" "$ERR" '^rehost: on_start: err'
refute "nothing was done" test -e "$DST"
equal "on_failure runs" "$(calls)" "on_failure hooked copy 1"; equal "and is told" "$(jq -r .code "$H/summary")" RH1130
rm -f "$H/calls"; job --json --set 'hooks.on_start=echo out; exit 3' copy; expect 1 "on_start fails with --json"; empty "nothing on stderr" "$ERR"
equal "its output is a warning" "$(jq -r 'select(.message_type == "warning") | .code + " " + .message' "$OUT")" "RH1130 on_start: out"; check "all of it is JSON" jq -e . "$OUT"
has "the output is logged" "$REHOST_LOG_DIR/hooked.log" 'info hooked\[[0-9]+\] on_start: out'
job --set hooks.on_start=/nonexistent copy; expect 1 "a command that does not exist"; has "it says so" "$ERR" 'on_start: .*not found'
# A failing hook at the end is a warning.
job --set 'hooks.on_success=echo boom; kill -9 $$' copy; expect 0 "on_success fails"; has "a warning" "$ERR" '^rehost: warning: \[RH1131\] the hook on_success failed: signal 9'
has "with its output" "$ERR" '^rehost: on_success: boom'; same "the copy is there" "$SRC" "$DST"
job --set hooks.on_failure=false --set target.address=127.0.0.1:1 sync; expect 69 "on_failure fails: the code stays"

# What a hook finds: no descriptor, no input, no terminal, no signal blocked or ignored.
cat >"$H/look" <<'X'
#!/bin/bash
exec 2>&1
ls -l /proc/self/fd
grep -E 'SigBlk|SigIgn' /proc/self/status
read -r line && echo "input $line"
: </dev/tty && echo "a terminal"
true
X
chmod 755 "$H/look"
(trap '' HUP PIPE; job --set "hooks.on_start=exec $H/look >$H/found" sync; echo $RC >"$WORK/rc"); equal "look" "$(cat "$WORK/rc")" 0
equal "three descriptors, and that of ls" "$(grep -c -e '->' "$H/found")" 4; has "input is /dev/null" "$H/found" ' 0 -> /dev/null$'
equal "no signal blocked or ignored" "$(grep -c '0000000000000000' "$H/found")" 2; hasnt "no input, no terminal" "$H/found" '^(input|a terminal)'
job --set 'hooks.on_start=head -c 20000000 /dev/zero | tr "\\0" y; yes | head -n 100000' sync; expect 0 "much output"
below "it does not fill the log" "$(wc -c <"$REHOST_LOG_DIR/hooked.log")" 4000000
job --set 'hooks.on_start=sleep 20 & echo $! >'"$H/child" sync; expect 0 "something left in the background"
below "is not waited for" "$TOOK" 10; kill "$(cat "$H/child")"

# Too long.
job --set hooks.timeout=1s --set "hooks.on_start=trap '' TERM; sleep 20" sync; expect 1 "a hook that hangs"; has "the time is said" "$ERR" 'it took longer than 0:01'
below "it is ended" "$TOOK" 6
# A signal ends the hook at once, children of it too, and on_failure is told.
stop_in() { # stop_in WHAT CODE ARGS...
    local what=$1 code=$2 t0; shift 2
    rm -f "$H/calls" "$H/in"; start_rehost -c "$WORK/job.conf" "$@"
    until_true 10 test -e "$H/in"; t0=$EPOCHREALTIME; kill -TERM "$BG"; wait_rehost 8; expect "$code" "$what"
    below "$what: within 5 s" "$(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{print b-a}')" 5
    no_leftovers "$what"; refute "$what: nothing of the hook is left" pgrep -f 'sleep 7[7]'
}
rm -rf "$DST"; stop_in "SIGTERM during on_start" 143 --set "hooks.on_start=touch $H/in; (trap '' TERM; sleep 77; sleep 77)" copy
equal "on_failure is told" "$(calls)" "on_failure hooked copy 143"; refute "nothing was copied" test -e "$DST"
stop_in "SIGTERM during on_success" 0 --set "hooks.on_success=touch $H/in; sleep 77" copy
# Who asks meanwhile is told what it does, and can end it.
rm -rf "$DST" "$H/in"; start_rehost -c "$WORK/job.conf" --set "hooks.on_start=touch $H/in; sleep 77" copy
until_true 10 test -e "$H/in"
ask() { OUT=$WORK/a ERR=$WORK/e rehost -c "$WORK/job.conf" "$@"; }
ask status; expect 0 "status during a hook"; has "says so" "$WORK/a" "^progress: +job 'hooked' is busy with the hook on_start"
ask status --json; check "and makes no figures up" jq -e '.running and (.silent | test("hook on_start")) and .bytes_done == null and .rate == null and (has("remaining_s") | not)' "$WORK/a"
for c in pause limits; do ask $c; expect 1 "$c during a hook"; has "says why not" "$WORK/e" "RH1026.*the hook on_start"; done
ask stop; expect 0 "stop during a hook"; has "ends it" "$WORK/a" '^job hooked has ended'; below "within 5 s" "$TOOK" 5
wait_rehost 5; expect 143 "the job's own exit code"; refute "nothing was copied" test -e "$DST"; refute "nothing of the hook is left" pgrep -f 'sleep 7[7]'
tree random "$SRC/large" 8000000
stop_in "SIGTERM during the copy, on_failure hangs" 143 --bwlimit 500K --set "hooks.on_start=touch $H/in" --set 'hooks.on_failure=sleep 77' copy
has "on_failure was ended" "$ERR" 'RH1131.*on_failure'

# Another instance: its hooks are its own.
rm "$H/in"; start_rehost -c "$WORK/job.conf" --set "hooks.on_start=touch $H/in; sleep 3" copy; until_true 10 test -e "$H/in"
OUT=$WORK/out2 ERR=$WORK/err2 job sync; expect 75 "the lock is held while on_start runs"; equal "no hook with 75" "$(calls)" ""
wait_rehost 30; expect 0 "the first goes on"
finish
