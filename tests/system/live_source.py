#!/usr/bin/python3
"""Changes a tree without pause while it is copied: live_source.py DIR OUTSIDE SECONDS SEED

Files grow, shrink and are replaced, directories become symbolic links to OUTSIDE and back, whole directories are renamed, hard
links come and go, types change. OUTSIDE is what links point at, and gets files of ours through them.
"""
import os
import random
import shutil
import stat
import sys
import time


def main():
    top, outside, seconds, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    rng = random.Random(seed)
    os.chdir(top)
    end = time.monotonic() + seconds
    done = 0
    while time.monotonic() < end:
        try:
            rng.choice(OPERATIONS)(rng, outside)
            done += 1
        except OSError:
            pass    # another one of us was faster
        if done % 64 == 0:
            time.sleep(0.002)
    print(done)


def directory(rng):
    return "d%d" % rng.randrange(40)


def any_dir(rng):
    d = directory(rng)
    return d if rng.random() < 0.5 else d + "/s%d" % rng.randrange(4)


def any_file(rng):
    return "%s/f%d" % (any_dir(rng), rng.randrange(30))


def opened(path, flags=os.O_RDWR):
    """Neither waits for the other end of a fifo nor follows a link."""
    return os.fdopen(os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644), "r+b", buffering=0)


def grow(rng, _):
    with opened(any_file(rng), os.O_RDWR | os.O_APPEND | os.O_CREAT) as f:
        f.write(os.urandom(rng.choice((1, 700, 70000, 400000))))


def shrink(rng, _):
    with opened(any_file(rng)) as f:
        f.truncate(os.fstat(f.fileno()).st_size // rng.choice((2, 5, 1000000)))


def rewrite(rng, _):
    p = any_file(rng)
    with opened(p) as f:
        f.seek(rng.randrange(max(1, os.lstat(p).st_size)))
        f.write(os.urandom(3000))


def replace(rng, _):
    p, t = any_file(rng), "t%d" % rng.randrange(1 << 30)
    with opened(t, os.O_RDWR | os.O_CREAT | os.O_EXCL) as f:
        f.write(os.urandom(rng.choice((0, 10, 50000))))
    try:
        os.rename(p if rng.random() < 0.1 else t, p)
    finally:
        if os.path.lexists(t):
            os.unlink(t)


def remove(rng, _):
    os.unlink(any_file(rng))


def big(rng, _):
    p = "big%d" % rng.randrange(2)
    size = os.lstat(p).st_size
    with opened(p) as f:
        f.seek(rng.randrange(size + 1))
        f.write(os.urandom(20000))
        if rng.random() < 0.02:
            f.truncate(rng.choice((0, 300 << 20, (300 << 20) + 1, 120 << 20)))


def dir_to_symlink(rng, outside):
    d = any_dir(rng)
    if os.path.islink(d):
        os.unlink(d)
        os.mkdir(d)
    else:
        t = "gone%d" % rng.randrange(1 << 30)
        os.rename(d, t)
        os.symlink(outside, d)
        shutil.rmtree(t, ignore_errors=True)


def rename_dir(rng, _):
    a, b, t = any_dir(rng), any_dir(rng), "m%d" % rng.randrange(1 << 30)
    if a.startswith(b + "/") or b.startswith(a + "/") or a == b:
        return
    os.rename(a, t)
    try:
        os.rename(b, a)
    finally:
        os.rename(t, b)


def link(rng, _):
    os.link(any_file(rng), any_file(rng), follow_symlinks=False)


def to_dir(rng, _):
    p = any_file(rng)
    if stat.S_ISDIR(os.lstat(p).st_mode):
        shutil.rmtree(p)
    else:
        os.unlink(p)
        os.makedirs(p + "/x/y")


def to_special(rng, outside):
    p = any_file(rng)
    os.unlink(p)
    rng.choice((lambda: os.mkfifo(p), lambda: os.symlink(outside + "/secret", p)))()


def make(rng, _):
    os.makedirs(any_dir(rng), exist_ok=True)
    with opened(any_file(rng), os.O_RDWR | os.O_CREAT | os.O_EXCL) as f:
        f.write(os.urandom(rng.randrange(30000)))


def metadata(rng, _):
    p = any_file(rng)
    if not os.path.islink(p):
        os.chmod(p, rng.choice((0o600, 0o644, 0o755)))
    os.chown(p, rng.randrange(5), rng.randrange(5), follow_symlinks=False)


OPERATIONS = [grow, grow, shrink, shrink, rewrite, replace, replace, remove, big, dir_to_symlink, rename_dir, link, to_dir, to_special, make,
              make, make, metadata]

if __name__ == "__main__":
    main()
