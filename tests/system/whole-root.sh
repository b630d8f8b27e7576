#!/bin/bash
# The whole root file system of this machine into a directory that is excluded, and verified: only on demand, it needs as much free space.
. "$(dirname "$0")/lib.sh"
need_root
[ -n "${REHOST_TEST_HUGE:-}" ] || skip "only with REHOST_TEST_HUGE=1"
BIG=$(mktemp -d "${REHOST_TEST_DIR:-/var}/rehost-whole.XXXXXX") || exit 99
trap '"$PY" "$HERE/hostile_tree.py" clear-flags "$BIG"; rm -rf --one-file-system "$BIG"; cleanup' EXIT
start_sshd
printf '[job]\nname = whole\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = /\nmounts = /\n[rules]\nexclude = %s\n' "$PORT" "$BIG/dst" "$KEY" "$KNOWN" "$BIG" >"$WORK/job.conf"
SET=()
LIMIT=10000 rehost -c "$WORK/job.conf" run; check "run of the whole root (exit $RC)" test "$RC" = 0 -o "$RC" = 3; tail -3 "$OUT" | note; echo "# $TOOK s"
refute "not into itself" test -e "$BIG/dst$BIG/dst"
LIMIT=10000 rehost -c "$WORK/job.conf" --json verify --mode crc64; check "verify finds only what changed (exit $RC)" test "$RC" = 0; echo "# $TOOK s"
equal "kinds" "$(jq -r 'select(.message_type=="difference") | .kind' "$OUT" | sort | uniq -c | awk '{print $2}' | grep -v '^changed$')" ""
jq -c 'select(.message_type=="difference")' "$OUT" | head -20 | note
LIMIT=10000 rehost -c "$WORK/job.conf" --json sync; expect 0 "a sync"; echo "# $TOOK s, $(field files_examined) examined, $(field files_transferred) transferred"
finish
