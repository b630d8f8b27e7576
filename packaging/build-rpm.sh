#!/bin/sh
# Builds the RPMs of this source tree: build-rpm.sh [-o DIR] [OPTION of rpmbuild]...
#
# They are put into DIR, build/rpm by default. On a host that is not of Fedora's family the names of BuildRequires mean
# nothing: add --nodeps there. The same source gives the same bytes
# when it is built in the same directory ($REHOST_BUILD_DIR): RPM writes that into the packages, whose contents do not depend on it.
set -eu
. "$(dirname "$0")/prologue.sh"

spec=$top/packaging/rpm/rehost.spec
version=$(sed -n 's/^Version: *//p' "$spec")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -u -d "$(sed -n '/^%changelog/{n;s/^\* \([A-Za-z0-9 ]*\) rehost.*/\1/p}' "$spec")" +%s)}
export SOURCE_DATE_EPOCH

mkdir "$work/SOURCES"
sh "$top/packaging/dist.sh" "rehost-$version" "$work/SOURCES/rehost-$version.tar.xz"
rpmbuild --define "_topdir $work" --define '_buildhost localhost' --define 'use_source_date_epoch_as_buildtime 1' \
	--define 'clamp_mtime_to_source_date_epoch 1' -ba "$@" "$spec"
find "$work/RPMS" "$work/SRPMS" -name '*.rpm' -exec mv -t "$out" {} +
