#!/bin/bash
# Copying, syncing and verifying leave no trace at the source: access times, change times, contents.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
check "a file system that records each access" make_fs ext4 600 "$WORK/fs" strictatime
SRC=$WORK/fs/src
tree make "$SRC" --entries 300 --big 2000000 >/dev/null
# By names collected beforehand, as listing a directory is an access itself. What is deeper than a path can be is beyond stat(1).
find "$SRC" -print0 2>/dev/null | awk -v RS='\0' -v ORS='\0' 'length($0) < 4000' >"$WORK/names"
times() { xargs -0 stat -c '%n %.9X %.9Z %.9Y %i' <"$WORK/names" 2>/dev/null | sha256sum; xargs -0 stat -c '%.9X %.9Z' <"$WORK/names" >"$WORK/times.$1" 2>/dev/null; }
times before >"$WORK/before"
same_times() { times after >"$WORK/after"; check "$1" diff "$WORK/before" "$WORK/after" || diff "$WORK/times.before" "$WORK/times.after" | head -4 | note; times before >"$WORK/before"; }
cat "$SRC/contents/text" >/dev/null; times x >"$WORK/x"; refute "the test can see an access" diff -q "$WORK/before" "$WORK/x"; times before >"$WORK/before"
rehost copy "$SRC" "$T:$WORK/dst"; expect 0 "copy"; same_times "copy leaves no trace"
rehost verify --mode crc64 "$SRC" "$T:$WORK/dst"; expect 0 "verify"; same_times "verify leaves no trace"
rehost verify --mode quick "$SRC" "$T:$WORK/dst"; expect 0 "verify quick"; same_times "verify quick leaves no trace"
rehost sync --delete "$SRC" "$T:$WORK/dst"; expect 0 "idle sync"; same_times "an idle sync leaves no trace"
"$PY" "$HERE/hostile_tree.py" mutate "$WORK/dst" --seed 8 --count 40 --ops append,truncate,mode,mtime,rename,delete,create,xattr,break-link >/dev/null
rehost sync --delete "$SRC" "$T:$WORK/dst"; expect 0 "sync"; same_times "a sync leaves no trace"
rehost sync --delete --checksum "$SRC" "$T:$WORK/dst"; expect 0 "sync --checksum"; same_times "a sync by checksum leaves no trace"
rehost copy "$SRC" "local:$WORK/dst-local"; expect 0 "local copy"; same_times "a local copy leaves no trace"
printf '[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$PORT" "$WORK/dst-job" "$KEY" "$KNOWN" "$SRC" >"$WORK/job.conf"
SET=(); rehost -c "$WORK/job.conf" run; expect 0 "run"; same_times "run leaves no trace"
# A source that is read-only is as good as another.
mount -o remount,ro "$WORK/fs"; use_ssh
rehost copy "$SRC" "$T:$WORK/dst-ro"; expect 0 "a read-only source"; same "identical" "$SRC" "$WORK/dst-ro"
equal "no mount of the clones is left" "$(grep -c "$WORK/fs" /proc/self/mountinfo)" 1
check "the source can be unmounted" umount "$WORK/fs"
finish
