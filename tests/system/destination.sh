#!/bin/bash
# The grammar of SRC and DST.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
mkdir -p "$WORK/src/sub"; echo one >"$WORK/src/file"; echo two >"$WORK/src/sub/file"; chmod 2751 "$WORK/src"; setfattr -n user.root -v yes "$WORK/src"
touch -d '2001-02-03 04:05:06.789' "$WORK/src"
S=$WORK/src
H=$HOME
to() { # to WHAT DST WHERE
    rehost copy "$S" "$2"; expect 0 "$1"; same "$1: at the right place" "$S" "$3"
}
to "local: absolute" "local:$WORK/d1" "$WORK/d1"
cd "$WORK" || exit 1
to "local: relative" "local:d2" "$WORK/d2"
to "USER@HOST:PORT:DIR" "root@127.0.0.1:$PORT:$WORK/d3" "$WORK/d3"
to "HOST:PORT:DIR" "127.0.0.1:$PORT:$WORK/d4" "$WORK/d4"
mkdir -p "$H/have"
to "relative, beneath what is there" "127.0.0.1:$PORT:have/d6" "$H/have/d6"
# From here the alias of ssh_config gives port, identity and known hosts.
SET=()
to "an alias of ssh_config" "target:$WORK/d7" "$WORK/d7"
to "an alias, relative" "target:d8" "$H/d8"
to "HOST:22 is the directory 22" "target:22" "$H/22"
to "HOST:DIR with a colon" "target:with:colon" "$H/with:colon"
to "HOST:DIR with spaces and quotes" "target:sp ace'\"\$x" "$H/sp ace'\"\$x"
to "a DIR that begins with a dash" "target:./-dash" "$H/-dash"
to "a trailing slash on DST" "target:$WORK/d9/" "$WORK/d9"
to "an alias with ssh_command" "target:$WORK/d10" "$WORK/d10"
cp "$H/.ssh/config" "$WORK/ssh/other"; sed -i 's/^Host target/Host elsewhere/' "$WORK/ssh/other"
SET=(--set "target.ssh_command=ssh -F $WORK/ssh/other")
to "ssh_command with another configuration" "elsewhere:$WORK/d11" "$WORK/d11"
SET=(--set "target.ssh_command=ssh -F $WORK/ssh/other" --set target.transport=ssh)
to "the same by transport ssh" "elsewhere:$WORK/d12" "$WORK/d12"
use_ssh
SET+=(--set "target.port=$PORT")
to "target.port by --set" "127.0.0.1:$WORK/d13" "$WORK/d13"
use_ssh
S=$WORK/src/ to "a trailing slash on SRC means the same" "local:$WORK/d14" "$WORK/d14"
S=src to "a relative SRC" "local:$WORK/d15" "$WORK/d15"
ln -s "$WORK/d16real" "$WORK/d16link"; mkdir "$WORK/d16real"
S=$WORK/src to "a DST that is a symlink to a directory" "local:$WORK/d16link/." "$WORK/d16real"
S=$WORK/src

rehost copy "$S" "$T:$WORK/no/such/parent"
if [ "$RC" = 0 ]; then not_ok "only DST's last component is created"; else ok "only DST's last component is created (exit $RC)"; fi
refute "nothing was made" test -e "$WORK/no"
rehost copy "$WORK/nosuch" "$T:$WORK/x1"; expect_failure "a SRC that does not exist"
refute "made no DST" test -e "$WORK/x1"
rehost copy "$S/file" "$T:$WORK/x2"; expect_failure "a SRC that is a file"
rehost copy "$S" "$T:$S/file"; expect_failure "a DST that is a file"
equal "the file is as it was" "$(cat "$S/file")" one
rehost copy "$S" "/plain/path"; expect 64 "a DST without host or local: is a usage error"
rehost copy "$S"; expect 64 "copy with one argument is a usage error"
rehost copy "$S" "$T:$WORK/x" more; expect 64 "copy with three arguments is a usage error"
rehost copy "$S" "local:$S"; expect_failure "copying a directory onto itself is refused"
same "and it is unharmed" "$S" "$WORK/d1"
rehost copy "$S" "local:$S/inside"
if [ "$RC" = 0 ]; then
    has "a target inside of the source is left out and said to be" <(cat "$OUT" "$ERR") 'inside'
    refute "not copied into itself" test -e "$S/inside/inside"
    check "the rest is copied" test -e "$S/inside/sub/file"
else
    ok "a target inside of the source is refused (exit $RC)"
fi
rm -rf "$S/inside"
rehost copy "$S" "local:"; expect 64 "an empty local: is a usage error"
if ip -6 addr show dev lo 2>/dev/null | grep -q ::1; then
    LISTEN=::1 start_sshd "AddressFamily inet6"
    to "[V6]:PORT:DIR" "root@[::1]:$PORT:$WORK/v6" "$WORK/v6"
else
    skip_part ipv6 "no loopback address of version 6"
fi
finish
