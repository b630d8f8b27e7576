#!/bin/bash
# --json: one object a line, the fields of the contract, true numbers.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
tree make "$SRC" --entries 200 --big 2000000 >/dev/null
valid() { # valid WHAT: every line of the last run is an object with a known message_type, the last one the summary or the error
    local what=$1
    if "$PY" - "$OUT" >"$WORK/check.out" 2>&1 <<'P'
import json, sys, base64
known = {"status", "item", "difference", "warning", "error", "summary", "exit_error"}
lines = open(sys.argv[1], "rb").read().split(b"\n")
assert lines[-1] == b"", "the last line has no end"
assert len(lines) > 1, "nothing was printed"
for n, line in enumerate(lines[:-1]):
    o = json.loads(line.decode("utf-8"))
    assert isinstance(o, dict) and o.get("message_type") in known, line[:200]
    assert (o["message_type"] in ("summary", "exit_error")) == (n == len(lines) - 2), "summary or exit_error exactly once and last: line %d" % n
    def walk(v):
        if isinstance(v, dict):
            for x in v.values(): walk(x)
        elif isinstance(v, list):
            for x in v: walk(x)
        elif isinstance(v, int) and not isinstance(v, bool):
            assert abs(v) <= 2**53, "an integer beyond 2^53: %d" % v
    walk(o)
    if "path_b64" in o:
        base64.b64decode(o["path_b64"], validate=True)
        assert "path" in o
    if "path" in o and isinstance(o["path"], str):
        assert not o["path"].startswith("/"), o["path"][:100]
    assert b"\r" not in line
P
    then ok "$what: valid lines"; else not_ok "$what: valid lines"; note <"$WORK/check.out"; fi
}
FIELDS='command exit_code duration_s files_examined files_transferred files_deleted files_vanished files_failed bytes_total bytes_literal bytes_matched bytes_sent bytes_received bytes_helper'
fields() { local f m=""; for f in $FIELDS; do [ "$(field "$f")" = null ] && m="$m $f"; done; equal "$1: summary holds every field" "$m" ""; }

rehost --json copy "$SRC" "$T:$DST"; expect 0 "copy --json"
valid copy; fields copy
equal "command" "$(field command)" copy
equal "exit_code" "$(field exit_code)" 0
equal "files_examined counts every entry of every type" "$(field files_examined)" "$(find "$SRC" -printf x 2>/dev/null | wc -c)"
above "bytes_helper or nothing uploaded" "$(field bytes_helper)" -1
"$PY" - "$SRC" "$OUT" >"$WORK/check.out" 2>&1 <<'P' && ok "each created entry is an item, exactly once, with the bytes of its name" || { not_ok "each created entry is an item, exactly once, with the bytes of its name"; note <"$WORK/check.out"; }
import base64, json, os, sys
want = set()
def walk(fd, prefix):
    for n in os.listdir(fd):
        n = os.fsencode(n); p = prefix + n
        want.add(p)
        st = os.stat(n, dir_fd=fd, follow_symlinks=False)
        if (st.st_mode & 0o170000) == 0o040000:
            sub = os.open(n, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd); walk(sub, p + b"/"); os.close(sub)
sys.setrecursionlimit(5000)
walk(os.open(os.fsencode(sys.argv[1]), os.O_RDONLY), b"")
got, twice = set(), []
for line in open(sys.argv[2], "rb"):
    o = json.loads(line)
    if o["message_type"] != "item": continue
    assert o["op"] in ("create", "link", "metadata"), o
    p = base64.b64decode(o["path_b64"]) if "path_b64" in o else o["path"].encode()
    if o["op"] != "metadata" and p in got: twice.append(p)
    got.add(p)
got.discard(b".")
print("missing", sorted(want - got)[:5], "extra", sorted(got - want)[:5], "twice", twice[:5])
sys.exit(bool(want - got or got - want or twice))
P
rehost --json sync --delete "$SRC" "$T:$DST"; valid "idle sync"; fields "idle sync"
equal "idle: command" "$(field command)" sync
tree mutate "$SRC" --seed 5 --count 30 >/dev/null
rehost --json sync --delete "$SRC" "$T:$DST"; valid "sync"; fields sync
above "files_deleted" "$(field files_deleted)" 0
rehost --json verify "$SRC" "$T:$DST" --mode crc64; expect 0 "verify --json"; valid verify
equal "differences" "$(field differences)" 0
above "bytes_hashed" "$(field bytes_hashed)" 1000000
equal "verify examines every entry" "$(field files_examined)" "$(find "$SRC" -printf x 2>/dev/null | wc -c)"

# Numbers that can be known: one large file that changes by one block.
rm -rf "$WORK/n"; mkdir "$WORK/n"; tree random "$WORK/n/file" 8000000
rehost --json --set transfer.compression=off copy "$WORK/n" "$T:$WORK/nd"; valid "one file"
equal "bytes_total" "$(field bytes_total)" 8000000
equal "bytes_literal of a new file" "$(field bytes_literal)" 8000000
above "bytes_sent" "$(field bytes_sent)" 7999999
below "bytes_sent" "$(field bytes_sent)" 8400000
equal "files_transferred" "$(field files_transferred)" 1
tree scatter "$WORK/n/file" 1 4096
rehost --json sync "$WORK/n" "$T:$WORK/nd"; valid "its delta"
equal "literal and matched make the whole" "$(($(number bytes_literal) + $(number bytes_matched)))" 8000000
below "bytes_literal of a delta" "$(field bytes_literal)" 400000
below "bytes_sent of a delta" "$(field bytes_sent)" 800000
same "identical" "$WORK/n" "$WORK/nd"

# A failure ends with a summary or an exit_error that carries the code.
rehost --json copy "$WORK/no-such" "$T:$WORK/x"; expect_failure "a failure"; valid "a failure"
equal "exit_error carries the code" "$(tail -1 "$OUT" | jq -r .exit_code)" "$RC"
rehost --json copy "$SRC" "127.0.0.1:1:$WORK/x"; expect 69 "unreachable"; valid "unreachable"
equal "unreachable: exit_error carries the code" "$(tail -1 "$OUT" | jq -r .exit_code)" 69
finish
