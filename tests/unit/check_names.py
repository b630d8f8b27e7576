#!/usr/bin/python3
"""Checks that what the pages and the comments name is there.

- A file, or a folder of the source tree, that a manual page, README.md, CONTRIBUTING.md or a comment in src/ names exists:
  from the top, from src/, beside the file that names it, or, where only its name is given, somewhere. Patterns with '*'
  match something.
  match something; so do words in capitals, which stand for any name.
- A function that they name as "name()", a page also as ".Fn name", is in the code, or is one of FOREIGN; a name_of_this_kind
  that a comment tells to "see" is in the code.

Usage: check_names.py TOP
"""
import fnmatch
import glob
import os
import re
import sys

# What no code here calls, or includes by that name.
FOREIGN = {"cgroup_delete_cgroup", "fchmodat2", "mount_setattr", "open_tree", "openat2", "statx"}
FOREIGN_FILES = {"librsync.h", "libssh2.h"}

FILE = re.compile(r"(?<![\w./*~<>$-])(?:[\w*][\w.*-]*/)*[\w*][\w.*-]*\.(?:c|h|py|sh|def|cmake|md)\b(?![\w/])")
FOLDER = re.compile(r"(?<![\w./*~<>$-])(?:src|tests|plugins|packaging|man|etc/rehost)/[\w./*-]*[\w*/]")
FUNCTION = re.compile(r"(?<![\w.>*-])([A-Za-z_*][\w*]*)\(\)")
SEE = re.compile(r"\b[Ss]ee ([a-z]\w*_\w+)\b(?!\()")
COMMENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'", re.S)
CALLED = re.compile(r"\b([A-Za-z_]\w*)\s*\(")

problems = []


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def comments(text):
    """The comments of C, everything else blank, the lines as they were."""
    out, at = [], 0
    for m in COMMENT.finditer(text):
        out.append(blank(text[at:m.start()]))
        out.append(m.group(0) if m.group(0).startswith("/*") else blank(m.group(0)))
        at = m.end()
    return "".join(out) + blank(text[at:])


def code(text):
    return COMMENT.sub(lambda m: blank(m.group(0)), text)


def page(text):
    """A manual page as one reads it: escapes and macros for fonts gone."""
    text = re.sub(r"^\.Fn (\S+).*$", r"\1()", text, flags=re.M)
    return re.sub(r"\\&|\\f.|\\", "", text)


class Tree:
    def __init__(self, top):
        self.top = top
        self.names, self.functions, self.words = set(), set(), set()
        for where in ("src", "plugins", "tests", "packaging", "man", "etc"):
            for folder, _, files in os.walk(os.path.join(top, where)):
                self.names |= set(files)
                for name in files:
                    if name.endswith((".c", ".h")):
                        text = code(read(os.path.join(folder, name)))
                        self.functions |= set(CALLED.findall(text))
                        self.words |= set(re.findall(r"\w+", text))
        self.names |= set(os.listdir(top))

    def has_file(self, name, beside):
        if name in FOREIGN_FILES:
            return True
        for name in (name, re.sub(r"[A-Z]{4,}", "*", name)):
            for base in (self.top, os.path.join(self.top, "src"), os.path.join(self.top, "tests"), beside):
                if glob.glob(os.path.join(base, name)):
                    return True
            if "/" not in name and fnmatch.filter(self.names, name):
                return True
        return False

    def has_function(self, name):
        name = re.sub(r"(?<=_)[A-Z]{4,}", "*", name)  # NAME, TYPE stand for any
        if "*" in name:
            return bool(fnmatch.filter(self.functions, name))
        return name in self.functions or name in FOREIGN


def check(tree, path, text):
    where = os.path.relpath(path, tree.top)
    for number, line in enumerate(text.splitlines(), 1):
        for name in sorted(set(FILE.findall(line) + FOLDER.findall(line))):
            if not tree.has_file(name.rstrip("."), os.path.dirname(path)):
                problems.append("%s:%d: there is no '%s'" % (where, number, name))
        for name in SEE.findall(line):
            if name not in tree.words:
                problems.append("%s:%d: there is nothing '%s' to see" % (where, number, name))
        for name in FUNCTION.findall(line):
            if not tree.has_function(name):
                problems.append("%s:%d: there is no function '%s()'" % (where, number, name))


def main():
    tree = Tree(sys.argv[1])
    top = tree.top
    for pattern in ("man/*.[1-9]", "plugins/*/*.[1-9]"):
        for path in sorted(glob.glob(os.path.join(top, pattern))):
            check(tree, path, page(read(path)))
    for name in ("README.md", "CONTRIBUTING.md"):
        check(tree, os.path.join(top, name), read(os.path.join(top, name)))
    for folder, _, files in os.walk(os.path.join(top, "src")):
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.endswith((".c", ".h")):
                check(tree, path, comments(read(path)))
            elif name == "CMakeLists.txt" or name.endswith(".cmake"):
                check(tree, path, re.sub(r"^[^#\n]*", "", read(path), flags=re.M))
    for line in problems:
        print(line)
    print("%d functions, %d problems" % (len(tree.functions), len(problems)))
    return bool(problems) or not tree.functions


if __name__ == "__main__":
    sys.exit(main())
