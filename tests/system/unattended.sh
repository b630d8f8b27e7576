#!/bin/bash
# As cron runs it: no environment, no terminal, no working directory of its own, standard input closed. Silence on success; for every exit
# code a mail that is short, names what failed and says what to do; the logs, whatever becomes of them.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst L=$WORK/logs
mkdir -p "$SRC/d" "$L"; echo one >"$SRC/d/f"; echo two >"$SRC/g"
conf() { printf '[job]\nname = nightly\n[target]\naddress = 127.0.0.1\nport = %s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n[retry]\nmax_retries = 0\n[log]\nfile = %s/text\njson_file = %s/json\n%s' \
    "$PORT" "$DST" "$KEY" "$KNOWN" "$SRC" "$L" "$L" "${1-}" >"$WORK/job.conf"; }
conf
# cron ARGS...: what would be mailed is in $OUT.
cron() {
    (cd / && exec env -i PATH=/usr/bin:/bin HOME=/root "REHOST_STATE_DIR=$REHOST_STATE_DIR" "REHOST_RUN_DIR=$REHOST_RUN_DIR" "REHOST_LOG_DIR=$REHOST_LOG_DIR" \
        setsid -w timeout 60 "$REHOST" -c "$WORK/job.conf" "$@" >"$OUT" 2>&1 <&-); RC=$?
    cp "$OUT" "$ERR"
}
# mail CODE WHAT LINES REGEX: the exit code, no more lines than that, an error that says this, a hint.
mail() {
    expect "$1" "$2"; has "$2: says why" "$OUT" "$4"; has "$2: and what to do" "$OUT" '^rehost: hint: .'
    below "$2: short" "$(wc -l <"$OUT")" $(($3 + 1)); hasnt "$2: nothing but errors, warnings, hints" "$OUT" '^(rehost: note|files:|bytes:|link:)|'$'\r'
}
silent() { expect 0 "$1"; empty "$1: silent" "$OUT"; }

for command in copy sync verify run; do cron -q $command; silent "$command"; done
echo new >"$SRC/new"; cron -q sync; silent "a sync that has something to do"; same "identical" "$SRC" "$DST"

# 3: the names of what failed, also of what cannot be written because its directory cannot.
mkdir "$SRC/ro"; cron -q sync; silent "a directory"; echo x >"$SRC/ro/file-a"; echo y >"$SRC/ro/file-b"
mount -t tmpfs -o ro none "$DST/ro"
cron -q --set rules.delete=no sync; mail 3 "3" 8 '^rehost: error: \[RH[0-9]+\] .*file-a'; has "3: each file" "$OUT" 'file-b'
umount "$DST/ro"; cron -q sync; silent "mended"
# 4: what differs.
echo other >"$DST/g"; cron -q verify; expect 4 "4"; has "4: the file" "$OUT" '^(content|metadata) +g'; below "4: short" "$(wc -l <"$OUT")" 3; cron -q sync; silent "synced"
# 1, 64, 69, 75, 77, 78.
cron -q --set source.root=/nonexistent sync; mail 1 "1" 2 '^rehost: error: \[RH1011\] .*/nonexistent'
cron -q --frobnicate sync; mail 64 "64" 2 'frobnicate'
cron -q --set target.port=1 sync; mail 69 "69" 2 '^rehost: error: \[RH[0-9]+\] .*127.0.0.1'
start_rehost -c "$WORK/job.conf" --set 'hooks.on_start=sleep 5' sync; first=$BG; until_true 5 grep -q "$first" "$REHOST_RUN_DIR/nightly.lock"
cron -q sync; mail 75 "75" 2 "process $first"; wait_rehost 30
ssh-keygen -q -t ed25519 -N '' -C '' -f "$WORK/ssh/other"
cron -q --set target.identity= --set "target.identity=$WORK/ssh/other" sync; mail 77 "77" 3 '^rehost: error: \[RH[0-9]+\] '
cron -q --set target.root=relative sync; expect 78 "78"; has "78: says why" "$OUT" 'relative'; below "78: short" "$(wc -l <"$OUT")" 4
same "none of them has done anything" "$SRC" "$DST"

# The logs: text and JSON of the same, private, by level.
equal "the logs are private" "$(stat -c %a "$L/text" "$L/json" | sort -u)" 600
check "every line of the one is JSON" jq -es 'all(.time and .level and .job == "nightly" and .message)' "$L/json"
has "an end" "$L/text" 'info nightly\[[0-9]+\] sync ends with exit code 0'; has "an error, with its code" "$L/text" 'error nightly\[[0-9]+\] \[RH1011\]'
equal "a summary has its numbers" "$(jq -s '[.[] | select(.command == "copy")][0].files_transferred' "$L/json")" 2
for level in error:0:0 warning:0:0 info:1:0 debug:1:1; do
    IFS=: read -r name some items <<<"$level"; rm -f "$L"/*; touch "$SRC/d/f"
    for command in copy sync verify; do cron -q --set "log.level=$name" $command; done
    equal "level $name: begins" "$(grep -c ' info .* begins: ' "$L/text")" "$((some * 3))"
    equal "level $name: items" "$(grep -q ' debug .*d/f' "$L/text" && echo 1 || echo 0)" "$items"
    cron -q --set "log.level=$name" --set target.port=1 sync; has "level $name: errors" "$L/text" ' error nightly'
done
# Rotated under a run that goes on: the rest is in the new one. Truncated: no hole.
for how in 'mv TEXT TEXT.1' 'cp TEXT TEXT.1; : >TEXT'; do
    rm -f "$L"/*; conf "[hooks]
on_start = echo before; sleep 0.5; ${how//TEXT/$L/text}
"
    cron -q sync; silent "${how%% *}"; has "${how%% *}: the old log" "$L/text.1" 'on_start: before' # its lines are logged as they come
    has "${how%% *}: the new one" "$L/text" 'sync ends'; equal "${how%% *}: no hole" "$(tr -d '\0' <"$L/text" | wc -c)" "$(wc -c <"$L/text")"
done; conf
# A log that cannot be written is a warning; the job goes on.
for file in "$WORK/nonexistent/log" /dev/full "$SRC"; do
    touch "$SRC/d/f"; cron -q --set "log.file=$file" --set "log.json_file=$file" sync; expect 0 "log $file"
    has "log $file: a warning" "$OUT" "^rehost: warning: \\[RH001[01]\\] .*$file"; below "log $file: short" "$(wc -l <"$OUT")" 4
done
mkdir "$WORK/small"; mount -t tmpfs -o size=64k none "$WORK/small"; cat /dev/zero >"$WORK/small/fill" 2>/dev/null
cron -q --set "log.file=$WORK/small/log" sync; expect 0 "a full disk"; has "a full disk: a warning" "$OUT" '^rehost: warning: \[RH001[01]\]'
same "the job was done" "$SRC" "$DST"
# syslog: records with their priority, as a daemon gets them. /dev is shared with the host: a private one has its socket.
mkdir "$WORK/dev"; mount --rbind /dev "$WORK/dev" 2>/dev/null; mount -t tmpfs none /dev
for node in null zero full random urandom tty shm pts ptmx; do
    if [ -d "$WORK/dev/$node" ]; then mkdir "/dev/$node" && mount --rbind "$WORK/dev/$node" "/dev/$node"
    elif [ -e "$WORK/dev/$node" ]; then touch "/dev/$node" && mount --bind "$WORK/dev/$node" "/dev/$node"; fi
done
"$PY" - "$WORK/syslog" <<'P' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("/dev/log")
with open(sys.argv[1], "wb", 0) as out:
    while True: out.write(s.recv(65536).rstrip(b"\0\n") + b"\n")
P
listener=$!; until_true 5 test -S /dev/log
cron -q --set log.syslog=yes sync; silent "syslog"; until_true 5 grep -q 'sync ends' "$WORK/syslog"
has "an info record of a daemon" "$WORK/syslog" '^<30>.*rehost\[[0-9]+\]: nightly: sync ends with exit code 0'
cron -q --set log.syslog=yes --set target.port=1 sync; until_true 5 grep -q '^<27>' "$WORK/syslog"; has "an error record" "$WORK/syslog" '^<27>.*nightly: \[RH'
kill $listener; cron -q --set log.syslog=yes sync; silent "syslog that nobody serves"
finish
