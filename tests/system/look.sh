#!/bin/bash
# What only looks: rules, jobs, log.
. "$(dirname "$0")/lib.sh"
mkdir -p src/www/cache src/deep/er dst
cat >c.conf <<X
[job]
name = looked
[target]
address = local:
root = $WORK/dst
[source]
root = $WORK/src
filesystems = $(stat -f -c %T . | sed 's:ext2/ext3:ext4:'), ext4, xfs, btrfs, tmpfs, overlay
[rules]
exclude = $WORK/src/www/cache
copy_exclude = $WORK/src/first
sync_only = $WORK/src/www, $WORK/src/deep/er
[verify]
mode = off
X

# rules: the three answers, the deciding rule with its line, and the exit code.
rehost -c c.conf rules "$WORK/src/www/cache/x"; expect 0 "rules"
has "an exclude is named with its line" "$OUT" "copy: *left out by exclude = $WORK/src/www/cache \\(c.conf:10\\)"
has "... for the sync too" "$OUT" "sync: *left out by exclude = .*c.conf:10"
has "... and protects" "$OUT" 'delete: *protected at the target'
rehost -c c.conf rules "$WORK/src/www/index"; has "what nothing leaves out" "$OUT" 'copy: *copied$'; has "... is synced by its list" "$OUT" 'sync: *synced by sync_only = .*/www \(c.conf:12\)'
has "... and deleted" "$OUT" 'delete: *deleted at the target when'
rehost -c c.conf rules "$WORK/src/first"; has "a copy_exclude is the copy's" "$OUT" 'copy: *left out by copy_exclude = .*c.conf:11'; has "sync_only leaves out the rest" "$OUT" 'sync: *left out: no path of sync_only holds it'
rehost -c c.conf rules src/deep/; has "a passage, and what it leads to" "$OUT" 'entered only for what lies beneath, by sync_only = .*/deep/er'
rehost -c c.conf rules /etc; has "elsewhere" "$OUT" 'left out: it is not below the source root'
rehost -c c.conf rules --json src/www/cache; equal "JSON" "$(jq -r '[.message_type, .copy, .copy_list, .copy_line, .delete] | @csv' "$OUT")" '"rule",false,"exclude",10,"protected at the target"'
rehost -c c.conf rules; expect 64 "rules without a path"
rehost -c c.conf rules a/../b; expect 64 "rules of a path with '..'"

# What the run does is what rules says.
echo x >src/www/cache/x; echo y >src/www/index; echo z >src/first
rehost -c c.conf copy; expect 0 "copy"
check "the copy left out what rules said" test ! -e dst/www/cache
check "... and first" test ! -e dst/first
check "... and copied the rest" test -e dst/www/index

# log and jobs
rehost -c c.conf log; expect 0 "log"; has "the end of the copy" "$OUT" 'copy ends with exit code 0'
rehost -c c.conf log -n 1; equal "log -n 1" "$(wc -l <"$OUT")" 1
(timeout 20 "$REHOST" -c c.conf log -f -n 0 >followed & echo $! >follower; wait) 2>/dev/null &
sleep 0.5; rehost -c c.conf sync; expect 0 "sync"
for _ in $(seq 50); do grep -q 'sync ends' followed && break; sleep 0.1; done
has "log -f has what was added" followed 'sync ends with exit code'; check "... and that alone" sh -c '! grep -q "copy ends" followed'
kill "$(cat follower)"; wait
rehost --set job.name=nobody log; expect 1 "the log of a job that has none"
rehost jobs; expect 0 "jobs"; has "the job" "$OUT" '^looked$'; has "... its target" "$OUT" "target: *local:$WORK/dst"; has "... its end" "$OUT" 'sync, exit code 0'
rehost jobs --json; equal "jobs as JSON" "$(jq -r 'select(.job == "looked") | [.message_type, .copy_completed, .last_exit_code] | @csv' "$OUT")" '"job",true,0'
rehost jobs --remove ../state; expect 1 "a name that is none"
rehost jobs --remove looked; expect 0 "jobs --remove"
rehost jobs; check "it is forgotten" sh -c "! grep -q looked '$OUT'"
check "what it copied stays" test -e dst/www/index
rehost -c c.conf sync; expect 1 "and belongs to no job: a sync that would delete there"
finish
