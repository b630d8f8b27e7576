#!/bin/sh
# Shows the main job on this machine: builds rehost, then copies a real tree over SSH to a directory that stands for another
# host, changes it, syncs, and proves both sides equal by CRC64. Ends with 1 when anything is not as it should be.
#
#   sh tests/demo.sh [DIR]      DIR: the tree, /usr by default (or a part of it, where it is very large)
#
# As root on Debian it installs the packages that are missing. Everything it makes lies in one temporary directory, which
# is removed at the end, and in build/release. The tree itself is only read: the changes are made to a copy of it.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
tree=${1:-}
export LC_ALL=C.UTF-8
unset SSH_AUTH_SOCK

step() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; }
fail() { printf 'demo: FAILED: %s\n' "$*" >&2; exit 1; }

work=
sshd_pid=
finish() {
	status=$?
	trap - EXIT
	[ -z "$sshd_pid" ] || kill "$sshd_pid" 2>/dev/null || :
	[ -z "$work" ] || rm -rf "$work"
	[ "$status" = 0 ] || printf '\ndemo: ended with %s\n' "$status" >&2
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ "$(id -u)" = 0 ] || fail 'owners, devices and capabilities need root'

# ---- build -------------------------------------------------------------------------------------------------------------

step 'packages'
sh "$top/packaging/install-deps.sh"
step 'build'
cd "$top"
show 'cmake --preset release && cmake --build --preset release'
cmake --preset release >/dev/null
cmake --build --preset release
rehost=$top/build/release/bin/rehost
"$rehost" --version

# ---- the two hosts -----------------------------------------------------------------------------------------------------

kib() { du -skx "$1" 2>/dev/null | cut -f1; }
free_kib() { df -Pk "$1" | awk 'END { print $4 }'; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/rehost-demo.XXXXXX")
room=$(($(free_kib "$work") * 2 / 5)) # two copies, and something to spare
[ "$room" -lt 3145728 ] || room=3145728
if [ -z "$tree" ]; then
	for tree in /usr /usr/share /usr/include /etc; do
		[ "$(kib "$tree")" -gt "$room" ] || break
	done
fi
[ -d "$tree" ] || fail "$tree is no directory"

step "a private sshd on loopback; $work/new-host stands for the other host"
source=$work/source
target=$work/new-host
mkdir "$work/ssh" "$target"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/ssh/host_key"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/ssh/user_key"
cp "$work/ssh/user_key.pub" "$work/ssh/authorized_keys"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Without PAM sshd refuses accounts whose password is locked.
case $(getent shadow root | cut -d: -f2) in '!'*) pam=yes ;; *) pam=no ;; esac
cat >"$work/ssh/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $work/ssh/host_key
AuthorizedKeysFile $work/ssh/authorized_keys
PidFile none
StrictModes no
UsePAM $pam
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
END
mkdir -p /run/sshd
"$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$work/ssh/sshd_config" 2>"$work/ssh/log" &
sshd_pid=$!
tries=0
until grep -q 'Server listening' "$work/ssh/log"; do
	kill -0 "$sshd_pid" 2>/dev/null && [ "$tries" -lt 100 ] || { cat "$work/ssh/log" >&2; fail 'sshd does not start'; }
	tries=$((tries + 1))
	sleep 0.1
done
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$work/ssh/host_key.pub")" >"$work/ssh/known_hosts"

REHOST_STATE_DIR=$work/state REHOST_RUN_DIR=$work/run REHOST_LOG_DIR=$work/log
export REHOST_STATE_DIR REHOST_RUN_DIR REHOST_LOG_DIR
destination=root@127.0.0.1:$port:$target/tree

# run EXIT_CODE COMMAND ARGS...: shows the command without the two options that only the private sshd needs.
run() {
	want=$1
	shift
	show "rehost $*"
	command=$1
	shift
	got=0
	"$rehost" "$command" --set "target.identity=$work/ssh/user_key" --set "target.known_hosts=$work/ssh/known_hosts" \
		"$@" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "exit code $got, expected $want"
}

# independent: the trees compared by a program that shares nothing with rehost.
independent() {
	show "compare.py $source $target/tree"
	python3 "$top/tests/system/compare.py" "$source" "$target/tree" || fail 'the trees differ'
}

# ---- copy --------------------------------------------------------------------------------------------------------------

step "copy $tree ($(($(kib "$tree") / 1024)) MiB, $(find "$tree" -xdev | wc -l) entries) as it is"
run 0 copy -x "$tree" "$destination"

step 'a working copy of it, which the rest of this changes'
show "rehost sync -x $tree local:$source"
"$rehost" sync -x "$tree" "local:$source" </dev/null || fail "exit code $?"
independent

# ---- change and sync ---------------------------------------------------------------------------------------------------

step 'nothing has changed: a sync finds that out by digests'
run 0 sync --delete "$source" "$destination"

step 'change it: contents, metadata, names, types, links, holes'
cd "$source"
largest=$(find . -type f -size +1M -size -200M -printf '%s %P\n' | sort -rn | sed -n '1s/^[0-9]* //p')
[ -n "$largest" ] || { largest=demo-large; head -c 20000000 /dev/urandom >demo-large; }
printf 'changed in the middle' | dd of="$largest" bs=1 seek=700000 conv=notrunc status=none
find . -type f -size -4k -name '*.h' | head -200 | while IFS= read -r f; do printf '/* changed */\n' >>"$f"; done
find . -type f -size -64k | sed -n '0~97p' | head -50 | tr '\n' '\0' | xargs -0 -r chmod g+w
find . -mindepth 2 -type f -links 1 | sed -n '0~1013p' | head -50 | tr '\n' '\0' | xargs -0 -r rm -f
doomed=$(find . -mindepth 1 -maxdepth 1 -type d | sort | tail -1)
cp -a "$doomed" demo-renamed && rm -rf "$doomed"
mkdir demo
printf 'new\n' >demo/file
ln demo/file demo/hard-link
ln -s ../nowhere demo/symlink
mkfifo demo/fifo
mknod demo/null c 1 3
truncate -s 100M demo/hole
setfacl -m u:daemon:r demo/file 2>/dev/null || :
setfattr -n user.demo -v 'an attribute' demo/file 2>/dev/null || :
cp /bin/true demo/capable && setcap cap_net_raw+ep demo/capable 2>/dev/null || :
touch -d '2001-02-03 04:05:06.123456789' demo
cd "$top"

step 'what would a sync do'
run 0 sync -n -i --delete "$source" "$destination" >"$work/listed"
head -1 "$work/listed"
printf '(%s lines; the last five)\n' "$(wc -l <"$work/listed")"
tail -5 "$work/listed"

step 'sync'
run 0 sync --delete "$source" "$destination"
independent

# ---- verify ------------------------------------------------------------------------------------------------------------

step 'verify every byte by CRC64, and all metadata'
run 0 verify --mode crc64 "$source" "$destination"

step 'flip one bit on the other host, size and times kept'
victim=$target/tree/$largest
times=$(stat -c %y "$victim")
byte=$(od -An -tu1 -j 123456 -N1 "$victim" | tr -d ' ')
# shellcheck disable=SC2059 # the format is the byte
printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$victim" bs=1 seek=123456 conv=notrunc status=none
touch -d "$times" "$victim"
run 4 verify --mode crc64 "$source" "$destination"

step 'a sync that compares contents mends it'
run 0 sync -c --delete "$source" "$destination"
run 0 verify --mode crc64 "$source" "$destination"
independent

# ---- nothing left ------------------------------------------------------------------------------------------------------

left=$(find "$target" -maxdepth 2 -name '.rehost*')
[ -z "$left" ] || fail "left behind: $left"
printf '\ndemo: all as it should be\n'
