# shellcheck shell=sh
# Sourced by build-deb.sh and build-rpm.sh with their arguments: takes "-o DIR" off them. Sets top, out (absolute, made) and work (a
# directory that is removed at the end: $REHOST_BUILD_DIR, which must not exist yet, or a temporary one in $TMPDIR).
top=$(cd "$(dirname "$0")/.." && pwd)
case $0 in
*-deb.sh) out=$top/build/deb ;;
*) out=$top/build/rpm ;;
esac
if [ "${1:-}" = -o ]; then
	out=$2
	shift 2
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
umask 022
export LC_ALL=C.UTF-8
work=${REHOST_BUILD_DIR:-}
if [ -n "$work" ]; then
	mkdir -m 755 "$work"
else
	work=$(mktemp -d "${TMPDIR:-/tmp}/rehost-build.XXXXXXXX")
fi
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
