#!/bin/bash
# Metrics for the node exporter: the format, the values, after success and failure, of all commands beside each other.
. "$(dirname "$0")/lib.sh"
need_root
SRC=$WORK/src DST=$WORK/dst M=$WORK/metrics
mkdir -p "$SRC/d" "$M"; echo one >"$SRC/d/f"; echo two >"$SRC/g"
printf '[job]\nname = web-1\n[target]\naddress = local:\nroot = %s\n[source]\nroot = %s\n[metrics]\ntextfile = %s\n' "$DST" "$SRC" "$M/rehost.prom" >"$WORK/job.conf"
job() { rehost -c "$WORK/job.conf" "$@"; }
value() { "$PY" "$HERE/prometheus.py" "$M/rehost.prom" | awk -v k="$1" '$1 == k {print $2}'; }
of() { value "rehost_$2{command=\"$1\",job=\"web-1\"}"; }

job --set target.address=127.0.0.1:1 sync; expect 69 "the first sync finds no target"
check "the format" "$PY" "$HERE/prometheus.py" "$M/rehost.prom"
equal "its exit code" "$(of sync last_run_exit_code)" 69; equal "it never succeeded" "$(of sync last_success_timestamp_seconds)" 0.000
equal "no copy has completed" "$(value 'rehost_copy_completed{job="web-1"}')" 0
rehost -c "$WORK/job.conf" status --check; expect 2 "status --check sees it"; has "and says so" "$OUT" 'last exit code 69 \(sync\)'

(umask 077; job -q copy; exit "$RC"); equal "copy" "$?" 0
equal "everybody may read it" "$(stat -c %a "$M/rehost.prom")" 644; equal "nothing beside it" "$(ls -A "$M")" rehost.prom
check "the format" "$PY" "$HERE/prometheus.py" "$M/rehost.prom"
equal "files_transferred of the copy" "$(of copy last_run_files_transferred)" 2; equal "bytes_literal" "$(of copy last_run_bytes_literal)" 8
equal "a copy has completed" "$(value 'rehost_copy_completed{job="web-1"}')" 1
echo three >"$DST/g"; job -q verify; expect 4 "verify"
equal "differences of content, and of metadata" "$(value 'rehost_last_run_differences{command="verify",job="web-1",kind="content"}')$(value 'rehost_last_run_differences{command="verify",job="web-1",kind="metadata"}')" 11
job -q sync; expect 0 "sync"
equal "the sync keeps verify's" "$(of verify last_run_exit_code)" 4; equal "and the copy's" "$(of copy last_run_files_transferred)" 2
equal "its own" "$(of sync last_run_files_examined) $(of sync last_run_files_transferred)" "4 1"
now=$(date +%s); check "its times" awk -v s="$(of sync last_run_start_timestamp_seconds)" -v e="$(of sync last_run_end_timestamp_seconds)" -v ok="$(of sync last_success_timestamp_seconds)" -v n="$now" \
    'BEGIN{exit !(s <= e && ok == e && e <= n + 1 && s > n - 60)}'
before=$(of sync last_success_timestamp_seconds)
job -q --set hooks.on_start=false sync; expect 1 "a hook fails"
equal "the last success stays" "$(of sync last_success_timestamp_seconds)" "$before"; equal "the exit code is new" "$(of sync last_run_exit_code)" 1
rehost -c "$WORK/job.conf" status --check; expect 1 "status --check warns"; has "of the exit code" "$OUT" 'last exit code 1 \(sync\)'
job -q run; expect 0 "run"; equal "run, and its steps" "$(of run last_run_exit_code)$(of sync last_run_exit_code)$(of verify last_run_exit_code)" 000
rehost -c "$WORK/job.conf" status --check; expect 0 "status --check is content"
before=$(cat "$M/rehost.prom"); job -n sync; equal "a dry run leaves them" "$(cat "$M/rehost.prom")" "$before"

# What cannot be written is a warning; what is no regular file is left alone.
job -q --set metrics.textfile=/nonexistent/x.prom sync; expect 0 "no such directory"; has "is a warning" "$ERR" '^rehost: warning: \[RH1132\] .*/nonexistent/x.prom'
echo keep >"$WORK/other"; ln -s "$WORK/other" "$M/link.prom"
mknod "$M/null.prom" c 1 3; mkfifo "$M/fifo.prom"; mkdir "$M/dir.prom"
for f in link null fifo dir; do
    before=$(stat -c '%F %i' "$M/$f.prom")
    job -q --set "metrics.textfile=$M/$f.prom" sync; expect 0 "$f"; has "$f: a warning" "$ERR" "^rehost: warning: \\[RH1132\\] .*/$f.prom': it is no regular file"
    equal "$f: left as it is" "$(stat -c '%F %i' "$M/$f.prom") $(cat "$WORK/other")" "$before keep"
done
ln -s "$WORK/other" "$M/new.prom.new"; job -q --set "metrics.textfile=$M/new.prom" sync; expect 0 "a link where the new file is written"; equal "is not written through" "$(cat "$WORK/other") $(stat -c %F "$M/new.prom")" "keep regular file"
job --set "metrics.textfile=$M/device" sync; expect 78 "another name"; has "is told" "$ERR" "^--set metrics.textfile=.*: bad value for 'textfile' in \\[metrics\\]: '.*/device' does not end in '.prom'"
before=$(cat "$M/rehost.prom"); job -q --set metrics.textfile= sync; expect 0 "an empty name"; equal "writes none" "$(cat "$M/rehost.prom")" "$before"; empty "nothing is said" "$ERR"
rehost -q --set "metrics.textfile=$M/adhoc.prom" sync "$SRC" "local:$WORK/adhoc"; expect 0 "SRC DST"; check "has metrics when asked for" "$PY" "$HERE/prometheus.py" "$M/adhoc.prom"
finish
