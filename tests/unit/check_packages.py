#!/usr/bin/python3
"""Checks that the Debian package and the RPM hold every file that CMake installs, each once, and nothing that it does not.

Usage: check_packages.py TOP BUILD CMAKE PREFIX SYSCONFDIR LIBDIR VERSION
"""
import fnmatch
import os
import re
import subprocess
import sys
import tempfile

TOP, BUILD, CMAKE, PREFIX, SYSCONFDIR, LIBDIR, VERSION = sys.argv[1:]
# What each of the three calls its directories, where they differ.
CMAKE_NAMES = [(SYSCONFDIR + "/", "etc/"), (LIBDIR + "/rehost/", "LIB/rehost/"), (PREFIX + "/lib/systemd/system/", "UNIT/"),
               ("/lib/systemd/system/", "UNIT/"), (PREFIX + "/share/zsh/site-functions/", "ZSH/"),
               (PREFIX + "/share/zsh/vendor-completions/", "ZSH/"), (PREFIX + "/", "usr/")]
DEBIAN_NAMES = [("usr/lib/*/", "LIB/"), ("lib/systemd/system/", "UNIT/"), ("usr/share/zsh/vendor-completions/", "ZSH/")]
RPM_NAMES = [("%{_libdir}/", "LIB/"), ("%{_unitdir}/", "UNIT/"), ("%{_datadir}/zsh/site-functions/", "ZSH/"),
             ("%{_sysconfdir}/", "etc/"), ("%{_bindir}/", "usr/bin/"), ("%{_includedir}/", "usr/include/"),
             ("%{_libexecdir}/", "usr/libexec/"), ("%{_docdir}/", "usr/share/doc/"), ("%{_mandir}/", "usr/share/man/"),
             ("%{_datadir}/", "usr/share/"), ("%{_localstatedir}/", "var/")]
failed = False


def problem(what):
    global failed
    failed = True
    print("not ok - " + what)


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


def named(path, names):
    for prefix, name in names:
        if path.startswith(prefix):
            return name + path[len(prefix):]
    return path


def installed():
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([CMAKE, "--install", BUILD], env=dict(os.environ, DESTDIR=root), check=True, stdout=subprocess.DEVNULL)
        return {named(os.path.join(d, f)[len(root):], CMAKE_NAMES) for d, _, files in os.walk(root) for f in files}


def debian():
    """Patterns, each with its package."""
    for package in ("rehost.install", "rehost-helper-static.install", "not-installed"):
        for line in read("packaging/debian/" + package).splitlines():
            if line and not line.startswith("#"):
                yield named(line, DEBIAN_NAMES), package


def rpm():
    package = None
    for line in read("packaging/rpm/rehost.spec").splitlines():
        if line.startswith("%"):
            word = line.split()[0]
            if word in ("%files", "%changelog"):
                package = line if word == "%files" else None
                continue
        if not package or not line or line.startswith("%dir"):
            continue
        path = named(line.split()[-1], RPM_NAMES)
        if path.startswith("etc/") != line.startswith("%config(noreplace) "):
            problem("rehost.spec: what is in /etc, and nothing else, is configuration: '%s'" % line)
        yield path, package


def compare(kind, files, patterns):
    used = set()
    for f in sorted(files):
        matching = [p for p in patterns if fnmatch.fnmatchcase(f, p[0]) or f.startswith(p[0] + "/")]
        used.update(matching)
        if len(matching) != 1:
            problem("%s: %s is in %s" % (kind, f, [p[1] for p in matching] or "no package"))
    for p in patterns:
        if p not in used:
            problem("%s: nothing is installed as '%s' of %s" % (kind, p[0], p[1]))
    print("# %s: %d files, %d patterns" % (kind, len(files), len(patterns)))


def main():
    files = installed()
    compare("debian", files, list(debian()))
    compare("rpm", files, list(rpm()))

    for name, pattern in (("packaging/debian/changelog", r"^rehost \(([^-]*)-"), ("packaging/rpm/rehost.spec", r"(?m)^Version: *(.*)")):
        found = re.search(pattern, read(name)).group(1)
        if found != VERSION:
            problem("%s is of version %s, not %s" % (name, found, VERSION))

    wanted = set(re.sub("#.*", "", read("packaging/build-deps")).split()) - {"build-essential", "ninja-build"}
    have = set(re.findall(r"(?m)^ ([a-z0-9+.-]+)", read("packaging/debian/control").split("Build-Depends:")[1].split("\n\n")[0]))
    for package in sorted(wanted - have):
        problem("packaging/debian/control: Build-Depends lacks %s, which is in packaging/build-deps" % package)
    sys.exit(1 if failed else 0)


main()
