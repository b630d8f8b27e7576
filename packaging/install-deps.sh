#!/bin/sh
# Installs what building and testing need on Debian: the packages of packaging/build-deps and tests/system/packages.txt.
# Does nothing, and needs neither root nor a network, when all of them are there.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

missing=
for package in $(sed 's/#.*//' "$top/packaging/build-deps" "$top/tests/system/packages.txt"); do
	case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "these packages are missing, and installing them needs root:$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q </dev/null
# shellcheck disable=SC2086 # the list is one of words
apt-get install -q -y --no-install-recommends $missing </dev/null
