#!/bin/sh
# The code is as clang-format 14 makes it of .clang-format; another version would make something else of it.
#
# Usage: check_style.sh TOP
set -eu
cd "$1"
for format in clang-format-14 clang-format none; do
	"$format" --version 2>/dev/null | grep -q 'version 14\.' && break
done
if [ "$format" = none ]; then
	echo "# SKIP style: clang-format 14 is not installed"
	exit 77
fi
find src plugins tests -name '*.[ch]' | sort | xargs "$format" --dry-run -Werror
