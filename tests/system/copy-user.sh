#!/bin/bash
# Everything an ordinary user may do: copy, sync and verify own files, locally and over SSH, and say what could not be read.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
as_tester || { not_ok "the ordinary user can run the program"; finish; }
H=$WORK/home/tester
use_ssh
SET=(--set "target.identity=$H/.ssh/key" --set "target.known_hosts=$H/.ssh/known_hosts")
T=tester@127.0.0.1:$PORT
"${AS[@]}" "$PY" "$HERE/hostile_tree.py" make "$H/src" --entries 500 --big 3000000 >"$WORK/left-out"

rehost copy "$H/src" "local:$H/local"
expect 0 "copy by local:"
same "local: identical" "$H/src" "$H/local"
rehost copy "$H/src" "$T:$H/dst"
expect 0 "copy over ssh"
same "ssh: identical" "$H/src" "$H/dst"
rehost verify --mode crc64 "$H/src" "$T:$H/dst"
expect 0 "verify"
for seed in 1 2; do
    "${AS[@]}" "$PY" "$HERE/hostile_tree.py" mutate "$H/src" --seed $seed >/dev/null
    rehost sync --delete "$H/src" "$T:$H/dst"
    expect 0 "sync after changes, seed $seed"
    same "seed $seed: identical" "$H/src" "$H/dst"
done
no_leftovers "as a user"

# What cannot be read is named and counted, the rest goes on, and nothing is deleted where the listing failed.
"${AS[@]}" mkdir -p "$H/s/closed/sub" "$H/s/open"
"${AS[@]}" sh -c "echo 1 >$H/s/closed/kept; echo 2 >$H/s/closed/sub/kept; echo 3 >$H/s/open/file; echo 4 >$H/s/secret; echo 5 >$H/s/open/gone"
rehost sync --delete "$H/s" "$T:$H/d"
expect 0 "sync of a readable tree"
"${AS[@]}" sh -c "echo new >$H/s/open/new; rm $H/s/open/gone; echo longer >>$H/s/secret"
chmod 000 "$H/s/closed" "$H/s/secret"
rehost --json sync --delete "$H/s" "$T:$H/d"
expect 3 "an unreadable directory and file: exit 3"
check "nothing is deleted in the directory that could not be listed" test -e "$H/d/closed/kept"
check "nor beneath it" test -e "$H/d/closed/sub/kept"
check "the rest goes on" test -e "$H/d/open/new"
refute "deletion goes on elsewhere" test -e "$H/d/open/gone"
above "the failures are counted" "$(field files_failed)" 0
has "the file is named" <(cat "$OUT" "$ERR") 'secret'
has "the directory is named" <(cat "$OUT" "$ERR") 'closed'
chmod 755 "$H/s/closed"; chmod 644 "$H/s/secret"
rehost sync --delete "$H/s" "$T:$H/d"
expect 0 "readable again: sync"
same "readable again: identical" "$H/s" "$H/d"

# A directory that its owner may enter and not read. At the source it cannot be listed: named, its siblings go on, nothing of it is deleted.
chmod 0300 "$H/s/closed"; "${AS[@]}" sh -c "echo later >$H/s/open/later; rm $H/s/open/new"
rehost --json sync --delete "$H/s" "$T:$H/d"
expect 3 "a directory of mode 0300"
has "it is named" "$OUT" '"RH0702".*"path":"closed"'
check "nothing of it is deleted" test -e "$H/d/closed/kept" -a -e "$H/d/closed/sub/kept"
check "its siblings go on" test -e "$H/d/open/later" -a ! -e "$H/d/open/new"
chmod 755 "$H/s/closed"
# At the target, where it comes from somebody who can read it, it is finished, entered again, and given its mode back; so is the target root.
R_AS=("${AS[@]}"); AS=(); ssh_keys; SET=(--set "target.identity=$KEY" --set "target.known_hosts=$KNOWN")
"${R_AS[@]}" sh -c "mkdir -p $H/m/shut/sub/deep $H/m/none && cd $H/m && echo 1 >shut/a && echo 2 >shut/sub/b && echo 3 >top && chmod 0300 shut/sub/deep shut/sub && chmod 0100 shut && chmod 0 none"
for mode in 0300 0500 0000; do
    chmod $mode "$H/m"
    for round in new again changed; do
        [ $round != changed ] || { echo "$mode" >>"$H/m/shut/sub/b"; rm -rf "$H/m/shut/a" "$H/m/shut/n"*; "${R_AS[@]}" mkdir -m 700 "$H/m2" && mv "$H/m2" "$H/m/shut/n$mode"; }
        rehost --json sync --delete "$H/m" "$T:$H/m-dst"; expect 0 "mode $mode, $round"
        [ $round != again ] || equal "mode $mode: then idle" "$(field files_transferred) $(field files_deleted)" "0 0"
        same "mode $mode, $round: identical" "$H/m" "$H/m-dst"
    done
done
no_leftovers "closed directories"
AS=("${R_AS[@]}"); SET=(--set "target.identity=$H/.ssh/key" --set "target.known_hosts=$H/.ssh/known_hosts")

# As a user, a target that belongs to another: a plain error, no harm.
mkdir -m 755 "$WORK/roots"
rehost copy "$H/s" "$T:$WORK/roots/dst"
expect_failure "a target without permission"
equal "nothing was made there" "$(ls -A "$WORK/roots")" ""

# sudo on the target: a plain login, owners kept.
if command -v sudo >/dev/null; then
    mkdir -p "$WORK/etc/sudoers.d"
    echo 'tester ALL=(ALL) NOPASSWD: ALL' >"$WORK/etc/sudoers"; echo 'root ALL=(ALL) ALL' >>"$WORK/etc/sudoers"; chmod 440 "$WORK/etc/sudoers"
    mount --bind "$WORK/etc/sudoers" /etc/sudoers
    AS=()
    ssh_keys
    tree make "$WORK/root-src" --entries 100 --big 100000 >/dev/null
    rehost --set target.sudo=yes copy "$WORK/root-src" "$T:$WORK/sudo-dst"
    expect 0 "copy through sudo"
    same "sudo: identical, owners too" "$WORK/root-src" "$WORK/sudo-dst"
    no_leftovers "sudo"
    echo 'root ALL=(ALL) ALL' >"$WORK/etc/sudoers"
    LIMIT=30 rehost --set target.sudo=yes copy "$WORK/root-src" "$T:$WORK/sudo-dst2"
    expect_failure "sudo that is not allowed fails without asking"
else
    skip_part sudo "sudo is not installed"
fi
finish
