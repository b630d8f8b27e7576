# shellcheck shell=bash
# The frame of the benchmarks: rehost beside `rsync -aHAX --numeric-ids -e ssh` over the same private sshd, in memory, turn by turn in
# one run. Sourced; prints medians and their ratio. RUNS (default 3) is how often each is measured. Not for CI: it measures, it does not judge.
RUNS=${RUNS:-3}
HERE_BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE_BENCH/../system/lib.sh"
[ "$ISOLATED" = yes ] || { echo "needs root"; exit 1; }
# The trees are on tmpfs, where the medium costs neither tool anything.
B=$WORK/mem; mkdir "$B"; mount -t tmpfs -o size="${MEM:-14G}",nr_inodes=0 rehost-bench "$B"
start_sshd >/dev/null
RSYNC=(rsync -aHAX --numeric-ids -e "ssh -F $HOME/.ssh/config")
LIMIT=3000

seconds() { local t0=$EPOCHREALTIME; "$@" >/dev/null 2>"$WORK/bench.err"; local r=$?; awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.3f\n", b-a}'; [ $r = 0 ] || { echo "failed ($r): $*" >&2; head -5 "$WORK/bench.err" >&2; }; return $r; }
median() { sort -n | awk '{v[NR]=$1} END{print NR ? (NR % 2 ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2) : "-"}'; }

# compare WHAT PREPARE REHOST RSYNC: functions; PREPARE gets the tool's name (also the name of its target directory) before each run.
compare() {
    local what=$1 prepare=$2 ours=$3 theirs=$4 i
    : >"$WORK/t.rehost"; : >"$WORK/t.rsync"
    for ((i = 0; i < RUNS; i++)); do
        $prepare rehost; sync; seconds $ours >>"$WORK/t.rehost"
        $prepare rsync; sync; seconds $theirs >>"$WORK/t.rsync"
    done
    local a b; a=$(median <"$WORK/t.rehost"); b=$(median <"$WORK/t.rsync")
    printf '%-44s rehost %8.2f s   rsync %8.2f s   ratio %.2f   (rehost: %s; rsync: %s)\n' "$what" "$a" "$b" "$(awk -v a="$a" -v b="$b" 'BEGIN{print a/b}')" \
        "$(paste -sd' ' "$WORK/t.rehost")" "$(paste -sd' ' "$WORK/t.rsync")"
}
program() { "$REHOST" "${SET[@]}" "$@"; }
# wire_rsync: both directions of an `rsync --stats` report.
wire_rsync() { sed -nE 's/^Total bytes (sent|received): ([0-9,]+).*/\2/p' | tr -d , | awk '{s+=$1} END{printf "%d", s}'; }
wire_rehost() { jq -s 'map(select(.message_type=="summary")) | last | ((.bytes_sent | tonumber? // 0) + (.bytes_received | tonumber? // 0))' "$OUT"; }
