#!/bin/sh
# The test command: installs what is missing (Debian, as root), builds, runs every test that CI runs, and checks that nothing
# was skipped but what the expected-skips files allow. Ends with 1 when anything failed.
#
#   asan      units, fuzz corpora, manual pages, and the system tests of the daily path, under ASan and UBSan; -Werror
#   release   the system tests
#   minimal   -Werror, without optimisation and without the optional libraries: that it builds and runs
#
# The slow suites (ctest -L slow, -L huge) and the benchmarks are run by hand: tests/system/README.md, tests/bench/README.md.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
jobs=$(nproc)
failed=

note() { printf '\n== %s\n' "$*"; }

# build DIR CMAKE_ARGS...
build() {
	dir=build/$1
	shift
	note "build $dir"
	cmake -B "$dir" "$@" >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	cmake --build "$dir" || exit 1
}

# skips LOG: "TEST PART" for every skip that the tests of the last run told of: cmocka's, and those of the system scripts.
skips() {
	awk '/^[0-9]+\/[0-9]+ Test: / { test = $NF }
	     /^\[  SKIPPED \] [^ ]+$/ { print test, $NF }
	     /^# SKIP [^:]+:/ { sub(/:$/, "", $3); print test, $3 }' "$1" | sort -u
}

# check_skips DIR: run-test.sh has made every skip of a system script that expected-skips does not allow a failure; those of
# units are judged here.
check_skips() {
	skips "$1/Testing/Temporary/LastTest.log" >build/skips
	while read -r test part; do
		case $test in
		system.*) ;;
		*)
			awk -v t="$test" -v p="$part" '$1 == t && $2 == p { found = 1 } END { exit !found }' \
				tests/unit/expected-skips || { echo "must not be skipped: $test $part"; failed=yes; continue; }
			;;
		esac
		echo "skipped, as expected here: $test $part"
	done <build/skips
}

# run DIR CTEST_ARGS...
run() {
	dir=build/$1
	shift
	note "ctest in $dir: $*"
	ctest --test-dir "$dir" --output-on-failure --no-tests=error -j "$jobs" "$@" || failed=yes
	check_skips "$dir"
}

sh packaging/install-deps.sh
mkdir -p build

build asan --preset asan
run asan -L 'unit|fuzz'
run asan -R '^system\.(destination|copy-ssh|sync-changes|delete|dry-run|verify)$'

build release --preset release
run release -L '^system$'

# A pkg-config that knows nothing of the optional libraries.
mkdir -p build/tools
cat >build/tools/pkg-config <<'END'
#!/bin/sh
case "$*" in *libisal* | *libsystemd* | *libcgroup*) exit 1 ;; esac
exec pkg-config "$@"
END
chmod 755 build/tools/pkg-config
build minimal --preset dev -D PKG_CONFIG_EXECUTABLE="$top/build/tools/pkg-config" -D REHOST_TESTS=OFF
build/minimal/bin/rehost --version || failed=yes
if ldd build/minimal/bin/rehost | grep -E 'isal|systemd|cgroup'; then
	echo 'an optional library is linked that was not to be found'
	failed=yes
fi

[ -z "$failed" ] || { note 'FAILED'; exit 1; }
note 'all passed'
