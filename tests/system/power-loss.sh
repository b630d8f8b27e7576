#!/bin/bash
# The target loses its power at any moment, its file system abandoned as it is on the disk; then a plain re-run: identical. First that
# it is the state of an unclean end that does it. power-loss.sh [ROUNDS]: of each file system, default none: then only the target's
# return in the middle of a run, on ext4. SEED.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src MNT=$WORK/disk ROUNDS=${1:-0} SEED=${SEED:-1}
RANDOM=$SEED
mkdir -p "$MNT"

# plug_in TYPE: a file system on $MNT whose device outlives its unmounting, but not this script.
plug_in() {
    local img; img=$(fast_image 700) || return 1
    case $1 in
    ext4) mkfs.ext4 -q -F -m 0 -i 8192 -O ea_inode -E lazy_itable_init=1,lazy_journal_init=1 "$img" ;;
    xfs) mkfs.xfs -q -f "$img" ;;
    esac || return 1
    DEV=$(losetup -f --show "$img") && exec 9<"$DEV" && rm -f "$img" || return 1
    losetup -d "$DEV"       # when the last one closes it
    mount "$DEV" "$MNT"
}
pull_out() { umount "$MNT"; exec 9<&-; }
power_cut() { "$PY" "$HERE/powercut.py" "$MNT" && umount "$MNT"; }
# kill_all: every process of the run on both sides at once, the sessions of the server too.
kill_all() {
    local p victims; victims="$BG $(rehost_processes) $(descendants "$SSHD_PID")"
    for p in $victims; do kill -KILL "$p" 2>/dev/null; done
    wait "$BG" 2>/dev/null
    until_true 8 no_processes || not_ok "processes are left: $(rehost_processes | paste -sd' ')"
}
state() { jq -r "$1" "$REHOST_STATE_DIR/power/state.json"; }
forge() { # forge FILE...: at the target, other contents of the same size and time: what a power failure leaves
    local f; for f in "$@"; do printf X | dd of="$MNT/dst/$f" conv=notrunc bs=1 seek=3 status=none; touch -r "$SRC/$f" "$MNT/dst/$f"; done
}
job() { printf '[job]\nname = power\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n%s\n' "$PORT" "$MNT/dst" "$KEY" "$KNOWN" "$SRC" "$1" >"$WORK/job.conf"; }
SET=()

tree make "$SRC" --entries 400 --big 6000000 >/dev/null
mkdir -p "$SRC/forged/sub"; tree random "$SRC/forged/large" 3000000; echo small >"$SRC/forged/small"
for f in link gone over; do echo $f >"$SRC/forged/${f}1"; ln "$SRC/forged/${f}1" "$SRC/forged/sub/${f}2"; done
FORGED="forged/large forged/small forged/link1 forged/gone1 forged/over1"
plug_in ext4 || skip "no ext4"
job '[transfer]
bandwidth = 100K'
start_rehost -c "$WORK/job.conf" copy; until_true 10 sh -c "ls $MNT/dst | grep -q ."; "$PY" "$HERE/powercut.py" "$MNT"; kill_all; umount "$MNT"; mount "$DEV" "$MNT"
check "the root that a run has made is there after a power failure a moment later" test -d "$MNT/dst"
rm -rf "$REHOST_STATE_DIR" "$MNT/dst"; job ''
rehost -c "$WORK/job.conf" copy; expect 0 "a copy"
equal "after a clean end nothing is suspect" "$(state '.unclean | length')" 0
# shellcheck disable=SC2086
forge $FORGED; aged
rehost -c "$WORK/job.conf" --json sync; expect 0 "a sync"; equal "times are believed after a clean end" "$(number files_transferred)" 0
idle=$(number bytes_sent)
tree random "$SRC/slow" 5000000
start_rehost -c "$WORK/job.conf" --bwlimit 500K sync; until_true 10 sh -c "jq -e '.unclean | length > 0' $REHOST_STATE_DIR/power/state.json"; sleep 0.5
kill_all; rm "$SRC/slow"; equal "an unclean end is noted" "$(state '.unclean | length')" 1
# What is known of one target is kept while the job goes to another.
left=$(state '.unclean[0] | del(.to)'); before=$(cat "$REHOST_STATE_DIR/power/state.json")
mkdir "$MNT/other" && rehost -c "$WORK/job.conf" --set target.root="$MNT/other" verify; expect 4 "a verify of another target"
equal "leaves the state as it is" "$(cat "$REHOST_STATE_DIR/power/state.json")" "$before"
rehost -c "$WORK/job.conf" --set target.root="$MNT/other" run; expect 0 "a run to another target"
same "copies all of it" "$SRC" "$MNT/other"
equal "and keeps that of the first" "$(state '.unclean | length'), $(state '.unclean[0] | del(.to)')" "1, $left"
# shellcheck disable=SC2086
forge $FORGED
rm "$SRC/forged/gone1"; echo new >"$SRC/forged/new"; mv "$SRC/forged/new" "$SRC/forged/over1"
rehost -c "$WORK/job.conf" --json -n sync; expect 0 "a dry run"
for f in ${FORGED%% forged/gone*}; do has "it foretells $f" "$OUT" "\"path\":\"$f\".*\"content\""; done
rehost -c "$WORK/job.conf" --json sync; expect 0 "a plain sync after it"; same "what was written in that time is mended" "$SRC" "$MNT/dst"
equal "and nothing is suspect any more" "$(state '.unclean | length')" 0
aged; rehost -c "$WORK/job.conf" --json sync; below "the next one costs no more than before" "$(number bytes_sent)" $((idle + idle / 10))
pull_out

now() { date +%s%N; }
until_epoch() { local first; first=$(state '.unclean[-1].from'); until_true 20 sh -c "[ \"\$(jq -r '.unclean[-1].from' $REHOST_STATE_DIR/power/state.json)\" != $first ]"; }
since_6_8() { [ "$(printf '6.8\n%s\n' "$(uname -r)" | sort -V | head -1)" = 6.8 ]; }
for fs in ext4 $([ "$ROUNDS" -gt 0 ] && echo xfs); do
    [ $fs = xfs ] && ! command -v mkfs.xfs >/dev/null && { skip_part xfs "no mkfs.xfs"; continue; }
    plug_in $fs || { skip_part $fs "no $fs"; continue; }
    # xfs fills short holes of a file that is being extended.
    LOOSE=; [ $fs = xfs ] && LOOSE="--ignore holes"
    # A source of the same kind, so that the target can hold what it holds.
    SRC=$WORK/src-$fs/tree; make_fs $fs 700 "$WORK/src-$fs"; rm -rf "$REHOST_STATE_DIR"
    job ''; if [ "$ROUNDS" = 0 ]; then tree many "$SRC" 5 20 3000 >/dev/null; else tree make "$SRC" --entries 800 --big 12000000 >/dev/null; fi
    tree random "$SRC/large" 70000000; tree random "$SRC/other" 20000000
    for ((i = 1; i <= ROUNDS; i++)); do
        # Updates in place are what a power failure leaves at the right size; the rate makes it last longer than an epoch.
        job "[transfer]
update = inplace
bandwidth = $((RANDOM % 2 ? 6 : 25))M"
        command=sync; [ $i = 1 ] && command=copy
        start_rehost -c "$WORK/job.conf" --processes $((RANDOM % 3 + 1)) $command
        sleep "$(awk -v r=$RANDOM 'BEGIN{print 0.5 + r / 32768 * 7}')"
        t=$(now); kill_all; power_cut || { not_ok "$fs: the power is cut"; break; }
        mount "$DEV" "$MNT" || { not_ok "$fs: it can be mounted"; break; }
        suspect=$(state '.unclean[-1].from // empty'); suspect=${suspect:-$t}
        LIMIT=300 rehost -c "$WORK/job.conf" --set transfer.bandwidth=off $command; expect 0 "$fs, round $i: $command after a power failure ($(((t - suspect) / 100000000)) tenths of a second suspect)"
        [ $command = copy ] || same "$fs, round $i: identical" "$SRC" "$MNT/dst" $LOOSE
        rehost -c "$WORK/job.conf" sync; expect 0 "$fs, round $i: and a sync"; same "$fs, round $i: identical" "$SRC" "$MNT/dst" $LOOSE
        rehost -c "$WORK/job.conf" verify --mode crc64; expect 0 "$fs, round $i: verify says so"
        equal "$fs, round $i: no temporary file" "$(find "$MNT/dst" -name '.rehost*' ! -name .rehost | head -3)" ""
        tree mutate "$SRC" --seed $((SEED * 100 + i)) --count 25 >/dev/null; tree scatter "$SRC/large" 600 4096 --seed $i; tree scatter "$SRC/other" 200 4096 --seed $i
    done
    no_leftovers "$fs"

    # The target is started anew while the job waits for it: what was acknowledged and is gone is done again.
    [ "$ROUNDS" = 0 ] && { rehost -c "$WORK/job.conf" copy; expect 0 "$fs: a copy"; tree scatter "$SRC/large" 600 4096; }
    tree random "$SRC/other" 40000000 --seed 9
    job "[transfer]
update = inplace
bandwidth = 3M"
    start_rehost -c "$WORK/job.conf" -v sync; sleep 1; check "$fs: the receivers tell how far it is durable" until_epoch
    sleep "$(awk -v r=$RANDOM 'BEGIN{print r / 32768}')"
    for p in "$SSHD_PID" $(descendants "$SSHD_PID") $(for p in $(rehost_processes); do case $(readlink "/proc/$p/exe") in *receiver*) echo "$p" ;; esac; done); do kill -KILL "$p" 2>/dev/null; done
    power_cut
    /usr/sbin/sshd -D -e -f "$WORK/ssh/sshd_$PORT" >>"$SSHD_LOG" 2>&1 & SSHD_PID=$!; SSHD_PIDS+=("$SSHD_PID")
    sleep 2; equal "$fs: nothing is written where its file system is missing" "$(ls -A "$MNT")" ""; mount "$DEV" "$MNT"
    wait_rehost 120; expect 0 "$fs: the target is back in the middle of a run"
    since_6_8 && has "$fs: that was noticed" "$ERR" 'the walk begins again'      # before, a kernel does not tell that it is another mount
    same "$fs: identical" "$SRC" "$MNT/dst" $LOOSE
    rehost -c "$WORK/job.conf" verify --mode crc64; expect 0 "$fs: verify says so"
    no_leftovers "$fs: restart"
    pull_out
done
finish
