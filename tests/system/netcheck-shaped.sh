#!/bin/bash
# netcheck against links whose properties are known: its figures must be true within 10 %. tbf limits the rate, a relay adds delay.
. "$(dirname "$0")/lib.sh"
need_root
unshare --net true 2>/dev/null || skip "no network namespaces"
S=rnc$$ D=rnd$$
NETNS=("$S" "$D")
ip netns add $S && ip netns add $D && ip link add veth0 netns $S type veth peer name veth0 netns $D || skip "no network namespaces"
for n in $S $D; do ip -n $n link set lo up; ip -n $n link set veth0 up; done
ip -n $S addr add 192.0.2.1/24 dev veth0; ip -n $D addr add 192.0.2.2/24 dev veth0
SSHD_PREFIX="ip netns exec $D" LISTEN=192.0.2.2 start_sshd
AS=(ip netns exec "$S")
IDENTITY=("${SET[@]}")
# near WHAT GOT WANTED: within 10 %.
near() { if awk -v a="$2" -v b="$3" 'BEGIN{exit !(a ~ /^[0-9.]+$/ && a >= 0.9 * b && a <= 1.1 * b)}'; then ok "$1 ($2, $3 wanted)"; else not_ok "$1: $2, not within 10 % of $3"; return 1; fi; }
shape() { ip netns exec $S tc qdisc replace dev veth0 root tbf rate "$1" burst "$2" limit "$3"; }
# tcp_out: segments sent and sent again by the source host, as its kernel counts them.
tcp_out() { ip netns exec $S awk '/^Tcp:/ && $2 ~ /[0-9]/ {print $12, $13}' /proc/net/snmp; }

# --- rate ---
shape 20mbit 32k 200k 2>/dev/null || skip "the kernel has no tbf"
for t in libssh2 ssh; do
    SET=("${IDENTITY[@]}" --set "target.transport=$t"); T=root@192.0.2.2:$PORT
    for rate in 20 100; do
        shape ${rate}mbit 64k 400k
        rehost --json netcheck / "$T:$WORK/dst"; expect 0 "$t: $rate Mbit/s"; below "$t: in less than a minute" "$TOOK" 60
        near "$t: throughput of $rate Mbit/s" "$(field throughput_mbit)" $rate
        equal "$t: more connections do not pay" "$(field processes_network)" 1
        near "$t: the forecast is the formula" "$(field forecast_worst_h)" "$(jq -r '.bytes * 8000 / 1e9 / (.forecast_mbit * 3600 * 0.5)' "$OUT")"
        equal "$t: seen up to the target" "$(field relayed)" false
    done
done

# --- a slow line: what arrives comes in whole packets of SSH, far apart ---
shape 2mbit 16k 200k
SET=("${IDENTITY[@]}"); rehost --json netcheck / "$T:$WORK/dst"; expect 0 "2 Mbit/s"; below "in less than a minute" "$TOOK" 60
near "throughput of 2 Mbit/s" "$(field throughput_mbit)" 2

# --- loss: a queue of few packets drops what does not fit; the kernel's own counters tell how much ---
shape 50mbit 5k 12k
for t in libssh2 ssh; do
    SET=("${IDENTITY[@]}" --set "target.transport=$t")
    read -r out0 again0 < <(tcp_out)
    rehost --json netcheck / "$T:$WORK/dst"; expect 0 "$t: a line that loses"
    read -r out1 again1 < <(tcp_out)
    echo "# $t: $(field retransmitted) of $(field segments) segments sent again: $(field loss_percent) %, $(field loss_rating)"
    above "$t: loss is seen" "$(field loss_percent)" 0.1
    near "$t: as many as the kernel counts" "$(field retransmitted)" $((again1 - again0))
    near "$t: of as many" "$(field segments)" $((out1 - out0 + again1 - again0))
done
ip netns exec $S tc qdisc del dev veth0 root

# --- delay: 40 ms each way, through a relay; then with 30 ms of jitter ---
start_relay() {
    rm -f "$WORK/relay-port"
    ip netns exec $S "$PY" "$HERE/relay.py" 0 192.0.2.2 "$PORT" "$@" --port-file "$WORK/relay-port" & RELAY=$!
    until_true 5 test -s "$WORK/relay-port"; R=$(cat "$WORK/relay-port")
    printf '[127.0.0.1]:%s %s\n' "$R" "$(cut -d' ' -f1,2 "$WORK/ssh/host_key.pub")" >>"$KNOWN"
    T=root@127.0.0.1:$R
}
start_relay --delay 0.04
for t in libssh2 ssh; do
    SET=("${IDENTITY[@]}" --set "target.transport=$t")
    rehost --json netcheck / "$T:$WORK/dst"; expect 0 "$t: 80 ms"; below "$t: in less than a minute" "$TOOK" 60
    near "$t: a round trip of 80 ms" "$(field round_trip_ms)" 80
    below "$t: TCP ends at the relay" "$(field tcp_round_trip_ms)" 20; equal "$t: and that is said" "$(field relayed)" true
    equal "$t: fair" "$(field round_trip_rating)" fair
    below "$t: little jitter" "$(field jitter_ms)" 10
done
kill $RELAY
start_relay --delay 0.03 --jitter 0.03
SET=("${IDENTITY[@]}" --set target.transport=libssh2)
rehost --json netcheck / "$T:$WORK/dst"; expect 0 "jitter of 30 ms"
near "the jitter" "$(field jitter_ms)" 30; near "the round trip" "$(field round_trip_ms)" 75
kill $RELAY

# --- a long line without a limit: what a window holds back, several connections bring; and one that is refused is no failure ---
start_relay --delay 0.1
rehost --json netcheck / "$T:$WORK/dst"; expect 0 "a long line"; above "several connections pay" "$(field processes_network)" 1
echo "# 1, 2, 4 connections: $(field throughput_1_mbit), $(field throughput_2_mbit), $(field throughput_4_mbit) Mbit/s"
near "two bring twice as much" "$(field throughput_2_mbit)" "$(jq '2 * .throughput_1_mbit' "$OUT")"
start_rehost netcheck / "$T:$WORK/dst"; until_true 20 pgrep -f role=probe; sleep 6; mv "$WORK/ssh/authorized_keys" "$WORK/ssh/away"
wait_rehost 60; mv "$WORK/ssh/away" "$WORK/ssh/authorized_keys"
expect 0 "no second connection"; has "and that is said" "$OUT" '1 connection [0-9.]+; a further connection was refused'
kill $RELAY

# --- through somebody else's connection ---
printf 'Host jumped
  HostName 192.0.2.2
  Port %s
  User root
  IdentityFile %s
  UserKnownHostsFile %s
  ProxyCommand %s %s 192.0.2.2 %s
'     "$PORT" "$KEY" "$KNOWN" "$PY" "$WORK/pipe.py" "$PORT" >>"$HOME/.ssh/config"
cat >"$WORK/pipe.py" <<'EOF'
import os, select, socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    for f in select.select([0, s], [], [])[0]:
        data = os.read(0, 65536) if f == 0 else s.recv(65536)
        if not data:
            sys.exit()
        s.sendall(data) if f == 0 else os.write(1, data)
EOF
for t in libssh2 ssh; do
    SET=(--set "target.transport=$t")
    rehost --json netcheck --bwlimit 8M / "jumped:$WORK/dst"; expect 0 "$t: a ProxyCommand"
    equal "$t: TCP is not known" "$(jq -c '[has("tcp_round_trip_ms", "loss_percent", "relayed")]' "$OUT")" '[false,false,false]'
done
SET=("${IDENTITY[@]}" --set target.transport=libssh2)

# --- delay and rate at once ---
shape 50mbit 64k 400k
start_relay --delay 0.1
rehost --json netcheck / "$T:$WORK/dst"; expect 0 "50 Mbit/s at 200 ms"; below "in less than a minute" "$TOOK" 60
near "the throughput" "$(field throughput_mbit)" 50; near "the round trip" "$(field round_trip_ms)" 200
kill $RELAY
no_leftovers "in the end"
refute "nothing was made at the target" test -e "$WORK/dst"
finish
