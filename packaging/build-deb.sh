#!/bin/sh
# Builds the Debian packages of this source tree: build-deb.sh [-o DIR] [OPTION of dpkg-buildpackage]...
#
# They are put into DIR, build/deb by default. Nothing is written to the tree itself: it is copied to a temporary directory
# ($TMPDIR) first, and packaging/debian becomes debian/ there. The same source gives the same bytes, wherever and whenever
# it is built with the same versions of the tools.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/deb
if [ "${1:-}" = -o ]; then
	out=$2
	shift 2
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
umask 022
export LC_ALL=C.UTF-8

changelog=$top/packaging/debian/changelog
version=$(dpkg-parsechangelog -l "$changelog" -S Version)
upstream=${version%-*}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog -l "$changelog" -S Timestamp)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d "${TMPDIR:-/tmp}/rehost-deb.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sh "$top/packaging/dist.sh" "rehost-$upstream" "$work/rehost_$upstream.orig.tar.xz"
tar -C "$work" -xf "$work/rehost_$upstream.orig.tar.xz"
source=$work/rehost-$upstream
cp -R "$source/packaging/debian" "$source/debian"
(cd "$source" && dpkg-buildpackage -us -uc "$@")
rm -rf "$source"
mv "$work"/* "$out/"
