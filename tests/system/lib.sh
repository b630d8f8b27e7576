# shellcheck shell=bash
# The harness of the system tests. A test script sources this file first, calls the helpers below, and ends with `finish`.
#
# As root every script runs in mount and process namespaces of its own: mounts, processes and users it makes vanish with it, however
# it ends, and scripts running side by side do not see each other's leftovers. Its work directory is an ext4 file system on a loop
# device over /dev/shm: fast to sync, and it has every xattr namespace and inode flag. As an ordinary user it is a plain directory.

set -u
umask 022
export LC_ALL=C.UTF-8 TZ=UTC
unset XDG_RUNTIME_DIR XDG_STATE_HOME XDG_CONFIG_HOME SSH_AUTH_SOCK NO_COLOR 2>/dev/null

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
REHOST=${REHOST:-$TOP/build/release/bin/rehost}
PY=/usr/bin/python3
[ -x "$PY" ] || PY=python3
SUITE=$(basename "$0" .sh)
ROOT=no; [ "$(id -u)" = 0 ] && ROOT=yes

# --- isolation -------------------------------------------------------------------------------------------------------------------

ISOLATED=${REHOST_TEST_ISOLATED:-}
if [ "$ROOT" = yes ] && [ -z "$ISOLATED" ]; then
    if unshare --mount --pid --fork --mount-proc true 2>/dev/null; then
        REHOST_TEST_ISOLATED=yes exec unshare --mount --pid --fork --kill-child --mount-proc -- bash "$0" "$@"
    fi
    ISOLATED=no
fi
export REHOST_TEST_ISOLATED=$ISOLATED

WORK=$(mktemp -d "${TMPDIR:-/tmp}/rehost-test.XXXXXX") || exit 99
chmod 755 "$WORK"
PASSED=0 FAILED=0 SSHD_PIDS=() NETNS=()
FS_MB=${FS_MB:-6144}       # size of the work file system; a script may set it before sourcing

cleanup() {
    local status=$? p n
    trap - EXIT
    cd /
    for p in "${SSHD_PIDS[@]}"; do kill "$p" 2>/dev/null; done
    for n in "${NETNS[@]}"; do ip netns del "$n" 2>/dev/null; done
    if [ "$ISOLATED" = yes ]; then
        # Processes and mounts end with the namespaces; only the empty mount point is left to remove.
        umount -l "$WORK" 2>/dev/null
        rmdir "$WORK" 2>/dev/null || { [ -z "${KEEP:-}" ] && rm -rf "$WORK"; }
    elif [ -z "${KEEP:-}" ]; then
        "$PY" "$HERE/hostile_tree.py" clear-flags "$WORK" 2>/dev/null
        chmod -R u+rwX "$WORK" 2>/dev/null
        rm -rf "$WORK"
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fast_image SIZE_MB: prints the name of a new sparse file, on tmpfs when there is room.
fast_image() {
    local dir=${TMPDIR:-/tmp} free
    free=$(df -m --output=avail /dev/shm 2>/dev/null | tail -1)
    [ "${free:-0}" -gt "$1" ] && dir=/dev/shm
    local f; f=$(mktemp "$dir/rehost-img.XXXXXX") && truncate -s "$1M" "$f" && echo "$f"
}

# make_fs TYPE SIZE_MB DIR [MOUNT_OPTIONS]: makes and mounts a file system of its own on DIR (root only).
make_fs() {
    local img; img=$(fast_image "$2") || return 1
    case $1 in
    ext4) mkfs.ext4 -q -F -m 0 -i 8192 -O ea_inode -E lazy_itable_init=1,lazy_journal_init=1 "$img" ;;
    ext4-plain) mkfs.ext4 -q -F -m 0 "$img" ;;
    xfs) mkfs.xfs -q -f "$img" ;;
    btrfs) mkfs.btrfs -q -f "$img" >/dev/null 2>&1 ;;
    *) return 1 ;;
    esac || { rm -f "$img"; return 1; }
    mkdir -p "$3"
    mount -o "loop${4:+,$4}" "$img" "$3"; local r=$?
    # The loop device keeps the unlinked image alive until the last unmount.
    rm -f "$img"
    return $r
}

if [ "$ISOLATED" = yes ]; then
    make_fs ext4 "$FS_MB" "$WORK" || { echo "Bail out! no loop device for the work directory"; exit 99; }
    chmod 755 "$WORK"
    # Private copies of the places where a helper or a runtime file could be left, so that leftovers are plain to see.
    for d in /run /dev/shm /var/tmp; do mount -t tmpfs -o mode=1777 rehost-test "$d"; done
    chmod 755 /run; mkdir -p /run/sshd
    # OpenSSH takes the home directory from the password file, not from $HOME: a private password file gives root a private home and
    # makes the ordinary user `tester` without touching the machine's own.
    mkdir -p "$WORK/etc" "$WORK/home/root" "$WORK/home/tester"
    awk -F: -v OFS=: -v h="$WORK/home/root" '$1=="root"{$6=h; $7="/bin/bash"} $1!="tester"' /etc/passwd >"$WORK/etc/passwd"
    echo "tester:x:54321:54321::$WORK/home/tester:/bin/bash" >>"$WORK/etc/passwd"
    { grep -v '^tester:' /etc/group; echo "tester:x:54321:"; } >"$WORK/etc/group"
    { grep -v -e '^tester:' -e '^root:' /etc/shadow; echo 'root:*:19000:0:99999:7:::'; echo 'tester:*:19000:0:99999:7:::'; } >"$WORK/etc/shadow"
    chmod 600 "$WORK/etc/shadow"
    for f in passwd group shadow; do mount --bind "$WORK/etc/$f" "/etc/$f"; done
    chown 54321:54321 "$WORK/home/tester"
    export HOME="$WORK/home/root" USER=root LOGNAME=root
else
    mkdir -p "$WORK/home/root"
    export HOME="$WORK/home/root"
fi

export REHOST_STATE_DIR=$WORK/state REHOST_RUN_DIR=$WORK/run REHOST_LOG_DIR=$WORK/log
OUT=$WORK/out ERR=$WORK/err
mkdir -p "$WORK/ssh"
ME=$(id -un)
cd "$WORK" || exit 99

# --- results ---------------------------------------------------------------------------------------------------------------------

ok() { PASSED=$((PASSED + 1)); echo "ok - $*"; }
not_ok() { FAILED=$((FAILED + 1)); echo "not ok - $*"; }
note() { sed 's/^/#   /' | head -"${NOTE_LINES:-25}" | cut -c1-400; }
# check WHAT COMMAND...: the command succeeds.
check() { local what=$1; shift; if "$@" >"$WORK/check.out" 2>&1; then ok "$what"; else not_ok "$what"; note <"$WORK/check.out"; return 1; fi; }
# refute WHAT COMMAND...: the command fails.
refute() { local what=$1; shift; if "$@" >"$WORK/check.out" 2>&1; then not_ok "$what"; note <"$WORK/check.out"; return 1; else ok "$what"; fi; }
# equal WHAT GOT WANTED
equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1"; printf 'got:    %s\nwanted: %s\n' "$2" "$3" | note; return 1; fi; }
# below WHAT GOT BOUND, above WHAT GOT BOUND: numbers, fractions too.
below() { if awk -v a="$2" -v b="$3" 'BEGIN{exit !(a ~ /^-?[0-9.]+$/ && a + 0 < b + 0)}'; then ok "$1 ($2 < $3)"; else not_ok "$1 ($2, not below $3)"; return 1; fi; }
above() { if awk -v a="$2" -v b="$3" 'BEGIN{exit !(a ~ /^-?[0-9.]+$/ && a + 0 > b + 0)}'; then ok "$1 ($2 > $3)"; else not_ok "$1 ($2, not above $3)"; return 1; fi; }
# has WHAT FILE REGEX, hasnt WHAT FILE REGEX
has() { if grep -qaE -e "$3" "$2"; then ok "$1"; else not_ok "$1"; { echo "no match for: $3"; cat "$2"; } | note; return 1; fi; }
hasnt() { if grep -qaE -e "$3" "$2"; then not_ok "$1"; grep -aE -e "$3" "$2" | note; return 1; else ok "$1"; fi; }
empty() { if cat "$2" >"$WORK/empty.out" && [ ! -s "$WORK/empty.out" ]; then ok "$1"; else not_ok "$1"; note <"$WORK/empty.out"; return 1; fi; }

# skip REASON: the whole script; skip_part NAME REASON: one part of it. run-test.sh fails those that expected-skips does not list.
skip() { echo "# SKIP $SUITE: $*"; [ "$FAILED" -gt 0 ] && exit 1; exit 77; }
skip_part() { local part=$1; shift; echo "# SKIP $SUITE/$part: $*"; }
finish() { echo "1..$((PASSED + FAILED))"; echo "# $SUITE: $PASSED passed, $FAILED failed"; [ "$FAILED" -eq 0 ]; exit $?; }

need_root() { [ "$ISOLATED" = yes ] || skip "needs root and namespaces"; }
[ -x "$REHOST" ] || [ -n "${HARNESS_ONLY:-}" ] || { echo "Bail out! no program at $REHOST"; exit 99; }

# --- the program -----------------------------------------------------------------------------------------------------------------

# As if the last run were long ago: files that were changed shortly before are compared by contents in the next sync, whatever
# was found.
aged() { # every state there is has what is changed
    local f
    while read -r f; do grep -q doubt_until "$f" || not_ok "aged: no doubt_until in $f"; done < <(find "$REHOST_STATE_DIR" -name state.json 2>/dev/null)
    find "$REHOST_STATE_DIR" -name state.json -exec sed -Ei 's/("doubt_(since|until)":[[:space:]]*")[0-9]+/\10/' {} +
}

# $REFUSE ("EPERM openat2 statx"; see refuse.c): programs and servers run where these calls are refused.
REFUSE_TOOL=${REFUSE_TOOL:-$(dirname "$(dirname "$REHOST")")/tests/refuse}
REFUSED=(); [ -z "${REFUSE:-}" ] || { read -ra REFUSED <<<"$REFUSE"; REFUSED=("$REFUSE_TOOL" "${REFUSED[@]}" --); SSHD_PREFIX="${REFUSED[*]}"; }
AS=("${REFUSED[@]}") SET=() # AS: a prefix command (a user, a network namespace); SET: options given to each run
# rehost ARGS...: runs it, keeps $OUT, $ERR, $RC and $TOOK (seconds).
rehost() {
    local t0=$EPOCHREALTIME
    timeout -k 5 "${LIMIT:-120}" "${AS[@]}" "$REHOST" "${SET[@]}" "$@" >"$OUT" 2>"$ERR" </dev/null
    RC=$?
    TOOK=$(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.2f", b-a}')
    return 0
}
# expect CODE WHAT: of the last run.
expect() {
    if [ "$RC" = "$1" ]; then ok "$2"; else not_ok "$2: exit $RC, not $1"; { tail -12 "$ERR"; tail -3 "$OUT"; } | note; return 1; fi
}
expect_failure() {
    if [ "$RC" != 0 ] && [ "$RC" -lt 124 ]; then ok "$1 (exit $RC)"; else not_ok "$1: exit $RC"; { tail -12 "$ERR"; tail -3 "$OUT"; } | note; return 1; fi
}
# start_rehost ARGS...: in the background, without timeout(1) between, so that $BG is the program itself.
start_rehost() { "${AS[@]}" "$REHOST" "${SET[@]}" "$@" >"$OUT" 2>"$ERR" </dev/null & BG=$!; }
# wait_rehost SECONDS: its exit code in RC, or 124 after that many seconds.
wait_rehost() {
    local t0=$EPOCHREALTIME i
    for ((i = 0; i < $1 * 20; i++)); do kill -0 "$BG" 2>/dev/null || break; sleep 0.05; done
    if kill -0 "$BG" 2>/dev/null; then kill -KILL "$BG"; wait "$BG" 2>/dev/null; RC=124; else wait "$BG" 2>/dev/null; RC=$?; fi
    TOOK=$(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.2f", b-a}')
}
# until_true SECONDS COMMAND...
until_true() {
    local i n=$(($1 * 20)); shift
    for ((i = 0; i < n; i++)); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
    return 1
}
# field NAME: of the summary of the last --json run.
field() { jq -r --arg f "$1" 'select(.message_type=="summary") | .[$f]' "$OUT" 2>/dev/null | tail -1; }
# rehost_processes: process ids of every rehost process, receivers included.
rehost_processes() {
    local p exe
    for p in /proc/[0-9]*; do
        exe=$(readlink "$p/exe" 2>/dev/null) || continue
        case ${exe##*/} in rehost*) [ "${p#/proc/}" != $$ ] && echo "${p#/proc/}" ;; esac
    done
}
# number NAME: the same for arithmetic: -1 when it is missing.
number() { local n; n=$(field "$1"); case $n in '' | *[!0-9]*) echo -1 ;; *) echo "$n" ;; esac; }
# descendants PID: all processes beneath it.
descendants() { local c; for c in $(pgrep -P "$1"); do echo "$c"; descendants "$c"; done; }
no_processes() { [ -z "$(rehost_processes)" ]; }
# no_leftovers WHAT: neither processes nor helper or runtime files outside of the program's own directories (a hostile tree has a file `.rehost`).
no_leftovers() {
    if until_true 5 no_processes; then ok "$1: no process left"; else
        not_ok "$1: processes left"; ps -o pid,ppid,args -p "$(rehost_processes | paste -sd,)" | note; fi
    [ "$ISOLATED" = yes ] || return 0
    local found
    found=$(find /run /dev/shm /var/tmp "$WORK/home/root" "$WORK/home/tester" -maxdepth 3 -name '*rehost*' ! -name .rehost ! -path '*/.local/state*' 2>/dev/null)
    equal "$1: no helper left" "$found" ""
}

same() { # same WHAT SRC DST [compare.py options]: identical by the independent comparison.
    local what=$1; shift
    if "$PY" "$HERE/compare.py" "$@" >"$WORK/compare.out" 2>&1; then ok "$what"; else
        not_ok "$what: $(grep -vc '^#' "$WORK/compare.out") differences"; note <"$WORK/compare.out"; return 1; fi
}
tree() { "$PY" "$HERE/hostile_tree.py" "$@"; }
# fingerprint DIR: of everything but the access times; to show that nothing was written there.
fingerprint() { (cd "$1" && find . -printf '%P|%y|%m|%U|%G|%s|%T@|%C@|%l|%n\n' | LC_ALL=C sort | sha256sum); }


# --- ssh -------------------------------------------------------------------------------------------------------------------------

KEY=$WORK/ssh/user_key KNOWN=$WORK/ssh/known_hosts
free_port() { "$PY" -c 'import socket,sys; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

ssh_keys() {
    [ -e "$KEY" ] && return 0
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$KEY" &&
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$WORK/ssh/host_key" &&
    cp "$KEY.pub" "$WORK/ssh/authorized_keys" && chmod 644 "$WORK/ssh/authorized_keys" && chmod 755 "$WORK/ssh" && : >"$KNOWN"
}

# start_sshd [OPTION_LINE]...: a private server; sets PORT, SSHD_PID and SSHD_LOG. SSHD_PREFIX is put before the command, LISTEN is its
# address, HOST_KEY its key. The first value of an option counts, so the caller's lines come first.
start_sshd() {
    local try address=${LISTEN:-127.0.0.1} conf host_key=${HOST_KEY:-$WORK/ssh/host_key} i
    ssh_keys || return 1
    for try in 1 2 3; do
        PORT=$(free_port); conf=$WORK/ssh/sshd_$PORT; SSHD_LOG=$WORK/ssh/log_$PORT
        { printf '%s\n' "$@"
          echo "Port $PORT
ListenAddress $address
HostKey $host_key
AuthorizedKeysFile $WORK/ssh/authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
LogLevel VERBOSE"; } >"$conf"
        ${SSHD_PREFIX:-} "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$conf" >"$SSHD_LOG" 2>&1 &
        SSHD_PID=$!
        for ((i = 0; i < 100; i++)); do
            if grep -qs 'Server listening' "$SSHD_LOG"; then
                SSHD_PIDS+=("$SSHD_PID")
                local pub; pub=$(cut -d' ' -f1,2 "$host_key.pub")
                printf '[%s]:%s %s\n' "$address" "$PORT" "$pub" localhost "$PORT" "$pub" >>"$KNOWN"
                write_ssh_config "$address"
                return 0
            fi
            kill -0 "$SSHD_PID" 2>/dev/null || break
            sleep 0.05
        done
    done
    echo "Bail out! sshd does not start"; note <"$SSHD_LOG"; exit 99
}
# write_ssh_config ADDRESS: `target` is an alias of the newest server.
write_ssh_config() {
    mkdir -p "$HOME/.ssh"; chmod 700 "$HOME/.ssh"
    printf 'Host target\n  HostName %s\n  Port %s\n  User %s\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n' \
        "$1" "$PORT" "$ME" "$KEY" "$KNOWN" >"$HOME/.ssh/config"
    chmod 600 "$HOME/.ssh/config"
    use_ssh
}
# use_ssh: SET and T (the part of DST before DIR) for the newest server.
use_ssh() {
    SET=(--set "target.identity=$KEY" --set "target.known_hosts=$KNOWN")
    T=$ME@${LISTEN:-127.0.0.1}:$PORT
}

# as_tester: the program runs as the ordinary user `tester` (see above), with directories of its own.
as_tester() {
    [ "$ISOLATED" = yes ] || return 1
    local h=$WORK/home/tester
    mkdir -p "$h/.ssh"; cp "$KEY" "$h/.ssh/key" 2>/dev/null; cp "$KNOWN" "$h/.ssh/known_hosts" 2>/dev/null
    [ -e "$HOME/.ssh/config" ] && sed -e "s|$KEY|$h/.ssh/key|; s|$KNOWN|$h/.ssh/known_hosts|; s|User root|User tester|" "$HOME/.ssh/config" >"$h/.ssh/config"
    chown -R 54321:54321 "$h"; chmod 700 "$h/.ssh"; chmod 600 "$h/.ssh/"* 2>/dev/null
    AS=("${REFUSED[@]}" setpriv --reuid=54321 --regid=54321 --clear-groups --inh-caps=-all --bounding-set=-all env "HOME=$h" USER=tester LOGNAME=tester
        "REHOST_STATE_DIR=$h/state" "REHOST_RUN_DIR=$h/run" "REHOST_LOG_DIR=$h/log")
    "${AS[@]}" test -x "$REHOST"
}
