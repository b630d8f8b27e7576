#!/usr/bin/python3
"""Make, change and clean trees that hold everything a file system can hold.

  hostile_tree.py make DIR [--seed N] [--entries N] [--big BYTES]   a tree with every kind of entry this user and file system can have
  hostile_tree.py mutate DIR --seed N [--ops A,B,..] [--count N]    random changes: each operation once, and then N more (default 20)
  hostile_tree.py ops                                               the names of the operations
  hostile_tree.py many DIR DIRS FILES BYTES [--seed N]              DIRS directories of FILES files of about BYTES bytes
  hostile_tree.py random FILE BYTES [--seed N]                      a file that does not compress
  hostile_tree.py scatter FILE CHANGES BYTES [--seed N]             overwrite CHANGES runs of BYTES bytes at random places
  hostile_tree.py flip FILE [--at OFFSET]                           flip one bit and restore the times
  hostile_tree.py clear-flags DIR                                   so that the tree can be removed

What the user may not or the file system cannot do is left out and printed as `left out: ...`. Deterministic for a seed. Works by
descriptor and bare name, so that paths may be longer than PATH_MAX. Only the standard library.
"""
import ctypes
import fcntl
import os
import random
import socket
import stat
import struct
import sys

GETFLAGS, SETFLAGS = 0x80086601, 0x40086602
BIT = {"s": 0x1, "u": 0x2, "S": 0x8, "i": 0x10, "a": 0x20, "d": 0x40, "A": 0x80, "C": 0x00800000}
FROZEN = BIT["i"] | BIT["a"]
ROOT = os.geteuid() == 0
libc = ctypes.CDLL(None, use_errno=True)
left_out = set()


def attempt(what, function, *args, **kw):
    try:
        return function(*args, **kw)
    except (OSError, PermissionError) as e:
        left_out.add("%s (%s)" % (what, e.strerror))
        return None


# --- small tools -----------------------------------------------------------------------------------------------------------------

def get_flags(fd):
    try:
        return struct.unpack("=I", fcntl.ioctl(fd, GETFLAGS, b"\0" * 8)[:4])[0]
    except OSError:
        return 0


def set_flags(fd, value):
    fcntl.ioctl(fd, SETFLAGS, struct.pack("=Q", value))


def chflags(path, letters):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        value = get_flags(fd)
        for c in letters:
            value |= BIT[c]
        set_flags(fd, value)
    finally:
        os.close(fd)


def frozen(path):
    try:
        if stat.S_IFMT(os.lstat(path).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            return False
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    value = get_flags(fd)
    os.close(fd)
    return bool(value & FROZEN)


def thaw(path):
    """Take the immutable and append-only flags off; true when one was there."""
    try:
        if stat.S_IFMT(os.lstat(path).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            return False
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        value = get_flags(fd)
        if value & FROZEN:
            set_flags(fd, value & ~FROZEN)
            return True
    except OSError:
        pass
    finally:
        os.close(fd)
    return False


def write(path, data, mode=0o644):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]
    finally:
        os.close(fd)


def sparse(path, size, pieces):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for at, data in pieces:
        os.pwrite(fd, data, at)
    os.ftruncate(fd, size)
    os.close(fd)


def mtime(path, ns):
    os.utime(path, ns=(ns, ns), follow_symlinks=False)


def acl(entries):
    """The binary form of a POSIX ACL: (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", t, p, i & 0xFFFFFFFF) for t, p, i in entries)


USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def some_acl(rng):
    perms = [rng.randrange(8) for _ in range(6)]
    return acl([(USER_OBJ, perms[0] | 4, -1), (USER, perms[1], rng.randrange(1, 60000)), (GROUP_OBJ, perms[2], -1),
                (GROUP, perms[3], rng.randrange(1, 60000)), (MASK, perms[4], -1), (OTHER, perms[5], -1)])


def setx(path, name, value):
    os.setxattr(path, name, value, follow_symlinks=False)


def capability():
    # VFS_CAP_REVISION_2, effective, CAP_NET_RAW permitted
    return struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)


def make_socket(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.close()


# --- make ------------------------------------------------------------------------------------------------------------------------

def make(top, seed, entries, big):
    rng = random.Random(seed)
    os.makedirs(top, exist_ok=True)
    os.chdir(top)

    os.mkdir("names")
    names = [b"new\nline", b"\x01\x02\x1b[31mcontrol\x7f", b"\xff\xfe invalid utf-8 \xc3", b"-rf", b"--delete", b"n" * 255, b"  spaces  ", b"'single' \"double\"",
             b"back\\slash", b"*", b"?[a-z]", b"#comment", b";semicolon", b"$HOME `id` $(id)", b"tab\there", b"carriage\rreturn", b"~", b"~root", b"...",
             b".hidden", b"a:b:c", b"local:x", "überlänge-日本語".encode(), "e\u0301 decomposed".encode(), b"\xc0\xaf", b"%s%n", b"trailing.", b"trailing ",
             b"\x80", b"\\012", b".rehost", b"CON", b"\xff" * 255, b"comma,comma", b"equals=", b"[section]", b"!bang", b"&", b"|pipe", b"CVS", b"core"]
    for n in names:
        write(b"names/" + n, n + b"\n")
    os.mkdir(b"names/dir \xff\n")
    write(b"names/dir \xff\n/-", b"dash")
    os.symlink(b"../*\xff\n", b"names/dir \xff\n/link \x01")

    # Deeper than PATH_MAX: 45 levels of 200 bytes.
    here = os.open(".", os.O_RDONLY)
    os.mkdir("deep")
    os.chdir("deep")
    for level in range(45):
        name = (b"%03d" % level) + b"d" * 197
        write(b"f", b"level %d" % level)
        os.mkdir(name)
        os.chdir(name)
    write(b"bottom", b"here\n")
    os.symlink(b"x" * 1000, b"link")
    attempt("user xattr", setx, b"bottom", "user.deep", b"yes")
    mtime(b"bottom", 1_111_111_111_111_111_111)
    mtime(b".", 1_222_222_222_222_222_222)
    os.fchdir(here)

    # A narrow chain of many levels.
    os.mkdir("narrow")
    os.chdir("narrow")
    for level in range(300):
        os.mkdir(b"n")
        os.chdir(b"n")
    write(b"end", b"end")
    os.fchdir(here)

    for d in ("links", "links/a", "links/b", "links/b/c"):
        os.mkdir(d)
    write("links/a/one", b"shared contents\n" * 100)
    os.link("links/a/one", "links/b/two")
    os.link("links/a/one", "links/b/c/three")
    os.link("links/a/one", "links/zero")
    write("links/a/same", b"same contents, other inode")
    write("links/b/same", b"same contents, other inode")
    write("links/empty", b"")
    os.link("links/empty", "links/b/empty-too")
    os.symlink("nowhere", "links/a/symlink")
    attempt("hard link of a symlink", os.link, "links/a/symlink", "links/b/symlink-too", follow_symlinks=False)
    os.mkfifo("links/a/fifo")
    os.link("links/a/fifo", "links/b/fifo-too")
    make_socket("links/a/socket")
    os.link("links/a/socket", "links/b/socket-too")
    for i in range(300):
        os.link("links/a/same", "links/b/c/many%03d" % i)

    os.mkdir("contents")
    write("contents/empty", b"")
    for size in (1, 2, 511, 512, 4095, 4096, 4097, 65535, 65536, 65537, 131072, 262143, 1048576, 1048577):
        write("contents/size%d" % size, rng.randbytes(size))
    write("contents/text", b"The quick brown fox jumps over the lazy dog.\n" * 5000)
    write("contents/zeros", bytes(300000))
    with open("contents/big", "wb") as f:
        for _ in range(big // 65536):
            f.write(rng.randbytes(65536))
        f.write(b"odd tail")
    os.mkdir("sparse")
    sparse("sparse/leading", 3_000_000, [(2_900_000, b"data" * 100)])
    sparse("sparse/trailing", 5_000_000, [(0, b"data" * 100)])
    sparse("sparse/middle", 8_000_000, [(0, rng.randbytes(5000)), (7_990_000, rng.randbytes(10000))])
    sparse("sparse/all", 100_000_000, [])
    sparse("sparse/beyond-4g", 5 << 30, [((4 << 30) + 12345, b"beyond what 32 bits can count")])
    sparse("sparse/many", 4_000_000, [(i * 40960 + 7, b"x" * 100) for i in range(90)])

    os.mkdir("special")
    os.mkfifo("special/fifo", 0o640)
    make_socket("special/socket")
    if ROOT:
        attempt("devices", os.mknod, "special/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        attempt("devices", os.mknod, "special/disk", stat.S_IFBLK | 0o660, os.makedev(259, 70000))
        attempt("devices", os.mknod, "special/zero", stat.S_IFCHR | 0o600, os.makedev(0, 0))
        if os.path.lexists("special/null"):
            os.link("special/null", "special/null-too")
    for n, target in (("dangling", "no/such/file"), ("loop", "loop"), ("absolute", "/etc/passwd"), ("up", "../../../../.."), ("directory", "../contents"),
                      ("odd", b"new\nline\xff")):
        os.symlink(target, os.path.join("special", n))
    # xfs takes less.
    attempt("a symlink of 4000 bytes", os.symlink, "t" * 4000, "special/long")
    os.symlink("t" * 1000, "special/longish")
    os.symlink("b", "special/loop-a")
    os.symlink("loop-a", "special/b")

    os.mkdir("modes")
    for mode in (0, 0o1, 0o111, 0o222, 0o400, 0o444, 0o600, 0o666, 0o755, 0o777, 0o1644, 0o1777, 0o2755, 0o4755, 0o6755, 0o7777, 0o4000, 0o2000):
        if not ROOT and not mode & 0o400:
            continue
        write("modes/file%04o" % mode, b"mode\n")
        attempt("mode", os.chmod, "modes/file%04o" % mode, mode)
    owned = [(0, 0), (1, 1), (65534, 65534), (65535, 65535), (65536, 70000), (2_000_000_000, 2_000_000_001), (4294967294, 4294967294), (123456, 0)]
    if ROOT:
        os.mkdir("owners")
        for uid, gid in owned:
            p = "owners/u%d-g%d" % (uid, gid)
            write(p, b"owner")
            attempt("large owner ids", os.chown, p, uid, gid)
            os.chmod(p, 0o6711)
            os.mkdir(p + ".d")
            attempt("large owner ids", os.chown, p + ".d", uid, gid)
            os.symlink("x", p + ".l")
            attempt("large owner ids", os.chown, p + ".l", uid, gid, follow_symlinks=False)

    os.mkdir("acl")
    write("acl/file", b"acl")
    attempt("access ACL", setx, "acl/file", ACCESS, some_acl(rng))
    os.mkdir("acl/dir")
    attempt("access ACL", setx, "acl/dir", ACCESS, acl([(USER_OBJ, 7, -1), (USER, 5, 12345), (GROUP_OBJ, 0, -1), (MASK, 5, -1), (OTHER, 0, -1)]))
    attempt("default ACL", setx, "acl/dir", DEFAULT, acl([(USER_OBJ, 7, -1), (USER, 7, 4242), (GROUP_OBJ, 5, -1), (GROUP, 2, 4343), (MASK, 7, -1), (OTHER, 0, -1)]))
    write("acl/dir/inherits", b"x")
    os.mkdir("acl/dir/inherits-too")
    write("acl/dir/plain", b"x")
    attempt("access ACL", os.removexattr, "acl/dir/plain", ACCESS)
    os.chmod("acl/dir/plain", 0o604)
    write("acl/many", b"x")
    attempt("access ACL", setx, "acl/many", ACCESS, acl([(USER_OBJ, 6, -1)] + [(USER, i % 8, 1000 + i) for i in range(24)] +
            [(GROUP_OBJ, 4, -1), (MASK, 6, -1), (OTHER, 4, -1)]))

    os.mkdir("xattr")
    for n in ("file", "empty-value", "binary", "large", "several", "capability", "setuid-capability", "security", "trusted"):
        write("xattr/" + n, b"#!/bin/true\n")
    attempt("user xattr", setx, "xattr/file", "user.name", b"value")
    attempt("user xattr", setx, "xattr/empty-value", "user.empty", b"")
    attempt("user xattr", setx, "xattr/binary", "user.binary", bytes(range(256)))
    for i in range(20):
        attempt("user xattr", setx, "xattr/several", "user.number%02d" % i, b"v%d" % i)
    for size in (60000, 30000, 3500, 1000):
        if attempt("xattr of %d bytes" % size, lambda: (setx("xattr/large", "user.large", rng.randbytes(size)), 1)):
            break
    attempt("user xattr", setx, "xattr/file", "user." + "n" * 240, b"long name")
    os.mkdir("xattr/dir")
    attempt("user xattr", setx, "xattr/dir", "user.on-directory", b"d")
    if ROOT:
        attempt("trusted xattr", setx, "xattr/trusted", "trusted.t", b"trusted")
        attempt("trusted xattr", setx, "xattr/dir", "trusted.overlay.opaque", b"y")
        os.symlink("file", "xattr/symlink")
        attempt("trusted xattr on a symlink", setx, "xattr/symlink", "trusted.on-link", b"l")
        os.mkfifo("xattr/fifo")
        attempt("trusted xattr on a fifo", setx, "xattr/fifo", "trusted.on-fifo", b"f")
        attempt("security xattr", setx, "xattr/security", "security.test", b"\0\1\2")
        attempt("file capability", setx, "xattr/capability", "security.capability", capability())
        os.chown("xattr/setuid-capability", 1234, 1234)
        os.chmod("xattr/setuid-capability", 0o4755)
        attempt("file capability", setx, "xattr/setuid-capability", "security.capability", capability())

    os.mkdir("times")
    for i, ns in enumerate((0, 1, -1, -999_999_999, -86400 * 10**9 * 365 * 30 + 7, 10**9 - 1, 2**31 * 10**9, 2**31 * 10**9 + 1, 2**32 * 10**9 + 123456789,
                            7_258_118_400 * 10**9 + 999_999_999, 1_700_000_000_000_000_001)):
        p = "times/t%d" % i
        write(p, b"time")
        os.symlink("t%d" % i, p + ".l")
        os.mkfifo(p + ".f")
        os.mkdir(p + ".d")
        write(p + ".d/x", b"")
        for suffix in ("", ".l", ".f", ".d"):
            attempt("time %d ns" % ns, mtime, p + suffix, ns)

    os.mkdir("many")
    for i in range(entries):
        write("many/%d-%05d" % (i * 7919 % 10, i), b"" if i % 3 else b"%d\n" % i)

    for n, mode in (("dir0000", 0), ("dir0555", 0o555), ("dir0111", 0o111), ("dir2777", 0o2777), ("dir1777", 0o1777)):
        if not ROOT and not mode & 0o400:
            continue
        os.mkdir(n)
        write(n + "/file", b"in " + n.encode())
        os.mkdir(n + "/sub")
        write(n + "/sub/file", b"below")
    os.mkdir("empty-directory")

    os.mkdir("flags")
    for c in "dASsuCia":
        for kind in ("file", "dir"):
            p = "flags/%s-%s" % (c, kind)
            if kind == "file":
                write(p, b"" if c == "C" else b"flag " + c.encode())
            else:
                os.mkdir(p)
                write(p + "/inside", b"inside")
    os.mkdir("flags/both")
    write("flags/both/linked", b"immutable, two names")
    os.link("flags/both/linked", "flags/both/linked-too")
    write("flags/both/several", b"d, A and S")

    # The last steps, in an order in which none of them undoes another.
    stamp(rng, b".")
    for n, mode in (("dir0000", 0), ("dir0555", 0o555), ("dir0111", 0o111), ("dir2777", 0o2777), ("dir1777", 0o1777)):
        if os.path.isdir(n):
            os.chmod(n, mode)
    for c in "dASsuCia":
        for kind in ("dir", "file"):
            attempt("flag %s" % c, chflags, "flags/%s-%s" % (c, kind), c)
    attempt("flag i", chflags, "flags/both/linked", "i")
    attempt("flags dAS", chflags, "flags/both/several", "dAS")
    os.close(here)


def stamp(rng, name):
    """Give each directory and some of the rest a time with odd nanoseconds; deepest first."""
    os_fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW)
    for n in sorted(os.fsencode(x) for x in os.listdir(os_fd)):
        st = os.stat(n, dir_fd=os_fd, follow_symlinks=False)
        if stat.S_ISDIR(st.st_mode):
            os.fchdir(os_fd)
            stamp(rng, n)
        elif not stat.S_ISDIR(st.st_mode) and rng.random() < 0.5 and st.st_nlink == 1 and not 0 > st.st_mtime_ns < 10**17:
            if abs(st.st_mtime_ns - 10**9 * 1.6e9) < 10**9 * 10**9 and st.st_mtime_ns != 1_111_111_111_111_111_111:
                ns = rng.randrange(10**18, 17 * 10**17)
                os.utime(n, ns=(ns, ns), dir_fd=os_fd, follow_symlinks=False)
    st = os.fstat(os_fd)
    if not (0 < st.st_mtime_ns < 10**18 or st.st_mtime_ns > 2**31 * 10**9 or st.st_mtime_ns < 0):
        ns = rng.randrange(10**18, 17 * 10**17)
        os.utime(os_fd, ns=(ns, ns))
    os.fchdir(os_fd)
    os.chdir(b"..") if name != b"." else None
    os.close(os_fd)


# --- mutate ----------------------------------------------------------------------------------------------------------------------

class Tree:
    """The entries beneath DIR, read afresh for each operation; names that would need PATH_MAX are left alone."""

    def __init__(self, top, rng):
        self.top, self.rng = os.fsencode(top), rng
        self.read()

    def read(self):
        self.files, self.dirs, self.other = [], [], []
        for d, subdirs, files in os.walk(self.top):
            subdirs.sort()
            if len(d) > 1500 or d.count(b"/n/n/n") > 3:
                subdirs[:] = []
                continue
            if d != self.top:
                self.dirs.append(d)
            for n in sorted(files) + [x for x in subdirs if os.path.islink(os.path.join(d, x))]:
                p = os.path.join(d, n)
                (self.files if stat.S_ISREG(os.lstat(p).st_mode) else self.other).append(p)

    def pick(self, which, test=lambda p: True):
        candidates = [p for p in which if os.path.lexists(p) and test(p)]
        return self.rng.choice(candidates) if candidates else None

    def file(self, least=0, most=1 << 40):
        return self.pick(self.files, lambda p: least <= os.lstat(p).st_size <= most)

    def fresh(self, parent=None):
        parent = parent or self.pick(self.dirs, lambda p: os.path.isdir(p) and not os.path.islink(p)) or self.top
        melt(parent)
        return os.path.join(parent, b"new%08x" % self.rng.randrange(1 << 32))


def melt(path):
    """Make it changeable: flags off, and for an ordinary user the owner's rights on."""
    thaw(path)
    thaw(os.path.dirname(path))
    if not ROOT:
        for p in (os.path.dirname(path), path):
            try:
                st = os.lstat(p)
                if not stat.S_ISLNK(st.st_mode):
                    os.chmod(p, st.st_mode | 0o600 | (0o100 if stat.S_ISDIR(st.st_mode) else 0))
            except OSError:
                pass


def remove(path):
    st = os.lstat(path)
    melt(path)
    if not stat.S_ISDIR(st.st_mode):
        os.unlink(path)
        return
    empty(path)
    os.rmdir(path)


def empty(path):
    """Remove what is in a directory, by descriptor, of any depth."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    empty_fd(fd)
    os.close(fd)


def empty_fd(fd):
    for n in os.listdir(fd):
        n = os.fsencode(n)
        st = os.stat(n, dir_fd=fd, follow_symlinks=False)
        if stat.S_IFMT(st.st_mode) in (stat.S_IFREG, stat.S_IFDIR):
            thaw(b"/proc/self/fd/%d/%s" % (fd, n))
        if stat.S_ISDIR(st.st_mode):
            if not ROOT:
                os.chmod(n, 0o700, dir_fd=fd)
            sub = os.open(n, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)
            empty_fd(sub)
            os.close(sub)
            os.rmdir(n, dir_fd=fd)
        else:
            os.unlink(n, dir_fd=fd)


def op_same_size(t):
    p = t.file(1, 10_000_000)
    melt(p)
    size = os.lstat(p).st_size
    with open(p, "r+b", buffering=0) as f:
        at = t.rng.randrange(size)
        old = os.pread(f.fileno(), 1, at)
        os.pwrite(f.fileno(), bytes([old[0] ^ (1 << t.rng.randrange(8))]), at)
    return p


def op_append(t):
    p = t.file()
    melt(p)
    with open(p, "ab") as f:
        f.write(t.rng.randbytes(t.rng.choice((1, 100, 5000, 200000))))
    return p


def op_truncate(t):
    p = t.file(1)
    melt(p)
    os.truncate(p, t.rng.choice((0, os.lstat(p).st_size // 2, os.lstat(p).st_size - 1)))
    return p


def op_extend_hole(t):
    p = t.file(0, 1 << 30)
    melt(p)
    os.truncate(p, os.lstat(p).st_size + t.rng.choice((1, 5000, 3_000_000)))
    return p


def op_mode(t):
    p = t.pick(t.files + t.dirs)
    melt(p)
    floor = 0 if ROOT else (0o700 if os.path.isdir(p) else 0o600)
    os.chmod(p, t.rng.randrange(0o10000) | floor)
    return p


def op_owner(t):
    p = t.pick(t.files + t.dirs + t.other)
    melt(p)
    if ROOT:
        os.chown(p, t.rng.randrange(100000), t.rng.randrange(100000), follow_symlinks=False)
    return p


def op_mtime(t):
    p = t.pick(t.files + t.dirs + t.other)
    melt(p)
    mtime(p, t.rng.randrange(-10**18, 4 * 10**18))
    return p


def op_mtime_ns(t):
    p = t.pick(t.files + t.dirs + t.other)
    melt(p)
    ns = os.lstat(p).st_mtime_ns
    mtime(p, ns // 10**9 * 10**9 + t.rng.randrange(10**9))
    return p


def op_rename(t):
    p = t.pick(t.files + t.other + t.dirs)
    melt(p)
    new = t.fresh()
    if (new + b"/").startswith(p + b"/"):
        new = os.path.join(os.path.dirname(p), b"renamed%d" % t.rng.randrange(10**6))
    os.rename(p, new)
    return p


def op_swap(t):
    a, b = t.pick(t.files + t.other), t.pick(t.files + t.other)
    melt(a)
    melt(b)
    tmp = t.fresh(os.path.dirname(a))
    if a == b:
        return a
    sa, sb = os.lstat(a), os.lstat(b)
    # Of the same size and time they could be told apart only by reading them.
    if (sa.st_size, sa.st_mtime_ns) == (sb.st_size, sb.st_mtime_ns):
        os.utime(a, ns=(sa.st_atime_ns, sa.st_mtime_ns + 1000), follow_symlinks=False)
        os.utime(b, ns=(sb.st_atime_ns, sb.st_mtime_ns + 2000), follow_symlinks=False)
    os.rename(a, tmp)
    os.rename(b, a)
    os.rename(tmp, b)
    return a


def op_swap_dirs(t):
    a, b = t.pick(t.dirs), t.pick(t.dirs)
    if (a + b"/").startswith(b + b"/") or (b + b"/").startswith(a + b"/"):
        return None
    melt(a)
    melt(b)
    tmp = t.fresh(os.path.dirname(a))
    os.rename(a, tmp)
    os.rename(b, a)
    os.rename(tmp, b)
    return a


def op_file_to_dir(t):
    p = t.pick(t.files + t.other)
    remove(p)
    os.mkdir(p)
    write(p + b"/inside", b"was a file")
    os.mkdir(p + b"/more")
    write(p + b"/more/inside", b"was a file")
    return p


def op_dir_to_file(t):
    p = t.pick(t.dirs, lambda p: p.count(b"/") > t.top.count(b"/") + 1 and not p.endswith(b"/n"))
    remove(p)
    write(p, b"was a directory")
    return p


def op_file_to_symlink(t):
    p = t.file()
    remove(p)
    os.symlink(t.rng.choice((b"somewhere", b"/etc", b"..", b"/")), p)
    return p


def op_dir_to_symlink(t):
    p = t.pick(t.dirs, lambda p: p.count(b"/") > t.top.count(b"/") + 1 and not p.endswith(b"/n"))
    remove(p)
    os.symlink(b"/etc", p)
    return p


def op_symlink_to_file(t):
    p = t.pick(t.other, os.path.islink)
    if p:
        remove(p)
        write(p, b"was a symlink")
    return p


def op_symlink_target(t):
    p = t.pick(t.other, os.path.islink)
    if p:
        st = os.lstat(p)
        remove(p)
        os.symlink(b"changed%d" % t.rng.randrange(1000), p)
        mtime(p, st.st_mtime_ns)
    return p


def op_type_change(t):
    p = t.pick(t.files + t.other)
    remove(p)
    t.rng.choice((lambda: os.mkfifo(p), lambda: os.symlink(b"t", p), lambda: write(p, b"file"),
                  lambda: os.mknod(p, stat.S_IFCHR | 0o600, os.makedev(5, t.rng.randrange(200))) if ROOT else os.mkfifo(p)))()
    return p


def op_break_link(t):
    p = t.pick(t.files, lambda p: os.lstat(p).st_nlink > 1)
    if p:
        melt(p)
        with open(p, "rb") as f:
            data = f.read()
        os.unlink(p)
        write(p, data + t.rng.choice((b"", b"and changed")))
    return p


def op_break_link_keep(t):
    """Only the link is broken: contents and metadata stay as they were."""
    p = t.pick(t.files, lambda p: os.lstat(p).st_nlink > 1 and os.lstat(p).st_size < 1 << 20)
    if p:
        melt(p)
        st = os.lstat(p)
        with open(p, "rb") as f:
            data = f.read()
        os.unlink(p)
        write(p, data)
        if ROOT:
            os.chown(p, st.st_uid, st.st_gid)
        os.chmod(p, stat.S_IMODE(st.st_mode))
        mtime(p, st.st_mtime_ns)
    return p


def op_join_link(t):
    a, b = t.file(), t.pick(t.files)
    if a == b:
        return None
    melt(a)
    melt(b)
    if os.lstat(a).st_ino != os.lstat(b).st_ino:
        os.unlink(b)
        os.link(a, b)
    return b


def op_new_link(t):
    p = t.pick(t.files + t.other)
    new = t.fresh()
    melt(p)
    os.link(p, new, follow_symlinks=False)
    return new


def op_rotate_links(t):
    """a-b linked, c alone becomes b-c linked, a alone: the partition changes and no name does."""
    a, b, c = (t.fresh() for _ in range(3))
    write(a, b"rotate")
    os.link(a, b)
    write(c, b"rotate")
    linked = t.pick(t.files, lambda p: os.lstat(p).st_nlink > 1)
    if linked:
        melt(linked)
        tmp = t.fresh(os.path.dirname(linked))
        os.link(c, tmp)
        os.rename(tmp, linked)
    return a


def op_delete(t):
    p = t.pick(t.files + t.other)
    remove(p)
    return p


def op_delete_dir(t):
    p = t.pick(t.dirs, lambda p: p.count(b"/") > t.top.count(b"/") + 1 and not p.endswith(b"/n"))
    remove(p)
    return p


def op_create(t):
    p = t.fresh()
    write(p, t.rng.randbytes(t.rng.choice((0, 10, 10000, 500000))))
    return p


def op_create_dirs(t):
    p = t.fresh()
    os.makedirs(p + b"/x/y")
    for i in range(5):
        write(p + b"/x/f%d" % i, t.rng.randbytes(i * 1000))
    os.symlink(b"f1", p + b"/x/y/l")
    if ROOT:
        os.chown(p + b"/x", 77, 88)
    os.chmod(p, 0o1750)
    return p


def op_xattr(t):
    p = t.pick(t.files + t.dirs)
    melt(p)
    names = attempt("user xattr", os.listxattr, p) or []
    mine = [n for n in names if n.startswith("user.")]
    if mine and t.rng.random() < 0.4:
        os.removexattr(p, t.rng.choice(mine))
    else:
        attempt("user xattr", setx, p, "user.m%d" % t.rng.randrange(4), t.rng.randbytes(t.rng.randrange(200)))
    if ROOT and t.rng.random() < 0.5:
        attempt("trusted xattr", setx, p, "trusted.m", t.rng.randbytes(10))
    return p


def op_acl(t):
    p = t.pick(t.files + t.dirs)
    melt(p)
    attempt("access ACL", setx, p, ACCESS, some_acl(t.rng) if ROOT else acl([(USER_OBJ, 7, -1), (USER, t.rng.randrange(8), 999), (GROUP_OBJ, 5, -1), (MASK, 7, -1), (OTHER, 5, -1)]))
    return p


def op_acl_default(t):
    p = t.pick(t.dirs)
    melt(p)
    attempt("default ACL", setx, p, DEFAULT, some_acl(t.rng))
    return p


def op_acl_remove(t):
    p = t.pick(t.files + t.dirs, lambda p: ACCESS in (attempt("ACL", os.listxattr, p, follow_symlinks=False) or []))
    if p:
        melt(p)
        os.removexattr(p, ACCESS)
    return p


def op_capability(t):
    p = t.file()
    melt(p)
    if ROOT:
        attempt("file capability", setx, p, "security.capability", capability())
    return p


def op_flags(t):
    p = t.pick(t.files + t.dirs, lambda p: os.access(p, os.R_OK))
    melt(p)
    fd = os.open(p, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    for c in "dAS" + ("ai" if ROOT and t.rng.random() < 0.3 else ""):
        attempt("flag %s" % c, set_flags, fd, get_flags(fd) ^ BIT[c])
    os.close(fd)
    return p


def op_thaw(t):
    p = t.pick(t.files + t.dirs, frozen)
    if p:
        thaw(p)
    return p


def op_insert(t):
    p = t.file(20000, 64_000_000)
    melt(p)
    with open(p, "rb") as f:
        data = f.read()
    at = t.rng.randrange(len(data))
    with open(p, "r+b") as f:
        f.seek(at)
        f.write(t.rng.randbytes(t.rng.randrange(1, 5000)))
        f.write(data[at:])
    return p


def op_cut(t):
    p = t.file(20000, 64_000_000)
    melt(p)
    with open(p, "rb") as f:
        data = f.read()
    at = t.rng.randrange(len(data) - 1000)
    with open(p, "r+b") as f:
        f.seek(at)
        f.write(data[at + 700:])
        f.truncate()
    return p


def op_move_block(t):
    p = t.file(100000, 64_000_000)
    melt(p)
    with open(p, "rb") as f:
        data = f.read()
    a, b = len(data) // 3, 2 * len(data) // 3
    with open(p, "r+b") as f:
        f.write(data[a:b] + data[:a] + data[b:])
    return p


def op_punch(t):
    p = t.file(50000, 1 << 30)
    melt(p)
    size = os.lstat(p).st_size
    fd = os.open(p, os.O_RDWR)
    # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
    libc.fallocate(fd, 3, ctypes.c_long(t.rng.randrange(size)), ctypes.c_long(min(size, 200000)))
    os.close(fd)
    return p


def op_fill_hole(t):
    p = t.file(1_000_000, 200_000_000)
    melt(p)
    fd = os.open(p, os.O_RDWR)
    os.pwrite(fd, t.rng.randbytes(50000), t.rng.randrange(os.fstat(fd).st_size))
    os.close(fd)
    return p


def op_rewrite_same(t):
    """The same bytes written again: only the time differs."""
    p = t.file(1, 5_000_000)
    melt(p)
    with open(p, "r+b") as f:
        data = f.read()
        f.seek(0)
        f.write(data)
    return p


def op_replace(t):
    p = t.file(0, 5_000_000)
    melt(p)
    tmp = t.fresh(os.path.dirname(p))
    write(tmp, t.rng.randbytes(os.lstat(p).st_size))
    os.rename(tmp, p)
    return p


def op_case_rename(t):
    p = t.file()
    melt(p)
    new = os.path.join(os.path.dirname(p), os.path.basename(p).swapcase())
    if not os.path.lexists(new):
        os.rename(p, new)
    return p


OPS = {n[3:].replace("_", "-"): f for n, f in sorted(globals().items()) if n.startswith("op_")}


def mutate(top, seed, names, extra):
    rng = random.Random(seed)
    tree = Tree(top, rng)
    todo = list(names) + [rng.choice(list(names)) for _ in range(extra)]
    rng.shuffle(todo)
    for n in todo:
        # Paths read earlier may be gone or of another type by now; a few tries find one that is not.
        for _ in range(5):
            try:
                p = OPS[n](tree)
                if p:
                    print("%s %r" % (n, p[-100:]))
                    break
            except (OSError, TypeError) as e:
                error = e
        else:
            left_out.add("%s (%s)" % (n, locals().get("error", "nothing fits")))
        if len(tree.files) < 5000 or rng.random() < 0.2:
            tree.read()


# --- the rest --------------------------------------------------------------------------------------------------------------------

def many(top, dirs, files, size, seed):
    rng = random.Random(seed)
    pool = rng.randbytes(1 << 20)
    os.makedirs(top, exist_ok=True)
    for d in range(dirs):
        sub = os.path.join(top, "d%02d" % (d // 50), "d%05d" % d)
        os.makedirs(sub)
        for f in range(files):
            n = rng.randrange(size // 2, size + size // 2 + 1) if size else 0
            at = rng.randrange(len(pool) - n) if n < len(pool) else 0
            write(os.path.join(sub, "f%05d" % f), pool[at:at + n])


def random_file(path, size, seed):
    rng = random.Random(seed)
    with open(path, "wb") as f:
        while size > 0:
            n = min(size, 1 << 20)
            f.write(rng.randbytes(n))
            size -= n


def scatter(path, changes, size, seed):
    rng = random.Random(seed)
    with open(path, "r+b") as f:
        end = os.fstat(f.fileno()).st_size
        for _ in range(changes):
            f.seek(rng.randrange(end - size))
            f.write(rng.randbytes(size))


def flip(path, at):
    st = os.stat(path)
    with open(path, "r+b") as f:
        f.seek(at)
        c = f.read(1)
        f.seek(at)
        f.write(bytes([c[0] ^ 1]))
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))


def clear_flags(fd):
    for n in os.listdir(fd):
        n = os.fsencode(n)
        st = os.stat(n, dir_fd=fd, follow_symlinks=False)
        if stat.S_IFMT(st.st_mode) in (stat.S_IFREG, stat.S_IFDIR):
            thaw(b"/proc/self/fd/%d/%s" % (fd, n))
        if stat.S_ISDIR(st.st_mode):
            try:
                sub = os.open(n, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd)
            except OSError:
                continue
            clear_flags(sub)
            os.close(sub)


def main():
    sys.setrecursionlimit(10000)
    os.umask(0o022)
    args, options = [], {"--seed": "1", "--entries": "20000", "--big": "12000000", "--ops": "", "--count": "20", "--at": "0"}
    it = iter(sys.argv[1:])
    for a in it:
        if a in options:
            options[a] = next(it)
        elif a.startswith("--"):
            sys.exit("unknown option " + a)
        else:
            args.append(a)
    if not args:
        sys.exit(__doc__)
    command, rest, seed = args[0], args[1:], int(options["--seed"])
    if command == "make":
        make(rest[0], seed, int(options["--entries"]), int(options["--big"]))
    elif command == "mutate":
        names = options["--ops"].split(",") if options["--ops"] else list(OPS)
        mutate(rest[0], seed, names, int(options["--count"]))
    elif command == "ops":
        print("\n".join(OPS))
    elif command == "many":
        many(rest[0], int(rest[1]), int(rest[2]), int(rest[3]), seed)
    elif command == "random":
        random_file(rest[0], int(rest[1]), seed)
    elif command == "scatter":
        scatter(rest[0], int(rest[1]), int(rest[2]), seed)
    elif command == "flip":
        flip(rest[0], int(options["--at"]))
    elif command == "clear-flags":
        fd = os.open(rest[0], os.O_RDONLY)
        clear_flags(fd)
    else:
        sys.exit(__doc__)
    for what in sorted(left_out):
        print("left out: " + what)


if __name__ == "__main__":
    main()
