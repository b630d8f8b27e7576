#!/bin/sh
# The source as one archive: dist.sh NAME FILE.tar.xz, in which everything lies beneath NAME/. What lies in the tree goes in,
# committed or not. The same source gives the same bytes; SOURCE_DATE_EPOCH is the time of all files.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
tar -C "$top" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" \
	--exclude=./build --exclude=./debian --exclude-vcs --exclude=__pycache__ --transform="s,^\.,$1,S" -cf - . | xz -T1 >"$2"
