#!/usr/bin/python3
"""Compare two directory trees in everything a file is, and print each difference.

Usage: compare.py [OPTIONS] SOURCE TARGET        exit 0: equal, 1: differences, 2: could not compare

  --ignore FIELD[,FIELD]   type mode uid gid size content mtime dirmtime link rdev hardlink xattr flags holes
  --ignore-xattr PREFIX    leave out the attributes whose name begins so (may be repeated)
  --exclude PATH           leave out PATH (relative) and what is beneath it, on both sides (may be repeated)
  --exclude-name NAME      leave out every entry of that name, on both sides (may be repeated)
  --ignore-root            the two directories themselves are not compared, only what is in them
  -x                       do not go into other file systems; their mount points are compared as empty directories
  --max N                  stop printing after N differences (all are counted)

Shares no code with the program. Walks by directory descriptors, one name at a time, so that paths may be longer than PATH_MAX and names
may be any bytes. Only the standard library.
"""
import errno
import fcntl
import os
import resource
import stat
import struct
import sys

FS_IOC_GETFLAGS = 0x80086601 if struct.calcsize("l") == 8 else 0x80046601
FLAGS = {0x1: "s", 0x2: "u", 0x8: "S", 0x10: "i", 0x20: "a", 0x40: "d", 0x80: "A", 0x00800000: "C"}
CHUNK = 1 << 20
# ext4 may put attributes into a block of their own, and file systems round differently.
HOLE_SLACK = 64 * 1024

# xfs shows its ACLs a second time under a name of its own.
ignore, ignore_xattr, exclude, exclude_names = set(), ["trusted.SGI_ACL_"], set(), set()
ignore_root = one_fs = False
max_print = 200
count = 0
groups = ({}, {})    # per side: (dev, ino) -> first path seen
linked = ({}, {})    # per side: path -> (dev, ino), of entries with several links
entries = 0


def show(path):
    text = path.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= 300 else text[:140] + "..." + text[-140:]


def differ(path, field, a, b):
    global count
    if field in ignore:
        return
    count += 1
    if count <= max_print:
        print("%s: %s: %s != %s" % (show(path), field, a, b))


def kind(st):
    return {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
            stat.S_IFCHR: "character device", stat.S_IFBLK: "block device"}.get(stat.S_IFMT(st.st_mode), "unknown")


def open_quiet(name, flags, fd):
    """O_NOATIME where it is allowed: comparing must not change what a later check looks at."""
    try:
        return os.open(name, flags | os.O_NOATIME | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
    except PermissionError:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)


def xattrs(fd, name):
    # The *xattr calls know no directory descriptor; /proc gives the descriptor a short path.
    where = b"/proc/self/fd/%d/%s" % (fd, name)
    result = {}
    try:
        names = os.listxattr(where, follow_symlinks=False)
    except OSError as e:
        if e.errno in (errno.ENOTSUP, errno.EACCES):
            return {}
        raise
    for n in names:
        if any(n.startswith(p) for p in ignore_xattr):
            continue
        try:
            result[n] = os.getxattr(where, n, follow_symlinks=False)
        except OSError as e:
            result[n] = b"(unreadable: %s)" % errno.errorcode[e.errno].encode()
    return result


def flags_of(fd):
    try:
        raw = fcntl.ioctl(fd, FS_IOC_GETFLAGS, b"\0" * 8)
    except OSError:
        return ""
    value = struct.unpack("=I", raw[:4])[0]
    return "".join(sorted(c for bit, c in FLAGS.items() if value & bit))


def data_bytes(fd, size):
    """Bytes in data extents: unlike st_blocks free of what a file system has only reserved."""
    total = at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(fd, start, os.SEEK_HOLE)
        # Rounded outwards, as the two sides may have blocks of different sizes.
        total += (at + 4095) // 4096 * 4096 - start // 4096 * 4096
    return total


def next_data(fd, at, size):
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError as e:
        return size if e.errno == errno.ENXIO else at


def compare_content(path, fa, fb, size):
    at = 0
    while at < size:
        # What is a hole on both sides is equal without reading.
        at = min(next_data(fa, at, size), next_data(fb, at, size))
        a, b = os.pread(fa, CHUNK, at), os.pread(fb, CHUNK, at)
        n = min(len(a), len(b))
        if n and len(a) != len(b):
            a, b = a[:n], b[:n]
        if a != b:
            n = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            differ(path, "content", "byte at %d" % (at + n), "another")
            return
        if not a:
            return
        at += len(a)


def compare_regular(path, da, db, name, sa, sb):
    try:
        fa = open_quiet(name, os.O_RDONLY | os.O_NONBLOCK, da)
    except PermissionError:
        differ(path, "content", "unreadable", "-")
        return
    try:
        fb = open_quiet(name, os.O_RDONLY | os.O_NONBLOCK, db)
    except PermissionError:
        differ(path, "content", "-", "unreadable")
        os.close(fa)
        return
    try:
        if sa.st_size == sb.st_size and (sa.st_dev, sa.st_ino) != (sb.st_dev, sb.st_ino):
            compare_content(path, fa, fb, sa.st_size)
        have, may = sb.st_blocks * 512, sa.st_blocks * 512
        if have > may + may // 16 + HOLE_SLACK:
            have, may = data_bytes(fb, sb.st_size), data_bytes(fa, sa.st_size)
            if have > may + may // 16 + HOLE_SLACK:
                differ(path, "holes", "%d bytes of data" % may, "%d" % have)
        compare_flags(path, fa, fb)
    finally:
        os.close(fa)
        os.close(fb)


def compare_flags(path, fa, fb):
    a, b = flags_of(fa), flags_of(fb)
    if a != b:
        differ(path, "flags", a or "none", b or "none")


def compare_entry(path, da, db, name, sa, sb, root=False):
    global entries
    entries += 1
    if stat.S_IFMT(sa.st_mode) != stat.S_IFMT(sb.st_mode):
        differ(path, "type", kind(sa), kind(sb))
        return
    quiet = root and ignore_root
    if not quiet:
        if not stat.S_ISLNK(sa.st_mode) and stat.S_IMODE(sa.st_mode) != stat.S_IMODE(sb.st_mode):
            differ(path, "mode", "%04o" % stat.S_IMODE(sa.st_mode), "%04o" % stat.S_IMODE(sb.st_mode))
        if sa.st_uid != sb.st_uid:
            differ(path, "uid", sa.st_uid, sb.st_uid)
        if sa.st_gid != sb.st_gid:
            differ(path, "gid", sa.st_gid, sb.st_gid)
        if sa.st_mtime_ns != sb.st_mtime_ns:
            differ(path, "dirmtime" if stat.S_ISDIR(sa.st_mode) and "dirmtime" in ignore else "mtime", sa.st_mtime_ns, sb.st_mtime_ns)
        if not stat.S_ISDIR(sa.st_mode) and sa.st_size != sb.st_size:
            differ(path, "size", sa.st_size, sb.st_size)
        if stat.S_ISCHR(sa.st_mode) or stat.S_ISBLK(sa.st_mode):
            if sa.st_rdev != sb.st_rdev:
                differ(path, "rdev", "%d,%d" % (os.major(sa.st_rdev), os.minor(sa.st_rdev)), "%d,%d" % (os.major(sb.st_rdev), os.minor(sb.st_rdev)))
        if stat.S_ISLNK(sa.st_mode):
            a, b = os.readlink(name, dir_fd=da), os.readlink(name, dir_fd=db)
            if a != b:
                differ(path, "link", repr(a), repr(b))
        xa, xb = xattrs(da, name), xattrs(db, name)
        for n in sorted(set(xa) | set(xb)):
            if xa.get(n) != xb.get(n):
                differ(path, "xattr", "%s=%.60r" % (n, xa.get(n)), "%.60r" % (xb.get(n),))
    if not stat.S_ISDIR(sa.st_mode):
        for side, st in ((0, sa), (1, sb)):
            if st.st_nlink > 1:
                linked[side][path] = (st.st_dev, st.st_ino)
                groups[side].setdefault((st.st_dev, st.st_ino), path)
    if stat.S_ISREG(sa.st_mode):
        compare_regular(path, da, db, name, sa, sb)


def listing(fd, path):
    names = set()
    for n in os.listdir(fd):
        n = os.fsencode(n)
        if n in exclude_names or (path + b"/" + n if path != b"." else n) in exclude:
            continue
        names.add(n)
    return names


def compare_dirs(path, da, db, dev_a, dev_b):
    try:
        na, nb = listing(da, path), listing(db, path)
    except PermissionError as e:
        differ(path, "content", "unlistable", str(e))
        return
    for n in sorted(na | nb):
        p = n if path == b"." else path + b"/" + n
        if n not in nb:
            differ(p, "missing", kind(os.stat(n, dir_fd=da, follow_symlinks=False)), "nothing")
            continue
        if n not in na:
            differ(p, "extra", "nothing", kind(os.stat(n, dir_fd=db, follow_symlinks=False)))
            continue
        sa, sb = os.stat(n, dir_fd=da, follow_symlinks=False), os.stat(n, dir_fd=db, follow_symlinks=False)
        compare_entry(p, da, db, n, sa, sb)
        if stat.S_ISDIR(sa.st_mode) and stat.S_ISDIR(sb.st_mode):
            try:
                fa = open_quiet(n, os.O_RDONLY | os.O_DIRECTORY, da)
            except PermissionError:
                differ(p, "content", "unlistable", "-")
                continue
            try:
                fb = open_quiet(n, os.O_RDONLY | os.O_DIRECTORY, db)
            except PermissionError:
                differ(p, "content", "-", "unlistable")
                os.close(fa)
                continue
            compare_flags(p, fa, fb)
            if not (one_fs and sa.st_dev != dev_a):
                compare_dirs(p, fa, fb, dev_a, dev_b)
            os.close(fa)
            os.close(fb)


def compare_groups():
    """The partition of the names into inodes must be the same; the first name seen stands for each inode."""
    both_walk_order = sorted(set(linked[0]) | set(linked[1]))
    for p in both_walk_order:
        a = groups[0][linked[0][p]] if p in linked[0] else p
        b = groups[1][linked[1][p]] if p in linked[1] else p
        if a != b:
            differ(p, "hardlink", "with " + show(a), "with " + show(b))


def main():
    global ignore_root, one_fs, max_print
    args, rest = sys.argv[1:], []
    while args:
        a = args.pop(0)
        if a == "--ignore":
            ignore.update(args.pop(0).split(","))
        elif a == "--ignore-xattr":
            ignore_xattr.append(args.pop(0))
        elif a == "--exclude":
            exclude.add(os.fsencode(args.pop(0)))
        elif a == "--exclude-name":
            exclude_names.add(os.fsencode(args.pop(0)))
        elif a == "--ignore-root":
            ignore_root = True
        elif a == "-x":
            one_fs = True
        elif a == "--max":
            max_print = int(args.pop(0))
        elif a in ("-h", "--help"):
            print(__doc__)
            return 0
        else:
            rest.append(os.fsencode(a))
    if len(rest) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    sys.setrecursionlimit(100000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        da, db = os.open(rest[0], os.O_RDONLY | os.O_DIRECTORY), os.open(rest[1], os.O_RDONLY | os.O_DIRECTORY)
    except OSError as e:
        print("cannot open: %s" % e)
        return 2
    sa, sb = os.fstat(da), os.fstat(db)
    compare_entry(b".", da, db, b".", sa, sb, root=True)
    if not ignore_root:
        compare_flags(b".", da, db)
    compare_dirs(b".", da, db, sa.st_dev, sb.st_dev)
    compare_groups()
    print("# %d entries compared, %d differences" % (entries, count))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
