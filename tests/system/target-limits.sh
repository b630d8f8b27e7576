#!/bin/bash
# What the receivers take of the target, measured from outside over 30 s: [limits] target_cpu within 10 %, target_io within 5 %.
# They keep it together, however many there are, and at the end nobody is left.
FS_MB=12288
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SECONDS_EACH=${SECONDS_EACH:-30}
SRC=$WORK/src; mkdir "$SRC"

# measure WHAT ARGS...: a run in the background, measured when it has begun; CPU (percent), READ and WRITE (bytes a second), RECEIVERS.
measure() {
    local what=$1 m; shift
    start_rehost "$@"
    sleep 3
    m=$("$PY" "$HERE/meter.py" "$SECONDS_EACH")
    read -r _ CPU _ READ _ WRITE _ RECEIVERS <<<"$m"
    echo "# $what: $m"
    if kill -0 "$BG" 2>/dev/null; then ok "$what: still at work"; else not_ok "$what: ended too early"; tail -3 "$ERR" | note; fi
    kill -TERM "$BG"; wait_rehost 10
    equal "$what: ends at once" "$RC" 143
    until_true 5 no_processes || not_ok "$what: processes are left"
}
within() { # WHAT GOT WANTED PERCENT
    local low high
    low=$(awk -v w="$3" -v p="$4" 'BEGIN{printf "%.2f", w * (100 - p) / 100}'); high=$(awk -v w="$3" -v p="$4" 'BEGIN{printf "%.2f", w * (100 + p) / 100}')
    above "$1" "$2" "$low"; below "$1" "$2" "$high"
}
M=1048576

# Much work for a receiver, of every kind: large files to be compared, small ones to be made.
"$PY" - "$SRC" <<'P'
import os, sys
src = sys.argv[1]
for i in range(40):
    d = "%s/small/%02d" % (src, i)
    os.makedirs(d)
    for k in range(1500):
        with open("%s/%04d" % (d, k), "wb") as f:
            f.write(os.urandom(3000))
for i in range(4):
    with open("%s/large%d" % (src, i), "wb") as f:
        for _ in range(256):
            f.write(os.urandom(1 << 20))
P
mkdir "$WORK/d"; cp -a "$SRC/." "$WORK/d/"
find "$WORK/d" -name 'large*' -exec touch -d 2020-01-01 {} +

for n in 1 4; do
    measure "target_cpu = 5%, copy, processes $n" --processes $n --set limits.target_cpu=5% copy "$SRC" "$T:$WORK/new$n"
    within "target_cpu = 5%, copy, processes $n" "$CPU" 5 10
    rm -rf "$WORK/new$n"
    measure "target_io = 8M, copy, processes $n" --processes $n --set limits.target_io=8M copy "$SRC" "$T:$WORK/new$n"
    within "target_io = 8M, copy, processes $n" "$WRITE" $((8 * M)) 5
    rm -rf "$WORK/new$n"
done
measure "target_io = 8M, local" --set limits.target_io=8M copy "$SRC" "local:$WORK/new"
within "target_io = 8M, local" "$WRITE" $((8 * M)) 5
measure "target_io = 16M, comparing" --processes 4 --set limits.target_io=16M sync -c "$SRC" "$T:$WORK/d"
within "target_io = 16M, comparing" "$READ" $((16 * M)) 5
measure "target_io = 16M, verify" --processes 4 --set limits.target_io=16M verify --mode crc64 "$SRC" "$T:$WORK/d"
within "target_io = 16M, verify" "$READ" $((16 * M)) 5
measure "target_cpu = 2%, verify" --processes 2 --set limits.target_cpu=2% verify --mode crc64 "$SRC" "$T:$WORK/d"
within "target_cpu = 2%, verify" "$CPU" 2 10

# Changed while it runs: the receivers hear of it.
printf '[job]\nname = live\n[target]\naddress = x\nroot = /x\n' >"$WORK/job.conf"
ask() { local SET=(); OUT=$WORK/a ERR=$WORK/e rehost -c "$WORK/job.conf" limits "$@"; expect 0 "rehost limits $*"; }
start_rehost --processes 2 --bwlimit 40M --set job.name=live copy "$SRC" "$T:$WORK/live"
sleep 3; ask target_io=8M; sleep 1; read -r _ CPU _ READ _ WRITE _ RECEIVERS <<<"$("$PY" "$HERE/meter.py" 10)"
within "target_io=8M, a second later" "$WRITE" $((8 * M)) 5
ask target_io=off target_cpu=3%; sleep 1; read -r _ CPU _ READ _ WRITE _ RECEIVERS <<<"$("$PY" "$HERE/meter.py" 10)"
within "target_cpu=3%, a second later" "$CPU" 3 10
kill -TERM "$BG"; wait_rehost 10; until_true 5 no_processes
no_leftovers "target limits"
finish
