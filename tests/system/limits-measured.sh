#!/bin/bash
# What [limits] keeps, measured over 30 s: cpu within 10 %, io_read, io_write and the bandwidth within 5 %, memory never above; what
# changes while it runs. By hand, for figures.
SECONDS_EACH=${SECONDS_EACH:-30} FS_MB=12288
. "$(dirname "$0")/lib.sh"
need_root
CG=/sys/fs/cgroup
start_sshd
JOB=meas$RANDOM$RANDOM
SET+=(--set "job.name=$JOB")
group() { find $CG -type d -path "*/rehost/$JOB.*" 2>/dev/null | while read -r g; do [ -e "$g/$1" ] && echo "$g" && break; done; }
# What all processes of the job have used, in seconds.
cpu_used() {
    local p=$BG; for p in $BG $(descendants "$BG"); do cat "/proc/$p/stat" 2>/dev/null; done |
        awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); s += $12 + $13 + $14 + $15} END {printf "%.2f", s / hz}'
}
# within WHAT GOT WANTED PERCENT
within() {
    if awk -v g="$2" -v w="$3" -v p="$4" 'BEGIN{exit !(g > w * (1 - p / 100) && g < w * (1 + p / 100))}'; then ok "$1: $2 (wanted $3, $4 %)"
    else not_ok "$1: $2, not within $4 % of $3"; fi
}
# Random data in the page cache: reading costs no disk.
mkdir "$WORK/src"; for i in 1 2 3 4 5 6 7 8; do tree random "$WORK/src/$i" 500000000 --seed $i; done

for cpu in 10 30; do
    start_rehost --processes 2 --set limits.cpu=$cpu% --set source.page_cache=use --set transfer.compression=zstd:9 copy "$WORK/src" "$T:$WORK/dst"
    sleep 3; a=$(cpu_used); t0=$EPOCHREALTIME; sleep "$SECONDS_EACH"; b=$(cpu_used); t1=$EPOCHREALTIME
    check "cpu=$cpu%: it still works" kill -0 "$BG"
    within "cpu=$cpu%, processors used" "$(awk -v a="$a" -v b="$b" -v s="$t0" -v e="$t1" 'BEGIN{printf "%.3f", (b-a)/(e-s)}')" \
        "$(awk -v p=$cpu -v n="$(nproc)" 'BEGIN{c = p * n / 100; print c < 0.2 ? 0.2 : c}')" 10
    kill -TERM "$BG"; wait_rehost 20; rm -rf "$WORK/dst"
done

rate() { # SECONDS: what at() counts, a second
    local a b t0 t1
    a=$(at); t0=$EPOCHREALTIME; sleep "$1"; b=$(at); t1=$EPOCHREALTIME
    awk -v a="$a" -v b="$b" -v s="$t0" -v e="$t1" 'BEGIN{printf "%.0f", (b-a)/(e-s)}'
}
measure_bytes() { # WHAT RATE OPTIONS...
    local what=$1 wanted=$2; shift 2
    start_rehost "$@" copy "$WORK/src" "local:$WORK/dst"
    sleep 3; within "$what, bytes a second" "$(rate "$SECONDS_EACH")" "$wanted" 5
    kill -TERM "$BG"; wait_rehost 20; rm -rf "$WORK/dst"
}
# counted WORD COUNTER: of the processes of the job with that word in their command line, by the kernel.
counted() {
    local p
    for p in $(descendants "$BG"); do grep -qz -e "$1" "/proc/$p/cmdline" 2>/dev/null && awk -v c="$2:" '$1 == c {print $2}' "/proc/$p/io"; done | awk '{s += $1} END {printf "%d", s}'
}
printf '[job]\nname = %s\n[target]\naddress = x\nroot = /x\n' "$JOB" >"$WORK/job.conf"
ask() { local SET=(); OUT=$WORK/a ERR=$WORK/e rehost -c "$WORK/job.conf" "$@"; }
for n in 1 4; do
    # What the movers have read, by the kernel's count.
    at() { counted role=mover rchar; }
    measure_bytes "io_read=20M, processes $n" 20971520 --processes $n --set limits.io_read=20M
    # What the receivers have written.
    at() { counted root-hex wchar; }
    measure_bytes "io_write=20M of a local target, processes $n" 20971520 --processes $n --set limits.io_write=20M
    # What they have sent, by their own count: not what is still in the sockets.
    at() { ask status --json; jq -r .bytes_sent "$WORK/a"; }
    measure_bytes "bandwidth=20M, processes $n" 20971520 --processes $n --bwlimit 20M
done

# Changed from outside, and by the timetable: in force within a second.
start_rehost --processes 4 --bwlimit 20M copy "$WORK/src" "local:$WORK/dst"
sleep 5
for m in 4 40; do
    ask limits "bandwidth=${m}M"; expect 0 "rehost limits bandwidth=${m}M"
    sleep 1; within "in force a second later, bytes a second" "$(rate 8)" $((m << 20)) 5
done
kill -TERM "$BG"; wait_rehost 20; rm -rf "$WORK/dst"
[ $((10#$(date +%S))) -le 30 ] || sleep $((61 - 10#$(date +%S)))
next=$(($(date +%s) / 60 * 60 + 60))
start_rehost --processes 2 --set "transfer.bandwidth=$(date +%H:%M),20M $(date -d "@$next" +%H:%M),5M" copy "$WORK/src" "local:$WORK/dst"
sleep 3; within "a timetable, before it switches, bytes a second" "$(rate 20)" 20971520 5
sleep "$(awk -v n=$next -v t="$EPOCHREALTIME" 'BEGIN{print n + 1 - t}')"
within "a timetable, from a second after the switch, bytes a second" "$(rate 10)" 5242880 5
kill -TERM "$BG"; wait_rehost 20; rm -rf "$WORK/dst"

# Memory: many names in one directory, and a large file that differs everywhere a little, for librsync's windows.
rm -rf "$WORK/src"; mkdir "$WORK/src" "$WORK/src/many"
"$PY" - "$WORK/src/many" <<'END'
import os, sys
d = os.open(sys.argv[1], os.O_RDONLY)
for i in range(150000):
    os.close(os.open("%0100d" % i, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=d))
END
tree random "$WORK/src/big" 700000000
rehost copy "$WORK/src" "local:$WORK/dst"; expect 0 "the tree for the memory"
"$PY" - "$WORK/src/big" <<'END'
import sys
# A byte more every 50 KB: no chunk is where it was.
data = open(sys.argv[1], "rb").read()
with open(sys.argv[1], "wb") as f:
    for i in range(0, len(data), 50000):
        f.write(data[i:i + 50000] + b"x")
END
for i in $(seq 0 97 149999); do printf x >"$WORK/src/many/$(printf '%0100d' "$i")"; done
start_rehost -v --processes 4 --set limits.memory=64M sync "$WORK/src" "local:$WORK/dst"
most=0 anon=0
while kill -0 "$BG" 2>/dev/null; do
    g=$(group memory.usage_in_bytes)
    if [ -n "$g" ]; then
        u=$(cat "$g/memory.max_usage_in_bytes" 2>/dev/null || echo 0); [ "$u" -gt "$most" ] && most=$u
        u=$(awk '/^total_rss /{print $2}' "$g/memory.stat" 2>/dev/null); [ "${u:-0}" -gt "$anon" ] && anon=$u
    fi
    sleep 0.2
done
wait_rehost 1; equal "with 64M it ends well" "$RC" 0
below "memory.max_usage_in_bytes" "$most" 67108865
echo "# of it anonymous at most $anon"
grep -E 'limit of memory|worker' "$ERR" | note
same "and identical" "$WORK/src" "$WORK/dst"
finish
