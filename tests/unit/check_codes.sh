#!/bin/sh
# check_codes.sh GENERATOR SRC: every code of the table stands in the manual page that GENERATOR writes, has a number of
# its own, and is named as DIAG_NAME in some source file, which is where it is raised.
set -u
generator=$1 src=$2
status=0
page=$(mktemp) used=$(mktemp)
trap 'rm -f "$page" "$used"' EXIT

"$generator" > "$page" || exit 1
find "$src" -name '*.c' -exec grep -ohw 'DIAG_[A-Z0-9_]*' {} + | sort -u > "$used"
names=$("$generator" --names) || exit 1
[ -n "$names" ] || exit 1

while read -r id name; do
	grep -qx "\.It Sy $id" "$page" || { echo "$id ($name) is not in rehost-diagnostics(7)"; status=1; }
	grep -qx "DIAG_$name" "$used" || { echo "$id ($name) is raised nowhere"; status=1; }
done <<END
$names
END
twice=$(echo "$names" | cut -d' ' -f1 | sort | uniq -d)
[ -z "$twice" ] || { echo "numbers given twice: $twice"; status=1; }
exit $status
