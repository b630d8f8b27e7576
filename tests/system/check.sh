#!/bin/bash
# check: what is found is said, with its way out; what fails ends a run before anything is written; nothing is written by it.
FS_MB=256
. "$(dirname "$0")/lib.sh"
need_root

S=$WORK/s D=$WORK/d
mkdir -p "$S/m" "$D"; make_fs ext4-plain 40 "$S/m"; echo data >"$S/f"; dd if=/dev/urandom of="$S/m/big" bs=1M count=20 status=none
conf() { # conf NAME ADDRESS ROOT LINES...
    local name=$1 address=$2 root=$3; shift 3
    printf '%s\n' '[job]' "name = $name" '[target]' "address = $address" "root = $root" '[source]' "root = $S" "$@" >"$WORK/$name.conf"
}
finding() { jq -r --arg id "$1" --arg f "$2" 'select(.message_type=="finding" and .id==$id) | .[$f]' "$OUT"; }
severity() { equal "$1: $2 is $3" "$(finding "$2" severity)" "$3"; }
QUICK=(check --no-network)

# --- a job that is fit ---
conf fit local: "$D"
rehost -c "$WORK/fit.conf" "${QUICK[@]}"; expect 0 "a fit job"
has "both hosts" "$OUT" '^source .*Linux'; has "both hosts" "$OUT" '^target .*Linux'; has "what is copied, with its size" "$OUT" "$S/m +ext4 +2[0-9.]* MiB"
has "room at the target" "$OUT" "$D .* left of"; has "the counts" "$OUT" '^0 failed, [0-9]+ warnings?'
for d in state run log; do refute "no $d is made" test -e "$WORK/$d"; done; empty "nothing is written at the target" <(ls -A "$D")
rehost -q -c "$WORK/fit.conf" "${QUICK[@]}"; expect 0 "-q"; empty "-q: silent" <(cat "$OUT" "$ERR")
rehost --json -c "$WORK/fit.conf" "${QUICK[@]}"; expect 0 "--json"
equal "--json: a finding for each row, inventory first, summary last" "$(jq -r .message_type "$OUT" | uniq | paste -sd' ')" "inventory finding summary"
equal "--json: the counts are those of the findings" "$(jq -r 'select(.message_type=="summary") | .ok' "$OUT")" "$(jq -r 'select(.message_type=="finding" and .severity=="ok") | .id' "$OUT" | wc -l)"
check "--json: what was found has cause and remedy" jq -es 'all(.[] | select(.severity == "fail" or .severity == "warn"); .evidence and .cause and .remedy)' "$OUT"
rehost -v -c "$WORK/fit.conf" "${QUICK[@]}"; has "-v: what is fine too" "$OUT" '^ok +target-space'
for id in $(jq -r 'select(.message_type=="finding") | .id' "$OUT" 2>/dev/null | head -3) target-space; do rehost explain $id; expect 0 "explain $id"; done
rehost explain target-spcae; expect 64 "explain of no check"; has "the one that was meant" "$ERR" "target-space"

# --- what fails ---
conf full local: "$WORK/small"; mkdir "$WORK/small"; make_fs ext4-plain 12 "$WORK/small"
sed -i "s|^root = $S\$|root = $S/m|" "$WORK/full.conf"
rehost --json -c "$WORK/full.conf" "${QUICK[@]}"; expect 1 "a target that is too small"; severity "too small" target-space fail
has "too small: the figures" <(finding target-space evidence) "$WORK/small' has [0-9.]+ MiB left, and 2[0-9.]+ MiB are needed"
rehost -c "$WORK/full.conf" run; expect 1 "run stops"; has "run: the code" "$ERR" '\[RH1310\] the check fails: target-space'; has "run: the finding" "$OUT" '^fail +target-space'
empty "run: nothing is written" <(ls -A "$WORK/small" | grep -v 'lost+found'); refute "run: no copy was begun" grep -q copy_started "$REHOST_STATE_DIR/full/state.json"
rehost -c "$WORK/full.conf" --json run; expect 1 "run --json"; equal "run --json: the finding" "$(finding target-space severity)" fail; equal "run --json: the code" "$(jq -r 'select(.message_type=="exit_error") | .code' "$OUT")" RH1310
conf waived local: "$WORK/small" '[check]' 'ignore = target-space'; sed -i "s|^root = $S\$|root = $S/m|" "$WORK/waived.conf"
rehost --json -c "$WORK/waived.conf" "${QUICK[@]}"; expect 0 "ignored"; equal "ignored: it stays in the report" "$(finding target-space severity) $(finding target-space ignored)" "fail true"
conf off local: "$WORK/small" '[check]' 'before_run = no'; sed -i "s|^root = $S\$|root = $S/m|" "$WORK/off.conf"
rehost -c "$WORK/off.conf" run; expect 3 "before_run = no: the copy finds it out"; rm -rf "${WORK:?}/small/"*
mount -o remount,ro "$WORK/small"; conf ro local: "$WORK/small"; rehost --json -c "$WORK/ro.conf" "${QUICK[@]}"; expect 1 "a read-only target"; severity "read-only" target-ro fail; umount "$WORK/small"

mkdir "$WORK/theirs"; echo theirs >"$WORK/theirs/f"; conf theirs local: "$WORK/theirs"
rehost --json -c "$WORK/theirs.conf" "${QUICK[@]}"; expect 1 "files of others"; severity "files of others" target-not-empty fail; has "the way on" <(finding target-not-empty remedy) '\-\-adopt'
rehost -c "$WORK/theirs.conf" run --adopt; expect 0 "run --adopt"; rehost -c "$WORK/theirs.conf" run; expect 0 "and then it is known"
rehost --json -c "$WORK/theirs.conf" "${QUICK[@]}"; expect 0 "check: it is known"; severity "known" target-not-empty ok

# --- only these; how strict ---
rehost -c "$WORK/full.conf" "${QUICK[@]}" not-root state-dir; expect 0 "only those that are named"; equal "two lines" "$(grep -c '^ok ' "$OUT")" 2
rehost -c "$WORK/full.conf" "${QUICK[@]}" no-such; expect 64 "no such check"
conf strict local: "$D" '[check]' 'threshold = many-files=0, cpu-busy=100' 'ignore = time-sync'
rehost -c "$WORK/strict.conf" "${QUICK[@]}"; expect 0 "a threshold"; has "a threshold: found" "$OUT" '^info +many-files'
conf limits local: "$D" '[limits]' 'memory = 400M' '[check]' 'threshold = memory-low=99999999'
rehost -c "$WORK/limits.conf" "${QUICK[@]}"; expect 0 "a warning does not fail"; rehost -c "$WORK/limits.conf" "${QUICK[@]}" --strict; expect 1 "but with --strict"
conf bad local: "$D" '[check]' 'ignore = target-spcae' 'threshold = not-root=3, target-space=much'
rehost -c "$WORK/bad.conf" "${QUICK[@]}"; expect 78 "what is no check"; equal "all of them are said" "$(grep -c 'bad.conf:' "$ERR")" 2

# --- over SSH ---
start_sshd
conf ssh "$T" "$WORK/ssh-d"; rehost -c "$WORK/ssh.conf" "${QUICK[@]}"; expect 0 "over SSH"; has "the target" "$OUT" '^target .*Linux'
rehost --json -c "$WORK/ssh.conf" check; expect 0 "with the network"; check "with the network: measured" jq -es '.[0].network.mbit > 0' "$OUT"
refute "nothing was made there" test -e "$WORK/ssh-d"
rehost -c "$WORK/ssh.conf" run; expect 0 "run over SSH"; no_leftovers "run over SSH"
conf key "$T" "$WORK/ssh-d"; SET+=(--set target.known_hosts=/dev/null); rehost --json -c "$WORK/key.conf" "${QUICK[@]}"; expect 77 "an unknown host key"; severity "an unknown host key" host-key fail; use_ssh
equal "what needs the target is not judged" "$(finding target-space moot) $(finding target-space severity)" "true unknown"
kill "$SSHD_PID"; wait "$SSHD_PID" 2>/dev/null; rehost --json -c "$WORK/ssh.conf" "${QUICK[@]}"; expect 69 "no server"; severity "no server" target-unreachable fail; severity "no server: this host is judged" state-dir ok
finish
