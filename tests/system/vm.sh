#!/bin/bash
# rehost between two real systems: Debian 12 with systemd, cgroup v2, partitions, LVM and vfat, in QEMU (see vm-lib.sh). On demand:
# vm.sh [CASE...], or ctest -L vm. Under emulation a case takes minutes.
FS_MB=1024 HARNESS_ONLY=yes
. "$(dirname "$0")/lib.sh"
. "$HERE/vm-lib.sh"
need_root
CASES=(host reboot netem timer limits pressure)

# --- the program in the machines -------------------------------------------------------------------------------------------------

# packages: the packages of this source; kept in the cache until the source changes.
packages() {
    local sum
    sum=$(cd "$TOP" && find CMakeLists.txt LICENSE etc man packaging plugins src -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
    DEBS=$VM_CACHE/debs.$sum
    [ -d "$DEBS" ] && return 0
    echo "# building the packages"
    rm -rf "$VM_CACHE"/debs.*
    DEB_BUILD_OPTIONS=nocheck nice sh "$TOP/packaging/build-deb.sh" -o "$WORK/debs" >"$WORK/debs.log" 2>&1 || { tail -5 "$WORK/debs.log"; vm_die "no packages"; }
    mkdir "$DEBS.new" && cp "$WORK"/debs/rehost_*.deb "$WORK"/debs/rehost-helper-static_*.deb "$DEBS.new" && mv "$DEBS.new" "$DEBS"
}
# machines: source and target, with an ext4 file system on the target's second disk.
machines() { vm_disk target b 4G; vm_start target; vm_start source; machine target; machine source; new_disk target; }
# machine NAME: has booted, with the judges; with the packages if it is the source.
machine() {
    vm_wait "$1"
    tar -C "$HERE" --owner=0 --group=0 -cf - compare.py hostile_tree.py vm_measure.py | feed "$1" tar --warning=no-timestamp -C /usr/local/bin -xf - || vm_die "cannot copy to $1"
    [ "$1" = target ] && return 0
    tar -C "$DEBS" --owner=0 --group=0 -cf - . | feed source 'tar --warning=no-timestamp -C /mnt -xf -' &&
        check "the packages are installed" on source 'apt-get install -q -y /mnt/*.deb && rm /mnt/*.deb && rehost --version && dpkg --verify rehost rehost-helper-static' ||
        vm_die "without a program"
}
# new_disk NAME: ext4 on its second disk, at /srv/new, and there again after a reboot.
new_disk() {
    script "$1" <<'END' || vm_die "no file system on $1"
set -e
mkfs.ext4 -q -O ea_inode -i 8192 /dev/vdb
echo '/dev/vdb /srv/new ext4 defaults 0 2' >>/etc/fstab
mkdir -p /srv/new
mount -a
END
}

# job ADDRESS:DIR LINES: the configuration on the source: all of it to DIR on the target, and LINES.
job() {
    local address=${1%:*}; [ "$address" = local ] && address=local:
    printf '[target]\naddress = %s\nroot = %s\n%b' "$address" "${1##*:}" "$2" | feed source 'mkdir -p /etc/rehost && cat >/etc/rehost/rehost.conf'
}

# remote NAME ARGS: runs it there, with the results of lib.sh's `rehost`.
remote() {
    local name=$1 t0=$EPOCHREALTIME; shift
    LIMIT=${LIMIT:-1800} on "$name" "rehost $*" >"$OUT" 2>"$ERR"; RC=$?
    TOOK=$(awk -v a="$t0" -v b="$EPOCHREALTIME" 'BEGIN{printf "%.1f", b-a}')
    echo "# rehost $*: exit $RC, $TOOK s"
    jq -c 'select(.message_type=="error" or .message_type=="warning")' "$OUT" 2>/dev/null | note
}
# within WHAT GOT WANTED PERCENT
within() { if awk -v g="$2" -v w="$3" -v p="$4" 'BEGIN{exit !(g+0 >= w*(100-p)/100 && g+0 <= w*(100+p)/100)}'; then ok "$1: $2 ($3, within $4 %)"; else not_ok "$1: $2, not within $4 % of $3"; fi; }
# verified WHAT: every byte of the source is on the target; what changes by itself may have changed.
verified() {
    remote source --json verify --mode crc64; expect 0 "$1: verify --mode crc64"
    jq -c 'select(.message_type=="difference" and .kind!="changed")' "$OUT" >"$WORK/differences"
    echo "# $(field files_examined) examined, $(field bytes_hashed) bytes hashed, $(field changed) changed"
    empty "$1: nothing differs but what has changed" "$WORK/differences"
}

# same_as_source WHAT DIR COPY [compare.py options]: compares the source's DIR, with all that is mounted in it, with COPY on the target's
# second disk. That is lent to the source for it: compare.py sees both sides, and no byte goes through rehost.
same_as_source() {
    local what=$1 dir=$2 copy=$3; shift 3
    on target 'umount /srv/new' &&
    vm_monitor source "drive_add 0 file=$VM_DISKS/target.vdb,if=none,format=raw,id=lent,readonly=on,file.locking=off" &&
    vm_monitor source 'device_add virtio-blk-pci,drive=lent,id=lent,serial=lent' &&
    script source <<END >"$WORK/compare.out" 2>&1
disk=/dev/disk/by-id/virtio-lent
for i in \$(seq 100); do [ -e \$disk ] && break; sleep 0.2; done
mkdir -p /mnt/old /mnt/new
mount --rbind --make-rslave / /mnt/old && umount -R /mnt/old/{dev,proc,sys,run} && mount -o ro \$disk /mnt/new || exit 2
compare.py $* /mnt/old$dir /mnt/new$copy
r=\$?
umount -R /mnt/old; umount /mnt/new
exit \$r
END
    if [ $? = 0 ]; then ok "$what"; else not_ok "$what"; note <"$WORK/compare.out"; fi
    vm_monitor source 'device_del lent' &&
    on source 'for i in $(seq 100); do [ -e /dev/disk/by-id/virtio-lent ] || exit 0; sleep 0.2; done; exit 1' &&
    on target 'mount /srv/new' || vm_die "the disk does not come back"
}

# --- cases -----------------------------------------------------------------------------------------------------------------------

# A whole host: its root on ext4, on partitions of a second disk vfat, and on LVM xfs and btrfs. The copy is the host: it boots.
case_host() {
    local same=(--exclude mnt --exclude var/log --exclude var/lib/rehost --exclude var/lib/systemd --exclude etc/rehost --exclude root/.ssh)
    vm_disk source b 2G
    machines
    script source <<'END' || vm_die "no disks on the source"
set -e
printf 'label: gpt\n,64M,U\n,,E6D6D379-F507-44C2-A23C-238F2A3DF928\n' | sfdisk -q /dev/vdb
udevadm settle
mkfs.vfat -n ESP /dev/vdb1 >/dev/null
pvcreate -qq /dev/vdb2; vgcreate -qq vg /dev/vdb2
lvcreate -qq -L 400M -n home vg; lvcreate -qq -L 400M -n data vg
mkfs.xfs -q /dev/vg/home; mkfs.btrfs -q /dev/vg/data >/dev/null
mkdir -p /boot/efi /srv/data
printf '%s\n' '/dev/vdb1 /boot/efi vfat umask=0077 0 1' '/dev/vg/home /home xfs defaults 0 2' '/dev/vg/data /srv/data btrfs defaults 0 0' >>/etc/fstab
mount -a
mkdir -p /boot/efi/EFI/debian; cp /boot/vmlinuz-* /boot/efi/EFI/debian/vmlinuz; echo long >"/boot/efi/EFI/A long name.txt"
hostile_tree.py make /home/tree --seed 1 --entries 800
hostile_tree.py make /srv/data/tree --seed 2 --entries 800
rm -r /srv/data/tree/flags/C-* # ext4 cannot keep this flag
echo kept >/tmp/kept; echo kept >/root/kept; touch -d '2001-02-03 04:05:06.789' /boot
END
    job root@target:/srv/new '[rules]\nexclude = /mnt/*\n'
    remote source --json copy; expect 0 "a whole host is copied"
    above "the helper was brought along: bytes" "$(field bytes_helper)" 100000
    echo "# $(field files_examined) files, $(field bytes_total) bytes in $(field duration_s) s, $(field processes) processes"
    verified "after the copy"
    same_as_source "after the copy: the same by compare.py" / / "${same[@]}"
    script source <<'END'
hostile_tree.py mutate /home/tree --seed 3 --count 60 >/dev/null
hostile_tree.py mutate /srv/data/tree --seed 4 --count 60 >/dev/null
rm /boot/efi/EFI/debian/vmlinuz /tmp/kept; echo new >/boot/efi/EFI/debian/new; mv /usr/share/doc /usr/share/doc.moved; useradd -m somebody
END
    remote source --json sync; expect 0 "a sync after changes"
    echo "# $(field files_transferred) transferred, $(field files_deleted) deleted, $(field bytes_sent) bytes sent in $(field duration_s) s"
    verified "after the sync"
    same_as_source "after the sync: the same by compare.py" / / "${same[@]}"
    check "the source goes down in order" vm_stop source; check "the target goes down in order" vm_stop target
    mv "$VM_DISKS/target.vdb" "$VM_DISKS/source.vda"
    vm_start source; vm_wait source
    equal "the copy boots" "$(cat "$WORK/vm/source.state")" running
    check "and is the host" on source 'findmnt /home -t xfs && findmnt /srv/data -t btrfs && findmnt /boot/efi -t vfat && id somebody && rehost status && [ -c /dev/null ]'
}

# The target is reset in the middle of a copy, twice: the run goes on by itself. The source is reset: running it again goes on.
case_reboot() {
    machines
    job root@target:/srv/new/data '[source]\nroot = /srv/data\n'
    script source <<'END'
hostile_tree.py many /srv/data/many 60 40 8000
hostile_tree.py make /srv/data/tree --entries 500
hostile_tree.py random /srv/data/large 60000000
END
    on source 'rehost --json copy >/root/out 2>/root/err; echo $? >/root/rc' & local run=$!
    local i
    for i in 15000000 50000000; do
        wait_bytes $i
        vm_reset target; vm_wait target
    done
    LIMIT=900 until_remote source 'test -s /root/rc'
    wait $run
    on source 'cat /root/out' >"$OUT"; on source 'cat /root/err' >"$ERR"; RC=$(on source cat /root/rc)
    expect 0 "a copy whose target was reset twice"
    jq -c 'select(.message_type=="warning" or .message_type=="error")' "$OUT" | note
    echo "# $(field bytes_sent) bytes sent for $(field bytes_total), $(field duration_s) s"
    verified "the target reset"
    same_as_source "the target reset: the same by compare.py" /srv/data /data

    on target 'chattr -R -f -ia /srv/new/data; rm -rf /srv/new/data'; on source 'rm -rf /var/lib/rehost; hostile_tree.py random /srv/data/large 60000000 --seed 2; sync'
    on source 'systemd-run -q -u run rehost run'
    wait_bytes 30000000
    vm_reset source; vm_wait source
    remote source --json run; expect 0 "run again after the source was reset"
    verified "the source reset"
    same_as_source "the source reset: the same by compare.py" /srv/data /data
    equal "no helper left on the target" "$(on target 'pgrep -l rehost; find /run /dev/shm /var/tmp /root /srv/new -name ".rehost?*"')" ""
}
# until_remote NAME COMMAND: every second, until it succeeds or $LIMIT seconds have passed.
until_remote() { local t0=$SECONDS; until LIMIT=30 on "$@" >/dev/null 2>&1; do [ $((SECONDS - t0)) -lt "${LIMIT:-300}" ] || return 1; sleep 1; done; }
wait_bytes() { LIMIT=300 until_remote source "rehost status --json | grep -q running_command && [ \$(rehost status --json | tr -d '\" ' | grep -o 'bytes_done:[0-9]*' | cut -d: -f2) -ge $1 ]" || not_ok "$1 bytes were never done"; }

# Many small files over a link of 50 ms and 1 % loss cost no round trip each.
case_netem() {
    local plain shaped
    machines
    job root@target:/srv/new/data '[source]\nroot = /srv/data\n'
    on source 'hostile_tree.py many /srv/data 100 30 1000'
    remote source --json --set transfer.processes=1 copy; expect 0 "3000 small files over the wire as it is"; plain=$(field duration_s)
    netem 'delay 25ms loss 1%'
    above "the link is shaped: milliseconds to connect" "$(round_trip)" 45
    on target 'rm -rf /srv/new/data'
    remote source --json --set transfer.processes=1 copy; expect 0 "and over 50 ms with 1 % loss each way"; shaped=$(field duration_s)
    # A round trip a file would be 150 s.
    below "no round trip a file: seconds more" "$(awk -v a="$shaped" -v b="$plain" 'BEGIN{print a-b}')" 40
    on source 'for i in $(seq 100); do echo changed >>/srv/data/$(cd /srv/data && find . -type f | sed -n ${i}7p); done'
    remote source --json sync; expect 0 "a sync of 100 changes over it"
    below "neither there" "$(field duration_s)" 60
    verified "over the shaped link"
    local before after
    before=$(segments); remote source --json netcheck; expect 0 "netcheck of that link"; after=$(segments)
    echo "# $(jq -c 'select(.message_type=="summary") | {round_trip_ms, round_trip_min_ms, jitter_ms, tcp_round_trip_ms, loss_percent, segments, retransmitted, throughput_mbit}' "$OUT")"
    echo "# the kernel: segments and retransmissions ever, before $before, after $after"
    # What the emulated processors need for a ping comes on top.
    above "it reports the 50 ms" "$(field round_trip_min_ms)" 49.9; below "and little more" "$(field round_trip_min_ms)" 65
    within "it reports the 1 % loss, as it has fallen" "$(field loss_percent)" \
        "$(awk -v a="$before" -v b="$after" 'BEGIN{split(a,x); split(b,y); print (y[2]-x[2])*100/(y[1]-x[1])}')" 10
    above "which is about 1 %" "$(field loss_percent)" 0.5; below "not more" "$(field loss_percent)" 2
}
# round_trip: milliseconds to connect to the target, the median of seven.
round_trip() {
    script source <<'END'
python3 -c 'import socket, time
def once():
    t = time.time(); socket.create_connection(("target", 22)).close(); return time.time() - t
print("%.1f" % (sorted(once() for i in range(7))[3] * 1000))'
END
}
# segments: that the source's TCP has sent, and sent again.
segments() { on source "awk '/^Tcp:/ && \$2 ~ /[0-9]/ {print \$12, \$13}' /proc/net/snmp"; }
# netem OPTIONS: on the wire, in both directions.
netem() {
    local n
    for n in source target; do on $n "dev=\$(ip -br -4 a | awk '/10.7.0/{print \$1}'); tc qdisc replace dev \$dev root netem limit 10000 $1" || vm_die "no netem on $n"; done
}

# The units: what they copy is what a shell copies, they are silent on success, and the timer fires, also for a time that was missed.
case_timer() {
    local rules='[source]\nmounts = /\n[rules]\nexclude = /mnt, /srv, /usr/bin, /usr/sbin, /usr/lib, /usr/share\n[log]\nsyslog = yes\n'
    local same=(--exclude var/log --exclude var/lib/rehost --exclude var/lib/systemd --exclude etc/rehost --ignore dirmtime) d
    for d in mnt srv usr/bin usr/sbin usr/lib usr/share; do same+=(--exclude $d); done
    machines
    script source <<'END'
for d in /home /root /tmp /var/tmp /boot /etc /opt /usr/local; do hostile_tree.py many $d/many 3 3 1000; install -m 4755 -o daemon /bin/true $d/set-id; mknod -m 600 $d/node c 10 200; done
hostile_tree.py make /home/tree --entries 40 >/dev/null
mount --bind / /mnt; touch /mnt/{dev,proc,sys,run}/underneath; mknod /mnt/dev/node c 10 200; umount /mnt
END
    equal "nothing is enabled by being installed" "$(on source 'systemctl is-enabled rehost-sync.timer')" disabled
    check "the units are in order" on source 'systemd-analyze --man=no verify /usr/lib/systemd/system/rehost-*.service /usr/lib/systemd/system/rehost-*.timer'

    job root@target:/srv/new/shell "$rules"
    remote source --json --set job.name=shell sync; expect 0 "a sync from the shell"
    job root@target:/srv/new/unit "$rules"
    check "a sync by the unit" on source 'systemctl start rehost-sync'
    unit_silent "the unit"
    script target <<END >"$WORK/compare.out" 2>&1
compare.py ${same[*]} /srv/new/shell /srv/new/unit
END
    equal "what the unit copies is what the shell copies" "$?" 0 || note <"$WORK/compare.out"
    same_as_source "and the same as the source" / /unit "${same[@]}"
    verified "by the unit"
    # Into a local: target it makes devices and set-id files itself.
    job local:/srv/local "$rules"
    on source 'systemctl start rehost-sync'; unit_silent "the unit with a local: target"
    script source <<END >"$WORK/compare.out" 2>&1
mount --bind / /mnt; compare.py ${same[*]} /mnt /srv/local; r=\$?; umount /mnt; exit \$r
END
    equal "what it copies there is the same, too" "$?" 0 || note <"$WORK/compare.out"
    job root@target:/srv/new/unit "$rules"

    # As installed, but for the delay, which is random.
    script source <<'END'
mkdir -p /etc/systemd/system/rehost-sync.timer.d; printf '[Timer]\nRandomizedDelaySec=0\nAccuracySec=1s\n' >/etc/systemd/system/rehost-sync.timer.d/test.conf
systemctl -q enable systemd-networkd-wait-online # as everywhere: the image has not, to boot quickly
systemctl daemon-reload; systemctl -q enable --now rehost-sync.timer
echo one >/root/timer; date -s '23:59:40' >/dev/null
END
    check "the timer fires at midnight" until_target 'grep -q one /srv/new/unit/root/timer'
    until_remote source '[ "$(systemctl is-active rehost-sync)" = inactive ]'
    unit_silent "the timer"
    equal "the next is tomorrow" "$(on source 'date -d "$(systemctl show -p NextElapseUSecRealtime --value rehost-sync.timer)" +%F')" "$(on source 'date -d tomorrow +%F')"
    on source 'echo two >/root/timer'
    local later; later=$(on source 'date -u -d "+40 hours" +%FT%T')
    check "the source goes down" vm_stop source
    vm_start source -rtc "base=$later"; vm_wait source
    check "a time that was missed is made up for after the boot" until_target 'grep -q two /srv/new/unit/root/timer'
    until_remote source '[ "$(systemctl is-active rehost-sync)" = inactive ]'
    unit_silent "the catching up"

    # A failure is in the journal with all that is needed.
    on target 'systemctl stop ssh.socket ssh 2>/dev/null'
    refute "a target that cannot be reached fails the unit" on source 'systemctl start rehost-sync'
    on source 'systemctl show -p ExecMainStatus --value rehost-sync; journalctl -b -u rehost-sync -o cat --no-pager | tail -20' >"$OUT"
    has "with 69" "$OUT" '^69$'; has "and says why" "$OUT" '^rehost: error: \[RH[0-9]+\]'; has "and what to do" "$OUT" '^rehost: hint: '
    on source 'journalctl -b -o json REHOST_JOB=default' | jq -r 'select(.REHOST_EXIT_CODE) | .REHOST_EXIT_CODE' | paste -sd' ' >"$OUT"
    has "the journal has the records with their fields" "$OUT" '^0 .*69$|^0 69$'
}
# unit_silent WHAT: its last run has ended with 0 and written nothing to its output; the record of its end is in the journal.
unit_silent() {
    on source 'journalctl --sync; i=$(journalctl -b -u rehost-sync -o export | sed -n "s/^_SYSTEMD_INVOCATION_ID=//p" | tail -1); systemctl show -p Result -p ExecMainStatus --value rehost-sync | paste -sd" "
        journalctl -b _SYSTEMD_INVOCATION_ID=$i _TRANSPORT=stdout -o cat; journalctl -b _SYSTEMD_INVOCATION_ID=$i -o json | grep -c "\"REHOST_EXIT_CODE\":\"0\""' >"$OUT"
    equal "$1: ended well, silent, and the journal has its record" "$(paste -sd: "$OUT")" 'success 0:1'
}
until_target() { LIMIT=180 until_remote target "$@"; }

# background ARGS: rehost with these on the source, $PREFIX before it; comes back when it has begun to copy. Its process id is in /root/pid.
background() {
    on source "echo 3 >/proc/sys/vm/drop_caches; rm -f /root/rc; (${PREFIX:-} rehost $* >/root/out 2>/root/err; echo \$? >/root/rc) </dev/null >/dev/null 2>&1 &"
    wait_bytes 1
    on source "rehost status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"pid\"])' >/root/pid"
}
# measure KEY: of the last vm_measure.py.
value() { jq -r ".$1" "$WORK/measured"; }
measure() { on source "vm_measure.py $1" >"$WORK/measured"; echo "# $(cat "$WORK/measured")"; }
stop_job() { on source 'rehost stop >/dev/null; for i in $(seq 50); do [ -s /root/rc ] && break; sleep 0.2; done; cat /root/rc'; }
no_group() { on source '! find /sys/fs/cgroup -type d -name "*rehost*" | grep .'; }

# Limits by systemd's scopes and by groups of version 2, measured from outside the program over 30 s.
case_limits() {
    local of='[source]\nroot = /srv/data\n[limits]\n'
    vm_disk source b 2G
    VM_CPUS=2 vm_start source; machine source; new_disk source
    on source 'mkdir /srv/data; for i in 1 2 3 4 5 6; do head -c 120M /dev/urandom >/srv/data/$i; done; sync'

    job local:/srv/new/cpu "${of}cpu = 25%\nenforce = require\n"
    background copy
    measure 30
    has "the back end is a scope" "$WORK/measured" 'rehost-default-[0-9]+\.scope'
    within "cpu = 25%, by cpu.stat: percent" "$(value cpu)" 25 10; within "by its processes" "$(value cpu_processes)" 25 10
    on source 'rehost limits cpu=10%'; sleep 3; measure 30
    within "changed to 10% while it runs: percent" "$(value cpu)" 10 10
    equal "stopped" "$(stop_job)" 143; check "the scope is gone" no_group
    background copy; on source 'kill -9 $(cat /root/pid)'
    check "after kill -9 too" until_true 20 no_group

    job local:/srv/new/io "${of}io_read = 2M\n"
    background copy; sleep 5; measure 30; stop_job >/dev/null
    within "io_read = 2M: bytes of contents a second" "$(value copied)" 2097152 5; below "and no more by io.stat" "$(value read)" 2202010
    job local:/srv/new/io "${of}io_write = 2M\n"
    background copy; sleep 5; measure 30; stop_job >/dev/null
    within "io_write = 2M: bytes of contents a second" "$(value copied)" 2097152 5
    job local:/srv/new/memory "${of}memory = 128M\nio_read = 8M\n"
    background copy; measure 30
    below "memory = 128M: the peak" "$(value memory_peak)" 134217729; equal "nobody was killed for it" "$(value oom_kill)" 0
    above "and it goes on: bytes a second" "$(value copied)" 100000
    stop_job >/dev/null; check "the scope is gone" no_group

    job local:/srv/new/two "${of}cpu = 25%\nbackend = cgroup2\nenforce = require\n"
    remote source copy; expect 1 "cgroup2 required in a login session, which systemd has not delegated"; has "said so" "$ERR" 'RH1402'
    PREFIX='systemd-run -q --wait -p Delegate=yes --unit=delegated' background copy; measure 30
    has "in a service with Delegate=yes it is a group within" "$WORK/measured" 'delegated.service/rehost/default\.[0-9]+'
    within "cpu = 25% by cgroup2: percent" "$(value cpu)" 25 10
    stop_job >/dev/null; check "the group is gone" no_group
    on source 'useradd -m user; chmod 755 /srv/data'
    on source 'su - user -c "rehost --set limits.cpu=25% --set limits.enforce=require sync /etc local:copy"' >"$OUT" 2>"$ERR"; RC=$?
    expect 1 "required of a user who has no systemd and no group"; has "said so" "$ERR" 'RH1402'
    on source 'su - user -c "rehost --set limits.cpu=25% sync -x /usr/share/man local:copy"' >"$OUT" 2>"$ERR"; RC=$?
    expect 0 "preferred: it goes on"; has "with a warning" "$ERR" 'RH1401'
}

# Others wait for the processors: rehost yields, and comes back.
case_pressure() {
    local alone beside after
    vm_disk source b 2G
    VM_CPUS=2 vm_start source; machine source; new_disk source
    on source 'mkdir /srv/data; for i in 1 2 3 4 5 6; do head -c 120M /dev/urandom >/srv/data/$i; done; sync'
    # Slow enough that it lasts.
    job local:/srv/new/copy '[source]\nroot = /srv/data\n[limits]\nio_read = 3M\npressure = cpu:20%\n'
    background copy; sleep 15; measure 15; alone=$(value copied)
    above "nobody waits: it works, bytes a second" "$alone" 1500000
    on source 'systemd-run -q --unit=load sh -c "for i in 1 2 3 4; do while :; do :; done & done; wait"'
    sleep 15; measure 25; beside=$(value copied)
    below "four others want two processors: it yields, bytes a second" "$beside" "$(awk -v a="$alone" 'BEGIN{print a * 0.35}')"
    on source 'systemctl stop load'; sleep 40; measure 15; after=$(value copied)
    above "they are gone: it is back, bytes a second" "$after" "$(awk -v a="$alone" 'BEGIN{print a * 0.7}')"
    stop_job >/dev/null; on source 'cat /root/err' >"$ERR"; note <"$ERR"
}

vm_image
packages
for case in "${@:-"${CASES[@]}"}"; do
    echo "# === $case"; failed=$FAILED
    "case_$case"
    [ "$FAILED" = "$failed" ] || vm_logs
    vm_down
done
finish
