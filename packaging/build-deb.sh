#!/bin/sh
# Builds the Debian packages of this source tree: build-deb.sh [-o DIR] [OPTION of dpkg-buildpackage]...
#
# They are put into DIR, build/deb by default. Nothing is written to the tree itself: it is copied to a temporary directory
# ($TMPDIR) first, and packaging/debian becomes debian/ there. The same source gives the same bytes, wherever and whenever
# it is built with the same versions of the tools.
set -eu
. "$(dirname "$0")/prologue.sh"

changelog=$top/packaging/debian/changelog
version=$(dpkg-parsechangelog -l "$changelog" -S Version)
upstream=${version%-*}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog -l "$changelog" -S Timestamp)}
export SOURCE_DATE_EPOCH

sh "$top/packaging/dist.sh" "rehost-$upstream" "$work/rehost_$upstream.orig.tar.xz"
tar -C "$work" -xf "$work/rehost_$upstream.orig.tar.xz"
source=$work/rehost-$upstream
cp -R "$source/packaging/debian" "$source/debian"
(cd "$source" && dpkg-buildpackage -us -uc "$@")
rm -rf "$source"
mv "$work"/* "$out/"
