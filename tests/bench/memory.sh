#!/bin/bash
# The peak resident memory of each rehost process for a tree of a million small files: a copy, an idle sync, a verify. FILES, SIZE.
MEM=${MEM:-20G}
. "$(dirname "$0")/bench-lib.sh"
FILES=${FILES:-1000000}
tree many "$B/src" $((FILES / 500)) 500 "${SIZE:-100}"
# Besides: one directory of many entries, and many hard links, both of which invite to be kept in memory.
"$PY" - "$B/src" "${FLAT:-100000}" <<'P'
import os, sys
top, n = sys.argv[1], int(sys.argv[2])
os.mkdir(top + "/flat"); os.mkdir(top + "/links")
for i in range(n):
    open("%s/flat/%07d-a-name-of-some-length" % (top, i), "w").close()
    if i % 2 == 0: os.link("%s/flat/%07d-a-name-of-some-length" % (top, i), "%s/links/%07d" % (top, i))
P
echo "# $(find "$B/src" | wc -l) entries"
peak() { # peak WHAT ARGS...
    local what=$1; shift
    start_rehost "$@"
    "$PY" - "$BG" >"$WORK/peaks" <<'P' &
import os, sys, time
# VmHWM only grows, so the last value read of a process is nearly its peak.
seen = {}
main = int(sys.argv[1])
while os.path.exists("/proc/%d/status" % main):
    for p in os.listdir("/proc"):
        if not p.isdigit(): continue
        try:
            exe = os.path.basename(os.readlink("/proc/%s/exe" % p))
            if not exe.startswith("rehost"): continue
            with open("/proc/%s/status" % p) as f:
                s = dict(l.split(":", 1) for l in f)
            with open("/proc/%s/cmdline" % p, "rb") as f:
                args = f.read().split(b"\0")
            if "VmHWM" in s:
                name = exe + (" (coordinator)" if int(p) == main else "")
                seen[p] = (int(s["VmHWM"].split()[0]), name + " " + " ".join(a.decode(errors="replace") for a in args[:2])[-40:])
        except (OSError, ValueError): pass
    if open("/proc/%d/status" % main).read().find("State:\tZ") >= 0: break
    time.sleep(0.05)
for p, (kib, name) in sorted(seen.items(), key=lambda x: -x[1][0]):
    print("%8.1f MiB  %s %s" % (kib / 1024, p, name))
P
    local sampler=$!
    wait_rehost 3000; wait $sampler 2>/dev/null
    echo "$what: exit $RC, $TOOK s"; sed 's/^/    /' "$WORK/peaks"
}
peak copy -q copy "$B/src" "$T:$B/dst"
peak "idle sync" -q sync --delete "$B/src" "$T:$B/dst"
peak "verify quick" -q verify --mode quick "$B/src" "$T:$B/dst"
peak "verify crc64" -q verify --mode crc64 "$B/src" "$T:$B/dst"
