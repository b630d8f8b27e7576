#!/usr/bin/python3
"""Checks that the rooms of src/ are what rehost-internals(7) says, and see of each other only what they may.

- Every folder of src/ has its row in the table of rooms, and every row its folder.
- A room includes only rooms that its CMakeLists.txt names, which are all of a lower layer in the table.
- Nothing includes another room's private headers.
- A library that belongs to one room is included there alone; plugins include nothing of src/.
- Verify includes nothing of what it checks.
- The rooms that the static receiver is made of call nothing that needs the name service or loads a library.

Usage: check_rooms.py TOP
"""
import os
import re
import sys

# Who alone includes a library's header.
OWNERS = {
    "librsync.h": {"delta"},
    "libssh2.h": {"transport"},
    "libmount/libmount.h": {"mounts"},
    "seccomp.h": {"confine"},
    "sys/capability.h": {"confine"},
    "zstd.h": {"wire"},
    "lzma.h": {"verify"},
    "libcgroup.h": {"limits"},
    "cjson/cJSON.h": {"job", "engine", "cli"},
}
# cli asks the libraries for their versions.
VERSIONS = "cli/version.c"
# Verify must not lean on what it checks.
FORBIDDEN = {"verify": {"meta", "delta", "mover", "receiver", "job", "engine"}}
# Programs that stand in a room's folder, and what they see besides.
PROGRAMS = {"receiver/main.c": {"verify"}}
# What the receiver is linked of.
RECEIVER = {"base", "confine", "conf", "delta", "meta", "pace", "rules", "receiver", "wire"}
NOT_STATIC = re.compile(r"\b(dlopen|getaddrinfo|gethostbyname|getpwnam|getpwuid|getgrnam|getgrgid|initgroups)(_r)?\s*\(")
# Other libraries of a room, by the name they have in CMake.
PART_OF = {"log": "diag", "limits_host": "limits", "verify_prover": "verify"}

problems = []


def problem(where, what):
    problems.append("%s: %s" % (where, what))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def rooms_of_manual(top):
    """The rows ".It LAYER Ta ROOM Ta ..." of the table."""
    layers = {}
    for layer, room in re.findall(r"^\.It (\d+) Ta (\w+) Ta", read(os.path.join(top, "man/rehost-internals.7")), re.M):
        if room in layers:
            problem("man/rehost-internals.7", "room %s stands there twice" % room)
        layers[room] = int(layer)
    return layers


def rooms_of_cmake(src, room):
    """The rooms that a room's CMakeLists.txt names, and the libraries that make it up."""
    named = set()
    text = re.sub(r"#.*", "", read(os.path.join(src, room, "CMakeLists.txt")))
    for body in re.findall(r"rehost_room\(([^)]*)\)", text):
        words = body.split()
        if "ROOMS" not in words:
            continue
        for word in words[words.index("ROOMS") + 1:]:
            if word in ("LIBS", "SOURCES"):
                break
            named.add(PART_OF.get(word, word))
    for body in re.findall(r"target_link_libraries\(([^)]*)\)", text):
        named |= {PART_OF.get(w, w) for w in body.split()[1:]}
    return named - {room}


def includes(path):
    for number, line in enumerate(read(path).splitlines(), 1):
        m = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
        if m:
            yield number, m.group(1)


def check_file(src, room, name, rooms, named):
    where = "src/%s/%s" % (room, name)
    for number, header in includes(os.path.join(src, room, name)):
        at = "%s:%d" % (where, number)
        other = header.split("/")[0] if "/" in header else None
        if header in OWNERS and room not in OWNERS[header] and "%s/%s" % (room, name) != VERSIONS:
            problem(at, "%s belongs to %s" % (header, ", ".join(sorted(OWNERS[header]))))
        if other not in rooms or other == room:
            continue
        if other not in named | PROGRAMS.get("%s/%s" % (room, name), set()):
            problem(at, "includes %s, which src/%s/CMakeLists.txt does not name" % (header, room))
        if re.search(r"private|internal", header):
            problem(at, "includes a private header of %s" % other)
        if other in FORBIDDEN.get(room, ()):
            problem(at, "%s must do without %s" % (room, other))


def check_static(src, room, name):
    for number, line in enumerate(read(os.path.join(src, room, name)).splitlines(), 1):
        m = NOT_STATIC.search(line)
        if m:
            problem("src/%s/%s:%d" % (room, name, number), "%s does not work in the static receiver" % m.group(1))


def main():
    top = sys.argv[1]
    src = os.path.join(top, "src")
    layers = rooms_of_manual(top)
    rooms = {d for d in os.listdir(src) if os.path.exists(os.path.join(src, d, "CMakeLists.txt"))}

    for room in sorted(rooms - set(layers)):
        problem("src/" + room, "is not in the table of rehost-internals(7)")
    for room in sorted(set(layers) - rooms):
        problem("man/rehost-internals.7", "room %s has no folder in src" % room)
    for room in sorted(rooms & set(layers)):
        named = rooms_of_cmake(src, room) & rooms
        for other in sorted(named):
            if layers.get(other, 99) >= layers[room]:
                problem("src/%s/CMakeLists.txt" % room, "%s is not of a lower layer" % other)
        for name in sorted(os.listdir(os.path.join(src, room))):
            if name.endswith((".c", ".h")):
                check_file(src, room, name, rooms, named)
                if room in RECEIVER:
                    check_static(src, room, name)
    for folder, _, names in os.walk(os.path.join(top, "plugins")):
        for name in names:
            if name.endswith((".c", ".h")):
                for number, header in includes(os.path.join(folder, name)):
                    if header.split("/")[0] in rooms:
                        problem("%s:%d" % (os.path.join(folder, name), number), "a plugin includes " + header)

    for line in problems:
        print(line)
    print("%d rooms, %d problems" % (len(rooms), len(problems)))
    return bool(problems) or not rooms


if __name__ == "__main__":
    sys.exit(main())
