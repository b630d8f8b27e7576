#!/bin/bash
# Two hosts as network namespaces: a link with limited bandwidth, and one with delay. Latency must not multiply by the number of files.
. "$(dirname "$0")/lib.sh"
need_root
unshare --net true 2>/dev/null || skip "no network namespaces"
S=rhs$$ D=rhd$$
NETNS=("$S" "$D")
ip netns add $S && ip netns add $D && ip link add veth0 netns $S type veth peer name veth0 netns $D || skip "no network namespaces"
for n in $S $D; do ip -n $n link set lo up; ip -n $n link set veth0 up; done
ip -n $S addr add 192.0.2.1/24 dev veth0; ip -n $D addr add 192.0.2.2/24 dev veth0
SSHD_PREFIX="ip netns exec $D" LISTEN=192.0.2.2 start_sshd
AS=(ip netns exec "$S"); T=root@192.0.2.2:$PORT
mkdir "$WORK/one"; echo x >"$WORK/one/x"
rehost copy "$WORK/one" "$T:$WORK/one-dst"; expect 0 "copy between two namespaces"; same "identical" "$WORK/one" "$WORK/one-dst"

# --- bandwidth ---
shape() { ip netns exec $S tc qdisc replace dev veth0 root tbf rate "$1" burst 64k latency 200ms && ip netns exec $D tc qdisc replace dev veth0 root tbf rate "$1" burst 64k latency 200ms; }
mkdir "$WORK/bulk"; for i in 1 2 3 4 5; do tree random "$WORK/bulk/$i" 4000000 --seed $i; done
if shape 40mbit 2>/dev/null; then
    rehost copy "$WORK/bulk" "$T:$WORK/bulk-dst"; expect 0 "20 MB through 40 Mbit/s"
    above "it cannot be faster" "$TOOK" 3.6; below "the link is used" "$TOOK" 7
    same "identical" "$WORK/bulk" "$WORK/bulk-dst"
    # What compresses goes faster than the link.
    mkdir "$WORK/text"; yes "the same line of a log file, again and again" | head -c 20000000 >"$WORK/text/log"
    rehost copy "$WORK/text" "$T:$WORK/text-dst"; expect 0 "20 MB of text"; below "compression pays on a slow link" "$TOOK" 3
    tree scatter "$WORK/bulk/1" 10 4096
    rehost sync "$WORK/bulk" "$T:$WORK/bulk-dst"; expect 0 "a delta"; below "a delta needs little of the link" "$TOOK" 3
    same "identical" "$WORK/bulk" "$WORK/bulk-dst"
    ip netns exec $S tc qdisc del dev veth0 root; ip netns exec $D tc qdisc del dev veth0 root
else skip_part tbf "the kernel has no tbf"; fi

# --- delay: 100 ms there and 100 ms back, through a relay ---
ip netns exec $S "$PY" "$HERE/relay.py" 0 192.0.2.2 "$PORT" --delay 0.1 --port-file "$WORK/relay-port" & relay=$!
until_true 5 test -s "$WORK/relay-port"; R=$(cat "$WORK/relay-port")
printf '[127.0.0.1]:%s %s\n' "$R" "$(cut -d' ' -f1,2 "$WORK/ssh/host_key.pub")" >>"$KNOWN"
T=root@127.0.0.1:$R
tree many "$WORK/few" 2 50 2000; tree many "$WORK/lots" 60 50 2000; mkdir "$WORK/flat"; tree many "$WORK/flat" 1 3000 2000
tree make "$WORK/h" --entries 300 --big 1000000 >/dev/null
for t in ssh libssh2; do
    SET=(--set "target.identity=$KEY" --set "target.known_hosts=$KNOWN" --set "target.transport=$t")
    rehost copy "$WORK/one" "$T:$WORK/l-one-$t"; expect 0 "$t: one file at 200 ms"; base=$TOOK
    rehost copy "$WORK/few" "$T:$WORK/l-few-$t"; expect 0 "$t: 100 files"; few=$TOOK
    rehost copy "$WORK/lots" "$T:$WORK/l-lots-$t"; expect 0 "$t: 3000 files"; lots=$TOOK
    echo "# $t at 200 ms: one file $base s, 100 files $few s, 3000 files $lots s"
    # A round trip a file would be 600 s, a round trip a directory 12 s.
    below "$t: latency does not multiply by files" "$(awk -v a="$lots" -v b="$base" 'BEGIN{print a-b}')" 8
    same "$t: identical" "$WORK/lots" "$WORK/l-lots-$t"
    rehost --json sync --delete "$WORK/lots" "$T:$WORK/l-lots-$t"; expect 0 "$t: idle sync"; below "$t: nor in an idle sync" "$(awk -v a="$TOOK" -v b="$base" 'BEGIN{print a-b}')" 6
    rehost copy "$WORK/flat" "$T:$WORK/l-flat-$t"; expect 0 "$t: 3000 files in one directory"; below "$t: nor there" "$(awk -v a="$TOOK" -v b="$base" 'BEGIN{print a-b}')" 8
    find "$WORK/lots" -name 'f000*3' -exec sh -c 'for f; do echo changed >>"$f"; done' - {} +; find "$WORK/lots" -name 'f000*4' -delete
    rehost sync --delete "$WORK/lots" "$T:$WORK/l-lots-$t"; expect 0 "$t: 300 changes in as many places"; below "$t: nor with changes" "$(awk -v a="$TOOK" -v b="$base" 'BEGIN{print a-b}')" 10
    same "$t: identical" "$WORK/lots" "$WORK/l-lots-$t"
    rehost verify --mode crc64 "$WORK/lots" "$T:$WORK/l-lots-$t"; expect 0 "$t: verify"; below "$t: nor in verify" "$(awk -v a="$TOOK" -v b="$base" 'BEGIN{print a-b}')" 8
    rehost copy "$WORK/h" "$T:$WORK/l-h-$t"; expect 0 "$t: the hostile tree"; same "$t: hostile: identical" "$WORK/h" "$WORK/l-h-$t"
    # A new directory is entered when the target has made it: a round trip a level, 20 s here, but never one for each directory of a level.
    rm -rf "$WORK/chain"; mkdir "$WORK/chain"; (cd "$WORK/chain" && for i in $(seq 100); do mkdir n a b c; cd n || exit; done; echo end >end)
    rehost copy "$WORK/chain" "$T:$WORK/l-chain-$t"; expect 0 "$t: a chain of 100 directories"; below "$t: one round trip a level" "$(awk -v a="$TOOK" -v b="$base" 'BEGIN{print a-b}')" 28
    rehost copy "$WORK/bulk" "$T:$WORK/l-bulk-$t"; expect 0 "$t: 20 MB at 200 ms"; echo "# $t: 20 MB at 200 ms: $TOOK s"; below "$t: the window is large enough" "$(awk -v a="$TOOK" -v b="$base" 'BEGIN{print a-b}')" 12
done
kill $relay
finish
