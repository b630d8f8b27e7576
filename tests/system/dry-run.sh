#!/bin/bash
# -n writes nothing anywhere and lists exactly what a real run then does.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
tree make "$SRC" --entries 300 --big 2000000 >/dev/null
# Which name of a file with several links is transferred and which become its links is a matter of who comes first.
items() {
    jq -c 'select(.message_type=="item") | [(.path_b64 // ""), .path, .op, .type, .bytes]' "$OUT" | "$PY" -c '
import base64, json, os, sys
for line in sys.stdin:
    b64, path, op, kind, size = json.loads(line)
    name = os.path.join(os.fsencode(sys.argv[1]), base64.b64decode(b64) if b64 else path.encode())
    try:
        st = os.lstat(name)
        if st.st_nlink > 1 and kind != "directory" and op != "delete": op, size = "linked", 0
    except OSError: pass
    print(json.dumps([path, op, kind, size]))' "$SRC" | LC_ALL=C sort
}
state() { find "$REHOST_STATE_DIR" "$REHOST_RUN_DIR" "$REHOST_LOG_DIR" 2>/dev/null | LC_ALL=C sort; }

rehost --json -n copy "$SRC" "$T:$DST"
expect 0 "-n copy to nothing"
refute "made no target" test -e "$DST"
equal "made no state" "$(state)" ""
items >"$WORK/predicted"
no_leftovers "-n"
rehost --json copy "$SRC" "$T:$DST"
items >"$WORK/done"
check "a full copy is predicted exactly" diff -u "$WORK/predicted" "$WORK/done"
above "and it is not an empty list" "$(wc -l <"$WORK/done")" 300

for seed in 21 22; do
    tree mutate "$SRC" --seed $seed --count 40 >/dev/null
    before=$(fingerprint "$DST"); state_before=$(state)
    rehost --json -n sync --delete "$SRC" "$T:$DST"
    expect 0 "-n sync --delete, seed $seed"
    equal "nothing written at the target" "$(fingerprint "$DST")" "$before"
    equal "nothing written as state" "$(state)" "$state_before"
    items >"$WORK/predicted"
    rehost --json sync --delete "$SRC" "$T:$DST"
    expect 0 "the real sync"
    items >"$WORK/done"
    check "the sync is predicted exactly, seed $seed" diff -u "$WORK/predicted" "$WORK/done"
    above "and it is not an empty list" "$(wc -l <"$WORK/done")" 40
    same "identical" "$SRC" "$DST"
done
# Files of its own: what the mutations leave of the tree's is chance.
mkdir "$SRC/dry-run.own"; for f in text empty kept; do echo "$f" >"$SRC/dry-run.own/$f"; done
rehost sync --delete "$SRC" "$T:$DST"; expect 0 "a sync of further files"
rehost --json -n sync --delete "$SRC" "$T:$DST"
equal "after it nothing is left to do" "$(items)" ""
# -n before and after the command, and without --json: a line a change, like -i.
echo changed >"$SRC/dry-run.own/text"; rm "$SRC/dry-run.own/empty"
rehost -n sync --delete "$SRC" "$T:$DST"; expect 0 "-n before the command"
has "lists the update" "$OUT" 'dry-run.own/text'; has "lists the deletion" "$OUT" 'dry-run.own/empty'
rehost sync "$SRC" "$T:$DST" --delete --dry-run; expect 0 "--dry-run after the command"
has "lists the update" "$OUT" 'dry-run.own/text'
check "nothing was written" test -e "$DST/dry-run.own/empty"
rehost sync -i --delete "$SRC" "$T:$DST"; expect 0 "-i"
has "-i lists the update" "$OUT" 'dry-run.own/text'; has "-i lists the deletion" "$OUT" 'dry-run.own/empty'
hasnt "-i lists nothing else" "$OUT" 'dry-run.own/kept'
rehost -i sync --delete "$SRC" "$T:$DST"; hasnt "-i of an idle sync lists nothing" "$OUT" 'dry-run.own'
# A configured job.
printf '[target]\naddress = %s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "127.0.0.1:$PORT" "$WORK/jobdst" "$KEY" "$KNOWN" "$SRC" >"$WORK/job.conf"
SET=(); before=$(state)
rehost -c "$WORK/job.conf" -n copy; expect 0 "-n of a configured job"
refute "made no target" test -e "$WORK/jobdst"
equal "made no state" "$(state)" "$before"
finish
