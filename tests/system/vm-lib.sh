# shellcheck shell=bash
# Machines for the tests of label vm: Debian 12 with its own kernel and systemd, in QEMU under software emulation. Sourced after lib.sh,
# whose process namespace they live in: they end with the script, however it ends.
#
# Their root is made once by debootstrap and kept in $REHOST_VM_CACHE (default /var/cache/rehost-vm) with its kernel and initrd; each
# machine begins with a copy of it. It has two network cards: one that the host reaches its sshd through, and one on a wire that joins
# the two machines, `source` and `target`. What the host needs is in packages-vm.txt, what a machine is made of in vm-guest.txt.
#
#   vm_image                         makes the image unless the cache has it
#   vm_disk NAME LETTER SIZE         gives it one more disk, empty: vdb, vdc (before vm_start)
#   vm_start NAME [QEMU_OPTION]...   switches it on; the target before the source, which plugs into its end of the wire
#   on NAME COMMAND                  runs it there with root's shell, $LIMIT seconds at most
#   script NAME                      runs the script on stdin there with bash
#   vm_reset NAME                    the reset button: nothing is synced; vm_wait NAME: until it has booted (again)
#   vm_stop NAME                     shuts it down in order
#   vm_down                          pulls every plug, and throws the disks away
#   vm_logs                          the ends of consoles and journals, for a failure
VM_CACHE=${REHOST_VM_CACHE:-/var/cache/rehost-vm}
VM_MIRROR=${REHOST_VM_MIRROR:-http://deb.debian.org/debian}
declare -A VM_PID VM_BOOT VM_NUMBER=([source]=1 [target]=2)

vm_die() { echo "Bail out! $*"; exit 99; }

vm_packages() {
    local p missing=()
    for p in $(sed 's/#.*//' "$HERE/packages-vm.txt"); do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
    done
    [ ${#missing[@]} = 0 ] && return 0
    echo "# installing: ${missing[*]}"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -q -y --no-install-recommends "${missing[@]}"; } \
        </dev/null >"$WORK/apt.log" 2>&1 || { tail -3 "$WORK/apt.log"; vm_die "cannot install ${missing[*]}"; }
}

# --- the image -------------------------------------------------------------------------------------------------------------------

# Runs in the root: makes a bare debootstrap a machine that boots quickly, has its networks, and lets the host and the other machine in.
vm_configure() {
    set -e
    printf '127.0.0.1 localhost\n10.7.0.1 source\n10.7.0.2 target\n' >/etc/hosts
    : >/etc/fstab; : >/etc/machine-id
    network() { printf '[Match]\nMACAddress=%s\n[Network]\nAddress=%s\nIPv6AcceptRA=no\n' "$2" "$3" >"/etc/systemd/network/$1.network"; }
    network wire-source 52:54:00:07:00:01 10.7.0.1/24
    network wire-target 52:54:00:07:00:02 10.7.0.2/24
    network host '52:54:00:07:01:01 52:54:00:07:01:02' 10.0.2.15/24
    systemctl -q enable systemd-networkd
    systemctl -q disable systemd-networkd-wait-online
    systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    mkdir -p /var/log/journal
    passwd -qd root
    mkdir -p -m 700 /root/.ssh
    ssh-keygen -q -t ed25519 -N '' -C '' -f /root/.ssh/id_ed25519
    cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
    echo "source,target,10.7.0.1,10.7.0.2 $(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" >/root/.ssh/known_hosts
    echo MODULES=list >/etc/initramfs-tools/conf.d/small
    printf 'virtio_pci\nvirtio_blk\next4\n' >>/etc/initramfs-tools/modules
    update-initramfs -u
    apt-get clean
    rm -rf /var/lib/apt/lists/* /var/log/bootstrap.log
}

# vm_make DIR: image, kernel, initrd and key.
vm_make() {
    local root=$1/root packages
    packages=$(sed 's/#.*//' "$HERE/vm-guest.txt" | xargs | tr ' ' ,)
    nice debootstrap --variant=minbase --include="$packages" bookworm "$root" "$VM_MIRROR" || return 1
    mount -t proc proc "$root/proc" || return 1
    nice chroot "$root" bash -c "$(declare -f vm_configure); vm_configure"; local r=$?
    umount "$root/proc"
    [ $r = 0 ] || return 1
    cp "$root"/boot/vmlinuz-* "$1/vmlinuz" && cp "$root"/boot/initrd.img-* "$1/initrd" && cp "$root/root/.ssh/id_ed25519" "$1/key" &&
    truncate -s 3G "$1/root.img" && mkfs.ext4 -q -F -m 0 -O ea_inode -d "$root" "$1/root.img" && rm -rf --one-file-system "$root"
}

vm_image() {
    local made
    vm_packages
    mkdir -p "$VM_CACHE" && exec {VM_LOCK}>"$VM_CACHE/lock" && flock "$VM_LOCK" || vm_die "no cache in $VM_CACHE"
    made=$(cat "$HERE/vm-guest.txt" <(declare -f vm_configure vm_make) | sha256sum | cut -c1-16)
    VM_IMAGE=$VM_CACHE/$made
    if [ ! -d "$VM_IMAGE" ]; then
        echo "# making the image in $VM_CACHE"
        rm -rf --one-file-system "$VM_CACHE"/new "$VM_CACHE"/????????????????
        mkdir "$VM_CACHE/new" && vm_make "$VM_CACHE/new" >"$WORK/image.log" 2>&1 && mv "$VM_CACHE/new" "$VM_IMAGE" ||
            { tail -5 "$WORK/image.log"; vm_die "no image"; }
    fi
    # Disks are too large for lib.sh's work directory. Those of a script that was killed go with the next one.
    local d lock
    for d in "$VM_CACHE"/disks.*; do
        [ -d "$d" ] && exec {lock}<"$d" && { flock -n "$lock" && rm -rf "$d"; exec {lock}<&-; }
    done
    VM_DISKS=$(mktemp -d "$VM_CACHE/disks.XXXXXX") && exec {VM_DISKS_LOCK}<"$VM_DISKS" && flock -n "$VM_DISKS_LOCK" || vm_die "no room for disks"
    trap 'rm -rf "$VM_DISKS"; cleanup' EXIT
    flock -u "$VM_LOCK"
    mkdir -p "$WORK/vm"
    # Keys that ssh accepts, whatever the modes in the cache.
    install -m 600 "$VM_IMAGE/key" "$WORK/vm/key"
    : >"$WORK/vm/ssh_config"
}

# --- machines --------------------------------------------------------------------------------------------------------------------

vm_disk() { truncate -s "$3" "$VM_DISKS/$1.vd$2"; }

vm_start() {
    local name=$1 n=${VM_NUMBER[$1]} wire=$WORK/vm/wire port disk drives=() net=(); shift
    disk=$VM_DISKS/$name.vda
    [ -e "$disk" ] || cp --sparse=always "$VM_IMAGE/root.img" "$disk" || vm_die "no disk for $name"
    for disk in "$VM_DISKS/$name".vd?; do drives+=(-drive "file=$disk,if=virtio,format=raw,cache=unsafe,discard=unmap"); done
    if ! grep -q "^Host $name\$" "$WORK/vm/ssh_config"; then
        printf 'Host %s\n HostName 127.0.0.1\n Port %s\n User root\n IdentityFile %s\n IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null
 LogLevel ERROR\n ConnectTimeout 10\n ServerAliveInterval 10\n ServerAliveCountMax 6\n ControlMaster auto\n ControlPath %s/vm/%%n.ctl\n ControlPersist 600\n' \
            "$name" "$(free_port)" "$WORK/vm/key" "$WORK" >>"$WORK/vm/ssh_config"
    fi
    port=$(ssh -G -F "$WORK/vm/ssh_config" "$name" | awk '$1=="port"{print $2}')
    # A stream holds the sender back when the receiver is slow. The target's end waits for a new one when the source is switched off.
    [ "$name" = target ] && net=(-netdev "stream,id=wire,server=on,addr.type=unix,addr.path=$wire")
    [ "$name" = source ] && [ -n "${VM_PID[target]:-}" ] && until_true 60 test -S "$wire" && net=(-netdev "stream,id=wire,server=off,addr.type=unix,addr.path=$wire")
    [ ${#net[@]} = 0 ] || net+=(-device "virtio-net-pci,netdev=wire,mac=52:54:00:07:00:0$n")
    nice -n "${VM_NICE:-10}" qemu-system-x86_64 -name "$name" -accel tcg,thread=multi -cpu max -smp "${VM_CPUS:-1}" -m "${VM_RAM:-1024}" \
        -kernel "$VM_IMAGE/vmlinuz" -initrd "$VM_IMAGE/initrd" \
        -append "root=/dev/vda rw console=ttyS0 systemd.hostname=$name panic=5 ${VM_APPEND:-}" \
        -display none -chardev "file,id=console,path=$WORK/vm/$name.console,append=on" -serial chardev:console -monitor "unix:$WORK/vm/$name.monitor,server=on,wait=off" \
        -nodefaults -device virtio-rng-pci "${drives[@]}" \
        -netdev "user,id=host,restrict=on,hostfwd=tcp:127.0.0.1:$port-:22" -device "virtio-net-pci,netdev=host,mac=52:54:00:07:01:0$n" \
        "${net[@]}" "$@" </dev/null >"$WORK/vm/$name.log" 2>&1 &
    VM_PID[$name]=$! VM_BOOT[$name]=
}

# vm_wait NAME: until it has booted, and not the boot that was known before.
vm_wait() {
    local name=$1 boot t0=$SECONDS
    ssh -F "$WORK/vm/ssh_config" -O exit "$name" 2>/dev/null
    while [ $((SECONDS - t0)) -lt "${BOOT_LIMIT:-900}" ]; do
        kill -0 "${VM_PID[$name]}" 2>/dev/null || { note <"$WORK/vm/$name.log"; vm_die "$name has ended"; }
        boot=$(LIMIT=20 on "$name" 'cat /proc/sys/kernel/random/boot_id' 2>/dev/null) && [ "$boot" != "${VM_BOOT[$name]}" ] && {
            VM_BOOT[$name]=$boot
            LIMIT=300 on "$name" 'systemctl is-system-running --wait' >"$WORK/vm/$name.state" 2>&1
            echo "# $name has booted in $((SECONDS - t0)) s: $(cat "$WORK/vm/$name.state")"
            return 0
        }
        sleep 1
    done
    vm_logs; vm_die "$name does not answer"
}

# feed NAME COMMAND: `on` with the caller's stdin.
feed() { local name=$1; shift; timeout -k 5 "${LIMIT:-300}" ssh -F "$WORK/vm/ssh_config" "$name" "$@"; }
on() { feed "$@" </dev/null; }
script() { feed "$1" bash; }

# vm_monitor NAME COMMAND: of the emulator; what it has to say is an error.
vm_monitor() {
    "$PY" - "$WORK/vm/$1.monitor" "$2" <<'END'
import socket, sys
def answer(s):
    text = b""
    while not text.endswith(b"(qemu) "):
        text += s.recv(4096)
    return text
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
answer(s)
s.sendall(sys.argv[2].encode() + b"\n")
lines = answer(s).decode().replace("\r", "").split("\n")[1:-1]
lines = [l for l in lines if l and l != "OK"]
lines and print("\n".join(lines))
sys.exit(bool(lines))
END
}
vm_reset() { vm_monitor "$1" system_reset; }

vm_stop() {
    on "$1" 'systemctl --no-block poweroff' >/dev/null 2>&1
    ssh -F "$WORK/vm/ssh_config" -O exit "$1" 2>/dev/null
    if until_true 200 vm_gone "$1"; then return 0; fi
    vm_logs; kill -KILL "${VM_PID[$1]}"; wait "${VM_PID[$1]}"
    return 1
}
vm_down() {
    local name
    for name in "${!VM_PID[@]}"; do kill -KILL "${VM_PID[$name]}" 2>/dev/null; wait "${VM_PID[$name]}" 2>/dev/null; done
    VM_PID=(); rm -f "$VM_DISKS"/* "$WORK/vm/wire"
}
vm_gone() { ! kill -0 "${VM_PID[$1]}" 2>/dev/null; }

vm_logs() {
    local name
    for name in "${!VM_PID[@]}"; do
        echo "# --- console of $name"; tail -15 "$WORK/vm/$name.console" | tr -d '\r' | note
        echo "# --- journal of $name"; LIMIT=60 on "$name" 'journalctl -b --no-pager -n 200 | grep -v " sshd\[" | tail -25' 2>&1 | note
    done
}
