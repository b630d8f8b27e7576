#!/bin/bash
# The RPMs: built with the rpmbuild of this host, whatever it is, looked at by rpmlint, installed into an empty root beside what they
# need, run, upgraded with a changed configuration, erased. Needs packages-package.txt.
HARNESS_ONLY=yes
. "$(dirname "$0")/lib.sh"
need_root
for tool in rpmbuild rpmlint rpm2cpio cpio; do command -v $tool >/dev/null || skip "$tool is not installed: see packages-package.txt"; done
SPEC=$TOP/packaging/rpm/rehost.spec

# build_rpm OUT [SOURCE]: the build requirements are those of another distribution.
build_rpm() { REHOST_BUILD_DIR=$WORK/building sh "${2:-$TOP}/packaging/build-rpm.sh" -o "$1" --nodeps >"$1.log" 2>&1; }
check "the packages are built" build_rpm "$WORK/one" || { tail -20 "$WORK/one.log"; finish; }
(cd / && umask 077 && TZ=Asia/Tokyo build_rpm "$WORK/again") || { not_ok "built again"; tail -5 "$WORK/again.log" | note; }
for rpm in "$WORK"/one/*.rpm; do check "${rpm##*/}: the same bytes from another directory, umask and time zone, and later" cmp "$rpm" "$WORK/again/${rpm##*/}"; done
check "rpmlint has nothing to say" rpmlint -r "$TOP/packaging/rpm/rehost.rpmlintrc" "$WORK"/one/*.rpm "$SPEC"
has "not even a warning" "$WORK/check.out" ' 0 errors, 0 warnings'

# What is not in the other distributions is not asked for there.
rpmspec -P --define 'rhel 9' "$SPEC" >"$OUT" 2>"$ERR"
hasnt "RHEL 9: no libcgroup, no ISA-L, nothing static" "$OUT" 'libcgroup|libisal|-static'
has "RHEL 9: the receiver is linked dynamically" "$OUT" 'REHOST_STATIC_HELPER=OFF'
has "RHEL 9: and its package is called so" "$OUT" '^Requires: *rehost-helper\('
rpmspec -P --define 'fedora 41' "$SPEC" >"$OUT" 2>>"$ERR"
has "Fedora: libcgroup" "$OUT" 'pkgconfig.libcgroup'
empty "the spec file is understood" "$ERR"

# Into a root of its own; scripts and libraries are the host's business.
R=$WORK/root
mkdir "$R"
rpm_do() { rpm --root "$R" --nodeps --noscripts "$@"; }
binaries() { ls "$1"/rehost-*.rpm | grep -v '\.src\.rpm$'; }
check "rpm installs them" rpm_do -i $(binaries "$WORK/one")
equal "rpm verifies them" "$(rpm_do -V rehost rehost-helper-static)" ""
check "the program runs" "$R/usr/bin/rehost" --version
tree make "$WORK/src" --entries 500 >"$WORK/left-out"
check "and copies, with the receiver beside it" "$R/usr/bin/rehost" -q copy "$WORK/src" "local:$WORK/dst"
same "is identical" "$WORK/src" "$WORK/dst"
equal "state and logs are root's" "$(stat -c %a "$R/var/lib/rehost" "$R/var/log/rehost" | paste -sd' ')" "700 700"
for unit in rehost-sync.timer rehost-sync@.timer; do equal "$unit is not enabled" "$(systemctl --root="$R" is-enabled $unit 2>&1)" disabled; done

echo '# edited' >>"$R/etc/rehost/rehost.conf"
cp "$R/etc/rehost/rehost.conf" "$WORK/edited.conf"
mkdir "$WORK/newer"
tar -C "$TOP" --exclude=./build --exclude-vcs -cf - . | tar -C "$WORK/newer" -xf -
sed -i 's/^\(Release: *\)1/\12/' "$WORK/newer/packaging/rpm/rehost.spec"
echo '# A line that the new version has.' >>"$WORK/newer/etc/rehost.conf"
check "a newer release is built" build_rpm "$WORK/two" "$WORK/newer"
check "rpm upgrades to it" rpm_do -U $(binaries "$WORK/two")
check "the edited configuration is kept" cmp "$WORK/edited.conf" "$R/etc/rehost/rehost.conf"
has "the new one lies beside it" "$R/etc/rehost/rehost.conf.rpmnew" 'the new version has'
check "rpm erases them" rpm_do -e rehost rehost-helper-static
equal "only what was edited is left" "$(find "$R" -name '*rehost*' ! -type d -printf '%f\n' | sort | paste -sd' ')" "rehost.conf.rpmnew rehost.conf.rpmsave"
finish
