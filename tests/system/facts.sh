#!/bin/bash
# facts of this host, of a tree and of the target: a whole document, quickly, also when something hangs or lies; nothing is written.
. "$(dirname "$0")/lib.sh"
rehost facts; expect 0 "facts"; empty "nothing on stderr" "$ERR"
F=$WORK/facts.json; cp "$OUT" "$F"
check "it is JSON" jq -e . "$F"
equal "its sections" "$(jq -r '[keys[] | select(. != "unknown")] | join(" ")' "$F")" "boot config disks kernel live lvm machine mounts network os processes rehost root schema security services taken time"
equal "the running kernel" "$(jq -r .kernel.running "$F")" "$(uname -r)"
equal "processors" "$(jq -r .machine.cpu.count "$F")" "$(grep -c ^processor /proc/cpuinfo)"
check "the work file system, with its size" jq -e --arg w "$WORK" '.mounts.mounted[] | select(.path == $w) | .size > 0' "$F"
check "every unknown has its reason" sh -c "! jq -e '.. | objects | select(has(\"what\") and has(\"why\") and .why == \"\")' '$F'"

# A host that is mounted somewhere: only its files count.
mkdir -p tree/etc tree/usr/lib/modules/5.5.5/ tree/boot; printf 'ID=other\nVERSION_ID="9"\n' >tree/etc/os-release; echo elsewhere >tree/etc/hostname; : >tree/boot/vmlinuz-5.5.5
ln -s /etc/hostname tree/etc/machine-id
rehost facts --root tree; expect 0 "facts --root"
equal "its name and kernel" "$(jq -r '[.os.id, .os.version_id, .os.hostname, .os.machine_id, .kernel.installed[0].release, .kernel.running] | @csv' "$OUT")" '"other","9","elsewhere","elsewhere","5.5.5",'
rehost facts --root nowhere; expect 1 "a root that is not there"
rehost facts --anonymize; expect 0 "facts --anonymize"
hasnt "no machine id" "$OUT" "$(cat /etc/machine-id 2>/dev/null || echo none-here)"

# --- of the target: local, and what there is of its root ---
root() { jq -c ".target_root | [$1]" "$OUT"; }
mkdir -p dst/lost+found dst/.rehost.tmp.0123456789abcdef dst/dir/sub dst/vol
rehost facts --target "local:$WORK/dst"; expect 0 "facts --target, local"; empty "nothing on stderr" "$ERR"
equal "its sections" "$(jq -r '[keys[] | select(. != "unknown")] | join(" ")' "$OUT")" "boot config disks kernel live lvm machine mounts network os processes rehost root schema security services taken target_root time"
equal "the root" "$(root '.path, .resolved, .exists, .directory, .live, .entries, .others, .temporaries[], .euid')" \
    "[\"$WORK/dst\",\"$WORK/dst\",true,true,false,2,false,\".rehost.tmp.0123456789abcdef\",$(id -u)]"
equal "its file system" "$(root '.type, .bytes_total, .inodes_total, .read_only')" "[\"$(df --output=fstype "$WORK" | tail -1)\",$(($(stat -f -c '%b*%S' "$WORK"))),$(stat -f -c %c "$WORK"),false]"
: >dst/dir/sub/file; rehost facts --target "local:$WORK/dst"
equal "something else than directories, two levels down" "$(root '.entries, .others')" "[2,true]"
ln -s dst link; rehost facts --target "local:link"; equal "a relative link" "$(root '.resolved, .exists')" "[\"$WORK/dst\",true]"
rehost facts --target "local:$WORK/dst/no/such"; expect 0 "a root that is not there"
equal "the nearest directory says how much room there is" "$(root '.exists, .directory, .parent, .resolved, .entries, .bytes_available > 0')" \
    "[false,false,\"$WORK/dst\",\"$WORK/dst/no/such\",0,true]"
refute "it was not made" test -e dst/no
rehost facts --target local:/; equal "the running system" "$(root .live)" "[true]"
if [ "$ISOLATED" = yes ]; then
    mount -t tmpfs -o size=1M,ro "with space" dst/vol
    rehost facts --target "local:$WORK/dst"
    equal "a mount beneath it" "$(root '.mounts[] | .path, .type, .device, .bytes_total, .read_only')" '["vol","tmpfs","with space",1048576,true]'
    umount dst/vol
fi
equal "this host, the same from both sides" "$(jq -S 'del(.taken, .unknown, .target_root, .processes, .machine, .mounts, .time, .network, .services, .disks)' "$OUT" | sha256sum)" \
    "$(rehost facts; jq -S 'del(.taken, .unknown, .processes, .machine, .mounts, .time, .network, .services, .disks)' "$OUT" | sha256sum)"

# --- of the target over SSH ---
start_sshd
before=$(fingerprint dst)
for t in libssh2 ssh; do
    use_ssh; SET+=(--set "target.transport=$t")
    rehost facts --target "$T:$WORK/dst"; expect 0 "$t: facts --target"; empty "$t: nothing on stderr" "$ERR"
    equal "$t: the root" "$(root '.path, .exists, .others')" "[\"$WORK/dst\",true,true]"
    equal "$t: the kernel" "$(jq -r .kernel.running "$OUT")" "$(uname -r)"
    no_leftovers "$t"
done
equal "nothing was written" "$(fingerprint dst)" "$before"
for d in state run log; do refute "no $d is made" test -e "$WORK/$d"; done
use_ssh
rehost facts --target --anonymize "$T:$WORK/dst"; expect 0 "facts --target --anonymize"
hasnt "no machine id" "$OUT" "$(cat /etc/machine-id 2>/dev/null || echo none-here)"
printf '[target]\naddress = 127.0.0.1\nport = %s\nuser = %s\nroot = %s\nidentity = %s\nknown_hosts = %s\n' "$PORT" "$ME" "$WORK/dst" "$KEY" "$KNOWN" >job.conf
SET=(); rehost -c job.conf facts --target; expect 0 "of the configured job"; equal "its root" "$(root .path)" "[\"$WORK/dst\"]"
rehost -c job.conf facts; expect 64 "a configuration without --target"
rehost -c /dev/null facts --target; expect 78 "no target is configured"
use_ssh
rehost facts --target a b; expect 64 "two arguments"
rehost facts --target --root / "$T:/"; expect 64 "two hosts"
rehost facts "$T:/"; expect 64 "a target without --target"
rehost facts --target "$ME@127.0.0.1:1:/"; expect 69 "nobody listens"; has "it says so" "$ERR" 'error: \[RH06..\].*refused'
ssh-keygen -q -t ed25519 -N '' -f other; rehost facts --target --set target.identity= --set "target.identity=$WORK/other" "$T:/"; expect 77 "a key that is not let in"
if [ "$ISOLATED" != yes ]; then
    skip_part users "needs root"
else
    as_tester; T=tester@127.0.0.1:$PORT
    SET=(--set "target.identity=$WORK/home/tester/.ssh/key" --set "target.known_hosts=$WORK/home/tester/.ssh/known_hosts")
    rehost facts --target "$T:."; expect 0 "an ordinary login, its home"
    equal "it is it" "$(root '.euid, .resolved')" "[54321,\"$WORK/home/tester\"]"
    if command -v sudo >/dev/null; then
        printf 'tester ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\n' >"$WORK/etc/sudoers"; chmod 440 "$WORK/etc/sudoers"; mount --bind "$WORK/etc/sudoers" /etc/sudoers
        rehost facts --target --set target.sudo=yes "$T:$WORK/dst"; expect 0 "sudo"; equal "as root" "$(root .euid)" "[0]"
    else
        skip_part sudo "sudo is not installed"
    fi
    AS=("${REFUSED[@]}"); use_ssh
    no_leftovers "users"
fi

# --- the link drops while the target is read: nothing stays there, not even a probe that hangs ---
if [ "$ISOLATED" = yes ]; then
    mkdir -p bin; printf '#!/bin/sh\necho $$ >%s/hung; exec sleep 300\n' "$WORK" >bin/lvm; chmod 755 bin/lvm
    lvm=$(for d in /usr/sbin /usr/bin /sbin /bin; do [ -e $d/lvm ] && echo $d/lvm && break; done)
    if [ -z "$lvm" ]; then lvm=/usr/sbin/lvm; cp -a /usr/sbin sbin; mount --bind sbin /usr/sbin; cp bin/lvm /usr/sbin/lvm; else mount --bind bin/lvm "$(readlink -f "$lvm")"; fi
    rehost facts --target "$T:$WORK/dst"; expect 0 "a program that hangs"
    equal "costs its section" "$(jq -c '[.lvm, (.unknown[] | select(.what == "lvm") | .why)]' "$OUT")" '[null,"it took too long"]'
    below "and ten seconds" "$TOOK" 15; refute "it is gone" kill -0 "$(cat hung)"
    rm -f hung; start_rehost facts --target "$T:$WORK/dst"; until_true 20 test -s hung
    check "a program runs there" kill -0 "$(cat hung)"
    kill -KILL "$BG"; wait "$BG" 2>/dev/null
    gone() { ! kill -0 "$(cat hung)"; }
    check "it ends with the link" until_true 5 gone
    no_leftovers "the link dropped"
    umount /usr/sbin/lvm /usr/sbin 2>/dev/null; umount "$(readlink -f "$lvm")" 2>/dev/null
fi

# --- a helper that lies ---
cat >liar <<'EOF'
#!/usr/bin/python3
import os, struct, sys
name = os.path.basename(sys.argv[0])
if sys.argv[1:] == ["--version"]:
    print("rehost-receiver VERSION (liar)"); sys.exit()
out, inp = sys.stdout.buffer, sys.stdin.buffer
def frame():
    h = inp.read(10)
    if len(h) < 10: sys.exit()
    t, _, n, i = struct.unpack("<BBII", h)
    return t, i, inp.read(n)
def say(t, i, p): out.write(struct.pack("<BBII", t, 0, len(p), i) + p); out.flush()
def part(i, s, text, flags=1): say(17, i, bytes([flags, len(s)]) + s + text)
def done(i, n): say(18, i, struct.pack("<IIBQ", 1, n, 1, 1)); frame()
out.write(b"REHOST\x01\n"); out.flush()
t, i, p = frame()
say(2, i, p)
t, i, p = frame()
if name == "invalid":
    for k, text in enumerate([b"{", b"", b'{"a":1}x', b'[1]', b'{"a":"\xff"}', b'{"a":"\\u0000"}', b"[" * 200 + b"]" * 200, b'{"a":' * 65 + b"1" + b"}" * 65, b'{"a":1,}', b"nul", b'{"a":"\n"}', b'{"a":[' + b"0," * 1000000 + b"0]}"]):
        for at in range(0, len(text) or 1, 1 << 18):
            part(i, b"s" + b"abcdefghijklmnop"[k:k + 1], text[at:at + (1 << 18)], at + (1 << 18) >= len(text))
    part(i, b"os", b'{"id":"lies"}'); part(i, b"hush", b"be\x1b[2Jcause", 3); done(i, 14)
elif name == "giant":
    while True: part(i, b"os", b"[" * (1 << 18), 0)
elif name == "many":
    for k in range(33): part(i, b"s" + b"abcdefghijklmnopqrstuvwxyzabcdefghij"[k:k + 1] + b"x" * (k // 26), b"{}")
elif name == "large":
    for k in range(10):
        for _ in range(60): part(i, b"s" + b"abcdefghij"[k:k + 1], b" " * (1 << 18), 0)
        part(i, b"s" + b"abcdefghij"[k:k + 1], b"1")
elif name == "twice": part(i, b"os", b"{}"); part(i, b"os", b"{}")
elif name == "between": part(i, b"os", b"{", 0); part(i, b"lvm", b"{}")
elif name == "short": part(i, b"os", b"{}"); done(i, 2)
elif name == "open": part(i, b"os", b"{}", 0); done(i, 1)
elif name == "named": part(i, b"../x", b"{}")
elif name == "other": part(i + 1, b"os", b"{}")
elif name == "nonsense": say(200, i, b"x" * 1000)
elif name == "frame": out.write(b"\xff" * 4096); out.flush(); frame()
elif name == "gone": sys.exit()
elif name == "half": out.write(struct.pack("<BBII", 17, 0, 100, i)); out.flush(); sys.exit()
frame()
EOF
sed -i "s/VERSION/$("$REHOST" --version | head -1 | awk '{print $2}')/" liar
for h in invalid giant many large twice between short open named other nonsense frame gone half; do cp liar $h; chmod 755 $h; done
rehost facts --target --set "target.helper=$WORK/invalid" "$T:/"; expect 0 "sections that are no JSON"
equal "are unknown, the others are there" "$(jq -c '[.os.id, ([.unknown[] | select(.why == "what the target sent is malformed" or .why == "what was read is malformed")] | length), .sa]' "$OUT")" '["lies",12,null]'
equal "a reason is only text" "$(jq -r '.unknown[] | select(.what == "hush") | .why' "$OUT")" 'be\x1b[2Jcause'
for h in giant many large twice between short open named other nonsense frame; do
    rehost facts --target --set "target.helper=$WORK/$h" "$T:/"; expect 76 "a lie: $h"; has "$h: says so" "$ERR" 'error: \[RH1301\]'; empty "$h: no document" "$OUT"
done
for h in gone half; do rehost facts --target --set "target.helper=$WORK/$h" "$T:/"; expect 69 "a helper that ends: $h"; has "$h: says so" "$ERR" 'error: \[RH1302\]'; done
no_leftovers "lies"
finish
