#!/bin/sh
# Builds the RPMs of this source tree: build-rpm.sh [-o DIR] [OPTION of rpmbuild]...
#
# They are put into DIR, build/rpm by default. On a host that is not of Fedora's family the names of BuildRequires mean
# nothing: add --nodeps there.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/rpm
if [ "${1:-}" = -o ]; then
	out=$2
	shift 2
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
umask 022

spec=$top/packaging/rpm/rehost.spec
version=$(sed -n 's/^Version: *//p' "$spec")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -d "$(sed -n '/^%changelog/{n;s/^\* \([A-Za-z0-9 ]*\) rehost.*/\1/p}' "$spec")" +%s)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d "${TMPDIR:-/tmp}/rehost-rpm.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$work/SOURCES"
sh "$top/packaging/dist.sh" "rehost-$version" "$work/SOURCES/rehost-$version.tar.xz"
rpmbuild --define "_topdir $work" -ba "$@" "$spec"
find "$work/RPMS" "$work/SRPMS" -name '*.rpm' -exec mv -t "$out" {} +
