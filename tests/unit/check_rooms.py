#!/usr/bin/python3
"""Checks that the rooms of src/ are what rehost-internals(7) says, and see of each other only what they may.

- Every folder of src/ has its row in the table of rooms, and every row its folder, but for rooms that are to come.
- A room includes only rooms that its CMakeLists.txt names, which are all of a lower layer in the table.
- Nothing includes another room's private headers: those named so, and those whose first comment says so.
- A library that belongs to one room is included there alone; plugins include nothing of src/.
- Verify includes nothing of what it checks.
- The rooms that the static receiver is made of call nothing that needs the name service or loads a library.
- The files of a room do not call each other in a circle, nor do its headers include each other in one. What a header
  defines itself counts for the .c file of its name.
- A function has 60 lines at most, a header that files share 200, but for the protocol's.

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
    "blkid/blkid.h": {"facts"},
    "seccomp.h": {"confine"},
    "sys/capability.h": {"confine"},
    "zstd.h": {"wire"},
    "lzma.h": {"verify"},
    "libcgroup.h": {"limits"},
    "cjson/cJSON.h": {"job", "facts", "import", "preflight", "check", "engine", "cli"},
}
# cli asks the libraries for their versions.
VERSIONS = "cli/version.c"
# Verify must not lean on what it checks.
FORBIDDEN = {"verify": {"meta", "delta", "mover", "receiver", "job", "engine"}}
# Programs that stand in a room's folder, and what they see besides.
PROGRAMS = {"receiver/main.c": {"verify", "operator"}}
# What the receiver is linked of.
RECEIVER = {"base", "confine", "conf", "delta", "facts", "meta", "operator", "pace", "preflight", "rules", "receiver", "wire"}
NOT_STATIC = re.compile(r"\b(dlopen|getaddrinfo|gethostbyname|getpwnam|getpwuid|getgrnam|getgrgid|initgroups)(_r)?\s*\(")
# Other libraries of a room, by the name they have in CMake.
PART_OF = {"log": "diag", "limits_host": "limits", "verify_prover": "verify", "facts_document": "facts",
           "preflight_rows": "preflight"}

MANUAL = "man/rehost-internals.7"
HEADER_LINES = 200
FUNCTION_LINES = 60
# The protocol is one page.
LONG_HEADERS = {"wire/msg.h"}

problems = []


def problem(where, what):
    problems.append("%s: %s" % (where, what))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def rooms_of_manual(top):
    """The rows ".It LAYER Ta ROOM Ta ..." of the table; and the rooms that are to come."""
    layers, to_come = {}, set()
    for layer, room, what in re.findall(r"^\.It (\d+) Ta (\w+) Ta (.*)$", read(os.path.join(top, MANUAL)), re.M):
        if room in layers:
            problem(MANUAL, "room %s stands there twice" % room)
        layers[room] = int(layer)
        if what.startswith("to come:"):
            to_come.add(room)
    return layers, to_come


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


def is_private(path):
    if re.search(r"private|internal", os.path.basename(path)):
        return True
    first = re.match(r"/\*.*?\*/", read(path), re.S) if os.path.exists(path) else None
    return bool(first) and "private to the room" in first.group(0).lower()


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
        if is_private(os.path.join(src, header)):
            problem(at, "includes a private header of %s" % other)
        if other in FORBIDDEN.get(room, ()):
            problem(at, "%s must do without %s" % (room, other))


def check_static(src, room, name):
    for number, line in enumerate(read(os.path.join(src, room, name)).splitlines(), 1):
        m = NOT_STATIC.search(line)
        if m:
            problem("src/%s/%s:%d" % (room, name, number), "%s does not work in the static receiver" % m.group(1))


COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'", re.S)


def bare(text):
    """Without comments and literals, the lines as they were."""
    return COMMENT_OR_TEXT.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


class File:
    """What a file of C defines and names. Relies on the format: a body is between '{' and '}' in column 0."""

    def __init__(self, path):
        text = read(path)
        self.lines = text.splitlines()
        self.code = bare(text).splitlines()
        self.functions = []  # name, whether it is static, first line of the body, last one
        self.macros = {}  # those that look like functions: their identifiers
        for number, line in enumerate(self.code):
            if line == "{":
                self.function(number)
            m = re.match(r"#\s*define\s+(\w+)\(", line)
            if m:
                self.macros[m.group(1)] = self.macro(number)
        # A header that declares a function does not call it: of headers the bodies count.
        bodies = [self.code[begin:end] for _, _, begin, end in self.functions]
        self.named = self.identifiers("\n".join(sum(bodies, []) if path.endswith(".h") else self.code))
        self.own = {name for name, _, _, _ in self.functions}

    def function(self, number):
        begin = number - 1
        while begin and not re.match(r"[A-Za-z_]", self.code[begin]):
            begin -= 1
        m = re.match(r"([^(]*?)(\w+)\(", " ".join(self.code[begin:number]))
        end = self.code.index("}", number) if "}" in self.code[number:] else len(self.code)
        if m:
            self.functions.append((m.group(2), "static" in m.group(1).split(), number, end))

    def macro(self, number):
        body = []
        while number < len(self.code):
            body.append(self.code[number])
            if not self.code[number].endswith("\\"):
                break
            number += 1
        return self.identifiers("\n".join(body))

    @staticmethod
    def identifiers(code):
        """All but members, tags, and what directives are made of."""
        code = re.sub(r"^\s*#\s*(include|ifdef|ifndef|undef|if|elif)\b.*$", "", code, flags=re.M)
        return set(re.findall(r"(?<![\w.])(?<!->)(?<!struct )(?<!union )(?<!enum )[A-Za-z_]\w*", code))


def circles(arrows):
    """The sets of nodes that reach each other. arrows: node -> set of nodes."""
    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for other in arrows.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    reach = {node: reached(node) for node in arrows}
    return {frozenset(b for b in reach[a] if a in reach.get(b, ())) for a in arrows if a in reach[a]}


def owner(name, files):
    """The file whose part a header is."""
    source = name[:-2] + ".c"
    return source if name.endswith(".h") and source in files else name


def calls(files):
    """Of the files of one room: who uses which functions of whom. {(user, owner): functions}"""
    where, macros = {}, {}
    for name, f in files.items():
        macros.update(f.macros)
        for function, static, _, _ in f.functions:
            if not static or name.endswith(".h"):
                where[function] = owner(name, files)
    found = {}
    for name, f in files.items():
        used = set(f.named)
        for macro in f.named & set(macros):
            used |= macros[macro]
        for function in used & set(where):
            if function not in f.own and where[function] != owner(name, files):
                found.setdefault((owner(name, files), where[function]), set()).add(function)
    return found


def check_circles(src, room, files):
    found = calls(files)
    arrows = {}
    for user, other in found:
        arrows.setdefault(user, set()).add(other)
    for circle in circles(arrows):
        of = ["%s > %s (%s)" % (user, other, ", ".join(sorted(names)))
              for (user, other), names in sorted(found.items()) if user in circle and other in circle]
        problem("src/" + room, "files call each other in a circle: " + "; ".join(of))
    arrows = {}
    for name in files:
        if name.endswith(".h"):
            arrows[name] = {header[len(room) + 1:] for _, header in includes(os.path.join(src, room, name))
                            if header.startswith(room + "/")}
    for circle in circles(arrows):
        problem("src/" + room, "headers include each other in a circle: " + ", ".join(sorted(circle)))


def check_sizes(room, files):
    for name, f in files.items():
        where = "src/%s/%s" % (room, name)
        if name.endswith(".h") and len(f.lines) > HEADER_LINES and "%s/%s" % (room, name) not in LONG_HEADERS:
            problem(where, "has %d lines, a header should have %d at most" % (len(f.lines), HEADER_LINES))
        for function, _, begin, end in f.functions:
            if end - begin - 1 > FUNCTION_LINES:
                problem("%s:%d" % (where, begin + 1), "%s() has %d lines, more than %d"
                        % (function, end - begin - 1, FUNCTION_LINES))


def check_inside(src, room):
    names = sorted(n for n in os.listdir(os.path.join(src, room)) if n.endswith((".c", ".h")))
    files = {name: File(os.path.join(src, room, name)) for name in names}
    check_sizes(room, files)
    check_circles(src, room, files)


def main():
    top = sys.argv[1]
    src = os.path.join(top, "src")
    layers, to_come = rooms_of_manual(top)
    rooms = {d for d in os.listdir(src) if os.path.exists(os.path.join(src, d, "CMakeLists.txt"))}

    for room in sorted(rooms - set(layers)):
        problem("src/" + room, "is not in the table of rehost-internals(7)")
    for room in sorted(set(layers) - rooms - to_come):
        problem(MANUAL, "room %s has no folder in src" % room)
    for room in sorted(to_come & rooms):
        problem(MANUAL, "room %s has come" % room)
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
        check_inside(src, room)
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
