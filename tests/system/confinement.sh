#!/bin/bash
# The receiver never touches anything outside of the target root, whatever symlinks are there and whoever flips them meanwhile.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
O=$WORK/outside
mkdir -p "$O/sub"; echo precious >"$O/file"; echo precious >"$O/sub/file"; echo precious >"$WORK/single"
print() { { fingerprint "$O"; stat -c '%y %z %s' "$WORK/single"; } | sha256sum; }
before=$(print)
untouched() { equal "$1: nothing outside was touched" "$(print)" "$before"; }
SRC=$WORK/src
mkdir -p "$SRC/dir/sub" "$SRC/d2"; echo new >"$SRC/dir/file"; echo new >"$SRC/dir/sub/file"; echo new >"$SRC/file"; echo new >"$SRC/d2/x"; chmod 700 "$SRC/dir"; chown 3:3 "$SRC/file"
for kind in "root@127.0.0.1:$PORT:" local:; do
    for link in "$O" "../outside" "/../../../../../../../..$O"; do
        rm -rf "$WORK/dst"; mkdir -p "$WORK/dst"
        ln -s "$link" "$WORK/dst/dir"; ln -s "$link" "$WORK/dst/d2"; ln -s "$WORK/single" "$WORK/dst/file"; ln -s "$link" "$WORK/dst/extra"
        rehost sync "$SRC" "$kind$WORK/dst"; untouched "${kind%%:*}, $link, sync"
        rm -rf "$WORK/dst"; mkdir -p "$WORK/dst"
        ln -s "$link" "$WORK/dst/dir"; ln -s "$link" "$WORK/dst/d2"; ln -s "$WORK/single" "$WORK/dst/file"; ln -s "$link" "$WORK/dst/extra"
        rehost sync --delete "$SRC" "$kind$WORK/dst"; expect 0 "symlinks in the place of directories"; untouched "${kind%%:*}, $link, sync --delete"
        same "identical" "$SRC" "$WORK/dst"
    done
    # A hard link to something outside: it is replaced or broken, not written through.
    rm -rf "$WORK/dst"; mkdir -p "$WORK/dst/dir"; ln "$WORK/single" "$WORK/dst/file"; ln "$O/file" "$WORK/dst/dir/file"
    contents=$(cat "$WORK/single" "$O/file")
    rehost sync --delete "$SRC" "$kind$WORK/dst"; expect 0 "hard links to outside"
    equal "a file outside that shares an inode keeps its contents" "$(cat "$WORK/single" "$O/file")" "$contents"
    equal "and its owner and mode" "$(stat -c '%u %a' "$WORK/single")" "0 644"
    before=$(print)
done

# What each process has kept of root's rights, as rehost-internals(7) has it: user, capabilities in effect and those an exec could win.
mkdir "$WORK/big"; tree random "$WORK/big/file" 4000000
start_rehost --processes 1 --bwlimit 500K --set target.transport=libssh2 copy "$WORK/big" "$T:$WORK/rights"; until_true 10 test -s "$WORK/rights/file"
rights() { # rights ROLE COMMAND_LINE WANTED
    local p; for p in $(rehost_processes); do grep -qz -e "$2" "/proc/$p/cmdline" && break; done
    equal "$1: uid, effective, bounding, no new privileges, filter" \
        "$(awk '/^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):/ {sub(/^0+/, "", $2); printf "%s ", $2 == "" ? 0 : $2}' "/proc/$p/status")" "$3 "
}
rights mover role=mover "65534 20000c 20000c 1 2"
rights link role=link "65534 0 0 1 2"
rights receiver root-hex "0 28820021f 28820021f 1 2"
kill -TERM "$BG"; wait_rehost 10

# The link before it is let in: a server that takes the connection, hears the greeting, and says nothing. By then no right is left.
cat >"$WORK/stall.py" <<'P'
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(1)
print("listening", flush=True)
c, _ = s.accept()
open(sys.argv[2], "wb").write(c.recv(8))
c.recv(1 << 20) and c.recv(1)
P
STALL=$(free_port); "$PY" "$WORK/stall.py" "$STALL" "$WORK/greeting" >"$WORK/stall.out" & stall=$!
until_true 10 test -s "$WORK/stall.out"
sed "s/:$PORT /:$STALL /" "$KNOWN" >"$WORK/ssh/known_stall"
start_rehost --set target.transport=libssh2 --set "target.known_hosts=$WORK/ssh/known_stall" copy "$SRC" "$ME@127.0.0.1:$STALL:$WORK/never"
check "the server has been greeted" until_true 10 test -s "$WORK/greeting"
rights "link during the handshake" role=link "65534 0 0 1 2"
kill -TERM "$BG"; wait_rehost 10; kill "$stall" 2>/dev/null; wait "$stall" 2>/dev/null; true

# Someone at the target swaps a directory and a symlink to outside, as fast as possible, while rehost writes and deletes there.
cat >"$WORK/flip.py" <<'P'
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
top, outside = os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2])
names = [b"v%d" % i for i in range(6)]
end = time.time() + float(sys.argv[3])
while time.time() < end:
    for n in names:
        p, q = top + b"/" + n, top + b"/.flip-" + n
        if not os.path.lexists(q):
            try: os.symlink(outside, q)
            except OSError: pass
        libc.renameat2(-100, p, -100, q, 2)   # RENAME_EXCHANGE
P
flip() { # flip WHAT DST
    local what=$1 dst=$2 round fl
    rm -rf "$WORK/fsrc" "$WORK/fdst"; mkdir "$WORK/fsrc"
    for i in 0 1 2 3 4 5; do mkdir -p "$WORK/fsrc/v$i/sub"; for j in $(seq 150); do echo "$i $j" >"$WORK/fsrc/v$i/file$j"; echo x >"$WORK/fsrc/v$i/sub/file$j"; done; done
    for round in 1 2 3 4; do
        mkdir -p "$WORK/fdst"
        "$PY" "$WORK/flip.py" "$WORK/fdst" "$O" 12 & fl=$!
        rehost sync --delete "$WORK/fsrc" "$dst"; check "$what, round $round: it ends (exit $RC)" test "$RC" -lt 124
        for i in 0 1 2 3 4 5; do echo "$round" >"$WORK/fsrc/v$i/file$round"; chmod 7$round"0" "$WORK/fsrc/v$i/sub/"*; chown "$round" "$WORK/fsrc/v$i/sub"; rm -f "$WORK/fsrc/v$i/file$((round + 50))"; done
        rehost sync --delete "$WORK/fsrc" "$dst"; rehost --checksum sync --delete "$WORK/fsrc" "$dst" 2>/dev/null
        kill $fl 2>/dev/null; wait $fl 2>/dev/null
        untouched "$what, round $round"
    done
    rehost sync --delete "$WORK/fsrc" "$dst"; expect 0 "$what: afterwards"; same "$what: identical" "$WORK/fsrc" "$WORK/fdst"
}
flip "as root over ssh" "root@127.0.0.1:$PORT:$WORK/fdst"
flip "as root by local:" "local:$WORK/fdst"

# As an ordinary user there is no chroot: the same must hold.
if as_tester; then
    H=$WORK/home/tester; chown -R 54321 "$O" "$WORK/single"; before=$(print)
    SET=(); rm -rf "$WORK/fdst"
    "${AS[@]}" mkdir -p "$H/usrc/dir" "$H/udst"; "${AS[@]}" sh -c "echo new >$H/usrc/dir/file; ln -s $O $H/udst/dir"
    rehost sync --delete "$H/usrc" "local:$H/udst"; expect 0 "as a user: a symlink in the place of a directory"; untouched "as a user"
    "${AS[@]}" mkdir "$H/vsrc"; for i in 0 1 2 3 4 5; do "${AS[@]}" sh -c "mkdir -p $H/vsrc/v$i; for j in \$(seq 150); do echo $i \$j >$H/vsrc/v$i/file\$j; done"; done
    for round in 1 2 3; do
        "${AS[@]}" mkdir -p "$H/vdst"; "${AS[@]}" "$PY" "$WORK/flip.py" "$H/vdst" "$O" 8 & fl=$!
        rehost sync --delete "$H/vsrc" "local:$H/vdst"; "${AS[@]}" sh -c "for i in 0 1 2 3 4 5; do echo $round >$H/vsrc/v\$i/file$round; rm -f $H/vsrc/v\$i/file1$round; done"
        rehost sync --delete "$H/vsrc" "local:$H/vdst"; kill $fl 2>/dev/null; wait $fl 2>/dev/null
        untouched "as a user, flipping, round $round"
    done
fi
finish
