#!/bin/bash
# The Debian packages: built twice to the same bytes; in a fresh Debian installed, run, upgraded, removed, purged.
# Needs packages-package.txt and a Debian mirror, and takes minutes. The fresh system is kept in REHOST_TEST_CACHE.
HARNESS_ONLY=yes
. "$(dirname "$0")/lib.sh"
need_root
CACHE=${REHOST_TEST_CACHE:-$TOP/build/cache}
MIRROR=${REHOST_TEST_MIRROR:-http://deb.debian.org/debian}
for tool in debootstrap dh lintian blhc; do command -v $tool >/dev/null || skip "$tool is not installed: see packages-package.txt"; done
. /etc/os-release

# --- building --------------------------------------------------------------------------------------------------------------------

# build_deb OUT [SOURCE]: without the unit tests, which CI runs.
build_deb() { DEB_BUILD_OPTIONS="nocheck ${DEB_BUILD_OPTIONS:-}" sh "${2:-$TOP}/packaging/build-deb.sh" -o "$1" >"$1.log" 2>&1; }
mkdir -p "$WORK/there/and/farther"
check "the packages are built" build_deb "$WORK/one" || { tail -20 "$WORK/one.log"; finish; }
(umask 077; export TMPDIR=$WORK/there/and/farther TZ=Pacific/Auckland LC_ALL=C HOME=/nonexistent DEB_BUILD_OPTIONS=parallel=1; sleep 2; build_deb "$WORK/two" )
for deb in "$WORK"/one/*.deb; do
    check "${deb##*/}: the same bytes from another directory, umask and time zone, and later" cmp "$deb" "$WORK/two/${deb##*/}"
done
equal "and as many of them" "$(ls "$WORK/two"/*.deb | wc -l)" 4
for deb in "$WORK"/one/*.deb; do dpkg-deb -x "$deb" "$WORK/unpacked"; done
refute "no file tells where it was built" grep -rlaF -e "$WORK" -e rehost-deb. "$WORK/unpacked"
check "lintian has nothing to say" lintian --allow-root --fail-on error,warning "$WORK"/one/*.changes
empty "lintian is silent" "$WORK/check.out"
# It does not know -static-pie.
check "blhc: everything is hardened" blhc --ignore-line '.* -static-pie .*' "$WORK/one.log"

# --- a fresh system ------------------------------------------------------------------------------------------------------------

R=$WORK/debian
mkdir -p "$CACHE" "$R"
tarball=$CACHE/$VERSION_CODENAME-$(dpkg --print-architecture).tar
if [ ! -e "$tarball" ]; then
    # The scripts of debootstrap make device nodes, and its programs are run.
    debootstrap --variant=minbase "$VERSION_CODENAME" "$WORK/bootstrap" "$MIRROR" >"$WORK/debootstrap.log" 2>&1 &&
        tar -C "$WORK/bootstrap" -cf "$tarball.$$" . && mv "$tarball.$$" "$tarball" || { not_ok "debootstrap"; tail -5 "$WORK/debootstrap.log"; finish; }
    rm -rf "$WORK/bootstrap"
fi
make_fs ext4 4096 "$R" # a mount of its own: it is the root of what is run there
tar -C "$R" -xf "$tarball" && mount -t proc proc "$R/proc"
cp /etc/resolv.conf "$R/etc/"
printf '#!/bin/sh\nexit 101\n' >"$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
# inside COMMAND...: as cron would run it, with next to no environment.
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$R" "$@" </dev/null; }
# apt_install DIR: both packages of it, from files.
apt_install() {
    cp "$1"/rehost_*.deb "$1"/rehost-helper-static_*.deb "$R/root/" &&
        inside sh -c 'apt-get install -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold /root/*.deb'
    local status=$?
    rm -f "$R"/root/*.deb
    return $status
}
enabled() { systemctl --root="$R" is-enabled "$@" 2>&1; }

check "apt-get update" inside apt-get update
check "apt installs the packages" apt_install "$WORK/one"
equal "dpkg --verify" "$(inside dpkg --verify rehost rehost-helper-static)" ""
for unit in rehost-sync.timer rehost-sync@.timer; do equal "$unit is not enabled" "$(enabled $unit)" disabled; done
for unit in rehost-sync.service rehost-sync@.service; do equal "$unit cannot be" "$(enabled $unit)" static; done
equal "cron has nothing to do" "$(grep -Ev '^(#|$|PATH=)' "$R/etc/cron.d/rehost")" ""
for d in var/lib/rehost var/log/rehost run/rehost; do refute "no /$d before anything is run" test -e "$R/$d"; done
equal "configuration files" "$(inside dpkg-query -W -f='${Conffiles}\n' rehost | awk '/obsolete/ { print "obsolete" } /^ / { print $1 }' | sort | paste -sd' ')" \
    "/etc/cron.d/rehost /etc/logrotate.d/rehost /etc/rehost/rehost.conf"
inside sh -c 'rehost --version' >"$OUT" 2>&1
has "rehost --version" "$OUT" '^rehost [0-9]'
has "with the journal plugin beside it" <(inside dpkg -L rehost) '/rehost/plugins/rehost-plugin-journal.so$'
check "the configuration as installed is accepted" inside rehost check-config
mkdir "$WORK/empty"; cp "$R/usr/libexec/rehost/rehost-receiver" "$WORK/empty/"
check "the receiver runs where there is nothing else" chroot "$WORK/empty" /rehost-receiver --version

# --- running -----------------------------------------------------------------------------------------------------------------------

tree make "$R/srv/tree" --entries 2000 >"$WORK/left-out"
check "a local copy" inside rehost -q copy /srv/tree local:/srv/copy
same "is identical" "$R/srv/tree" "$R/srv/copy"

start_sshd
cp "$KEY" "$R/root/key"; cp "$KNOWN" "$R/root/known_hosts"; chmod 600 "$R/root/key"
inside rehost --json --set target.identity=/root/key --set target.known_hosts=/root/known_hosts copy /srv/tree "$T:$WORK/far" >"$OUT" 2>"$ERR"
equal "a copy to another host, which has no helper" $? 0
equal "the one of the package was sent" "$(field bytes_helper)" "$(stat -c %s "$R/usr/libexec/rehost/rehost-receiver")"
same "is identical, too" "$R/srv/tree" "$WORK/far"

printf '[target]\naddress = %s\nport = %s\nroot = %s\nidentity = /root/key\nknown_hosts = /root/known_hosts\n[source]\nroot = /srv/tree\n' \
    "$ME@127.0.0.1" "$PORT" "$WORK/job" >>"$R/etc/rehost/rehost.conf"
inside sh -c "$(sed -n 's/^#[0-9* ]* root //p' "$R/etc/cron.d/rehost")" >"$OUT" 2>&1
equal "the line of cron syncs" $? 0
empty "in silence" "$OUT"
same "the configured job has copied" "$R/srv/tree" "$WORK/job"
check "status --check is content" inside rehost status --check --max-age 26h
check "logrotate takes the log" inside logrotate -f /etc/logrotate.d/rehost
check "it is there" test -s "$R/var/log/rehost/default.log.1"
equal "nobody else reads state and log" "$(stat -c %a "$R/var/lib/rehost" "$R/var/log/rehost" | paste -sd' ')" "700 700"
no_leftovers "running"

# --- upgrading -------------------------------------------------------------------------------------------------------------------

systemctl --root="$R" enable rehost-sync.timer rehost-sync@web.timer >/dev/null 2>&1
cp "$R/etc/rehost/rehost.conf" "$WORK/edited.conf"
mkdir "$WORK/newer"
tar -C "$TOP" --exclude=./build --exclude-vcs -cf - . | tar -C "$WORK/newer" -xf -
sed -i '1s/-1)/-2)/' "$WORK/newer/packaging/debian/changelog"
echo '# A line that the new version has.' >>"$WORK/newer/etc/rehost.conf"
check "a newer version is built" build_deb "$WORK/three" "$WORK/newer"
check "apt upgrades to it" apt_install "$WORK/three"
has "it is the newer one" <(inside dpkg-query -W -f='${Version}' rehost) '-2$'
check "the edited configuration is kept" cmp "$WORK/edited.conf" "$R/etc/rehost/rehost.conf"
has "the new one lies beside it" "$R/etc/rehost/rehost.conf.dpkg-dist" 'the new version has'
equal "what was enabled still is" "$(enabled rehost-sync.timer)" enabled
check "and the job goes on" inside rehost -q sync

# --- removing --------------------------------------------------------------------------------------------------------------------

check "apt removes the packages" inside apt-get remove -y rehost rehost-helper-static
for f in usr/bin/rehost usr/libexec/rehost usr/share/bash-completion/completions/rehost lib/systemd/system/rehost-sync.timer; do
    refute "/$f is gone" test -e "$R/$f"
done
for f in etc/rehost/rehost.conf var/lib/rehost/default/state.json var/log/rehost/default.log.1; do check "/$f is kept" test -e "$R/$f"; done
check "apt purges them" inside apt-get purge -y rehost rehost-helper-static
equal "nothing is left" "$(find "$R" -xdev -path "$R/srv" -prune -o -path "$R/root" -prune -o -name '*rehost*' -print)" ""
equal "in the package data base neither" "$(inside dpkg-query -W 'rehost*' 2>/dev/null | grep -v '^rehost[^ ]*[[:space:]]*$')" ""
same "what was copied is where it was" "$R/srv/tree" "$WORK/job"
umount "$R/proc"
finish
