#!/bin/bash
# netcheck: what it prints, what it leaves alone, how it fails. Whether its figures are true is netcheck-shaped's business.
# A bandwidth limit makes it short: what is reached with one connection needs no second.
. "$(dirname "$0")/lib.sh"
start_sshd
mkdir "$WORK/src"; tree make "$WORK/src" --entries 20 >/dev/null; head -c 3000000 /dev/urandom >"$WORK/src/large"

# --- of a configured job, while it runs ---
cat >"$WORK/job.conf" <<EOF
[job]
name = check
[source]
root = $WORK/src
filesystems = ext4, tmpfs, overlay, btrfs, xfs
[target]
address = 127.0.0.1
port = $PORT
user = $ME
root = $WORK/dst
[transfer]
bandwidth = 4M
processes = 3
EOF
OUT=$WORK/copy.out ERR=$WORK/copy.err start_rehost -c "$WORK/job.conf" --bwlimit 100K copy; first=$BG
until_true 20 test -e "$WORK/dst/large"
rehost -c "$WORK/job.conf" --json netcheck; expect 0 "netcheck beside a running copy"
check "the copy runs on" kill -0 "$first"
kill -TERM "$first"; wait "$first" 2>/dev/null
equal "one line" "$(wc -l <"$OUT")" 1; empty "nothing on standard error" "$ERR"
check "it has all fields" jq -e '
    def n: type == "number" and . >= 0;
    def r: . == "good" or . == "fair" or . == "poor";
    .message_type == "summary" and .command == "netcheck" and .exit_code == 0 and (.duration_s | n and . < 60) and
    (.target | test("^ssh .*@127.0.0.1:")) and (.round_trip_ms | n and . > 0) and .round_trip_min_ms <= .round_trip_ms and
    .round_trip_ms <= .round_trip_max_ms and (.pings | n and . > 4 and . <= 50) and (.jitter_ms | n) and (.tcp_round_trip_ms | n and . > 0) and
    (.tcp_round_trip_var_ms | n) and (.tcp_round_trip_loaded_ms | n and . > 0) and (.relayed | type == "boolean") and
    (.loss_percent | n and . <= 100) and .segments > 10 and .retransmitted <= .segments and (.throughput_mbit | n and . > 0) and
    (.throughput_1_mbit | n and . > 0) and .limit == 4194304 and (.limited | type == "boolean") and
    (.cpu_source_percent, .cpu_target_percent, .cpu_source_loaded_percent, .cpu_target_loaded_percent,
     .memory_source_percent, .memory_target_percent | n and . <= 100) and
    (.cpus_source, .cpus_target | n and . > 0) and .memory_source_bytes == .memory_target_bytes and
    (.processes, .processes_network, .processes_disks | n and . >= 1 and . <= 4) and .bytes > 3000000 and .bytes_upper_bound and
    (.round_trip_rating, .jitter_rating, .loss_rating, .throughput_rating, .cpu_source_rating, .cpu_target_rating,
     .memory_source_rating, .memory_target_rating | r)' "$OUT"
equal "of 4 MiB a second nothing is poor" "$(field throughput_rating)" poor
check "the forecast is the formula" jq -e '
    def near($x): . >= 0.99 * $x - 0.001 and . <= 1.01 * $x + 0.001;
    (.forecast_best_h | near($f.bytes * 8000 / 1e9 / ($f.forecast_mbit * 3600 * 0.8))) and
    (.forecast_worst_h | near($f.bytes * 8000 / 1e9 / ($f.forecast_mbit * 3600 * 0.5))) and .forecast_mbit <= .throughput_mbit' \
    --argjson f "$(cat "$OUT")" "$OUT"

# --- SRC DST, as text, by the system's ssh; nothing is made anywhere ---
rm -rf "$WORK/state" "$WORK/run" "$WORK/log" "$WORK/dst"
SET+=(--set target.transport=ssh)
rehost netcheck --bwlimit 8M "$WORK/src" "$T:$WORK/dst"; expect 0 "SRC DST by ssh"
for line in 'network to ssh ' 'round trip +[0-9.]+ ms +(good|fair|poor) ' '[0-9.]+ ms +TCP to the first hop' 'jitter +[0-9.]+ ms +(good|fair|poor)' \
    'loss +[0-9.]+ % +(good|fair|poor).*of [0-9]+ segments sent again' 'throughput +[0-9.]+ Mbit/s.*1 connection' \
    'limit +67.1 Mbit/s +\[transfer\] bandwidth now' 'cpu source +[0-9]+ % +' 'cpu target' 'memory source' \
    'memory target' 'processes +[1-4] +recommended' 'T\[h\] = C\[GB\] x 8000 / \(S\[Mbit/s\] x 3600 x U\)' 'C = .*a part: less' 'U = 0.8 to 0.5' \
    'thresholds +good +fair' '^round trip +below 50 +below 150 ms'; do
    has "text: $line" "$OUT" "^ *$line|$line"
done
for d in state run log dst; do refute "no $d is made" test -e "$WORK/$d"; done
rehost -q netcheck --bwlimit 8M "$T:$WORK/dst"; expect 0 "DST alone, quiet"; empty "says nothing" "$OUT"; empty "nothing at all" "$ERR"
no_leftovers "netcheck"

# --- failures ---
for t in libssh2 ssh; do
    SET=(--set "target.identity=$KEY" --set "target.known_hosts=$KNOWN" --set "target.transport=$t")
    rehost netcheck / "$ME@127.0.0.1:1:$WORK/dst"; expect 69 "$t: nobody listens"; has "$t: says so" "$ERR" 'error: \[RH06..\].*refused'
    rehost netcheck / "$ME@no-such-host.invalid:$WORK/dst"; expect 69 "$t: no such host"
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/other-$t"; SET[1]=target.identity=$WORK/other-$t
    rehost --json netcheck / "$T:$WORK/dst"; expect 77 "$t: a key that is not let in"
    equal "$t: the last line is exit_error" "$(jq -r '"\(.message_type) \(.command) \(.exit_code)"' "$OUT" | tail -1)" "exit_error netcheck 77"
done
use_ssh
rehost netcheck / "$T:$WORK/dst" x; expect 64 "three arguments"
rehost netcheck "$WORK/src"; expect 64 "a source alone"
rehost netcheck --delete / "$T:$WORK/dst"; expect 64 "an option of sync"
rehost -c /dev/null netcheck; expect 78 "no target is configured"
no_leftovers "failures"
finish
