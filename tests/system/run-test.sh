#!/bin/bash
# run-test.sh NAME: runs one test script, and makes a skip that expected-skips does not allow here a failure. CTest calls it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
name=$1; shift

# The conditions that expected-skips may name. Each is true when the machine really lacks the thing.
unshared() { unshare --mount --pid --fork --mount-proc "$@" 2>/dev/null; }
condition() {
    case $1 in
    not-root) [ "$(id -u)" != 0 ] || ! unshared true ;;
    no-netns) ! unshared --net true ;;
    no-tbf) ! unshared --net sh -c 'ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 32k latency 100ms' ;;
    no-xfs) ! command -v mkfs.xfs >/dev/null || ! grep -qw xfs /proc/filesystems ;;
    no-btrfs) ! command -v mkfs.btrfs >/dev/null || ! grep -qw btrfs /proc/filesystems ;;
    no-sudo) ! command -v sudo >/dev/null ;;
    no-ipv6) [ ! -e /proc/net/if_inet6 ] || ! grep -q 'lo$' /proc/net/if_inet6 ;;
    on-demand) [ -z "${REHOST_TEST_HUGE:-}" ] ;;
    *) echo "# expected-skips: unknown condition $1"; return 1 ;;
    esac
}

log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
bash "$here/$name.sh" "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

bad=0
while IFS= read -r skipped; do
    allowed=no
    while read -r pattern condition reason; do
        case $pattern in '' | '#'*) continue ;; esac
        # shellcheck disable=SC2053 # the pattern is one
        [[ $skipped == $pattern ]] && condition "$condition" && { allowed=yes; break; }
    done <"$here/expected-skips"
    [ $allowed = yes ] || { echo "not ok - unexpected skip of $skipped"; bad=1; }
done < <(sed -n 's/^# SKIP \([^:]*\): .*/\1/p' "$log")
[ "$bad" = 0 ] || exit 1
exit "$status"
