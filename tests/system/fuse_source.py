#!/usr/bin/python3
"""A source that no disk file system could be, by the kernel's FUSE protocol itself: fuse_source.py DIR mounts it and serves.

Its root holds: good (a file), twice (listed two times), names of 300 bytes (a file and a directory), huge (a size below zero),
below/file. And what says ESTALE: stale when it is opened, lost when it is looked up, rotten when it is read, shut (a directory) when
it is opened, torn (a directory) when it is listed, gone (a directory) when it is looked up.
"""
import ctypes, os, struct, sys

LONG, LONG_DIR = b"l" * 300, b"d" * 300
ROOT, GOOD, TWICE, STALE, LONG_FILE, LONG_SUB, HUGE, BELOW, FILE, LOST, ROTTEN, SHUT, TORN, GONE = range(1, 15)
NODES = {ROOT: 0o40755, GOOD: 0o100644, TWICE: 0o100644, STALE: 0o100644, LONG_FILE: 0o100644, LONG_SUB: 0o40755,
         HUGE: 0o100644, BELOW: 0o40755, FILE: 0o100644, LOST: 0o100644, ROTTEN: 0o100644, SHUT: 0o40755, TORN: 0o40755, GONE: 0o40755}
LISTS = {ROOT: [(GOOD, b"good"), (TWICE, b"twice"), (STALE, b"stale"), (LONG_FILE, LONG), (LONG_SUB, LONG_DIR), (HUGE, b"huge"),
                (BELOW, b"below"), (TWICE, b"twice"), (LOST, b"lost"), (ROTTEN, b"rotten"), (SHUT, b"shut"), (TORN, b"torn"), (GONE, b"gone")],
         LONG_SUB: [(FILE, b"file")], BELOW: [(FILE, b"file")]}
CONTENT = b"contents\n"
ENOENT, ESTALE, ENOSYS = 2, 116, 38
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, BATCH_FORGET = \
    1, 2, 3, 14, 15, 17, 18, 25, 26, 27, 28, 29, 42


def attr(node):
    size = 0 if NODES[node] & 0o40000 else -5 if node == HUGE else len(CONTENT)
    return struct.pack("=QqQQQQIIIIIIIIII", node, size, 0, 1000, 1000, 1000, 0, 0, 0, NODES[node], 1, 0, 0, 0, 4096, 0)


def listing(node, offset, room):
    out = b""
    for i, (child, name) in enumerate([(node, b"."), (node, b"..")] + LISTS[node]):
        if i < offset:
            continue
        entry = struct.pack("=QQII", child, i + 1, len(name), NODES[child] >> 12) + name
        entry += b"\0" * (-len(entry) % 8)
        if len(out) + len(entry) > room:
            break
        out += entry
    return out


def answer(op, node, body):
    """(errno, payload), or None when nothing is said."""
    if op == INIT:
        return 0, struct.pack("=IIIIHHIIHHI", 7, 31, 0, 0, 16, 12, 65536, 1, 0, 0, 0) + b"\0" * 28
    if op in (FORGET, BATCH_FORGET):
        return None
    if op == LOOKUP:
        name = body.rstrip(b"\0")
        for child, other in LISTS.get(node, []):
            if other == name and child in (LOST, GONE):
                return ESTALE, b""
            if other == name:
                return 0, struct.pack("=QQQQII", child, 0, 1, 1, 0, 0) + attr(child)
        return ENOENT, b""
    if op == GETATTR:
        return 0, struct.pack("=QII", 1, 0, 0) + attr(node)
    if (op, node) in ((OPEN, STALE), (READ, ROTTEN), (OPENDIR, SHUT), (READDIR, TORN)):
        return ESTALE, b""
    if op in (OPEN, OPENDIR):
        return 0, struct.pack("=QII", 0, 0, 0)
    if op == READ:
        offset, size = struct.unpack_from("=QI", body, 8)
        return 0, CONTENT[offset:offset + size]
    if op == READDIR:
        offset, size = struct.unpack_from("=QI", body, 8)
        return 0, listing(node, offset, size)
    if op == STATFS:
        return 0, struct.pack("=QQQQQIIII", 1000, 500, 500, 100, 50, 4096, 1024, 4096, 0) + b"\0" * 24
    if op in (RELEASE, RELEASEDIR, FLUSH):
        return 0, b""
    return ENOSYS, b""


def main():
    fd = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = b"fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other" % fd
    if libc.mount(b"unusual", os.fsencode(sys.argv[1]), b"fuse", 0, options) < 0:
        sys.exit("cannot mount: " + os.strerror(ctypes.get_errno()))
    print("mounted", flush=True)
    while True:
        try:
            request = os.read(fd, 1 << 20)
        except OSError:
            return  # unmounted
        _, op, unique, node = struct.unpack_from("=IIQQ", request)
        said = answer(op, node, request[40:])
        if said:
            os.write(fd, struct.pack("=IiQ", 16 + len(said[1]), -said[0], unique) + said[1])


main()
