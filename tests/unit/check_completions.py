#!/usr/bin/python3
"""Drives the completions of bash and zsh on a terminal, key by key, and asks fish.

Usage: check_completions.py DIR     with the generated rehost.bash, _rehost, rehost.fish
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

# What is typed, TAB included, and what the command then gets; None: as typed, for there is nothing to complete.
CASES = [
    ("sy\t", ["sync"]),
    ("--vers\t", ["--version"]),
    ("verify --mo\tq\t", ["verify", "--mode=quick"]),
    ("verify --mode c\t", ["verify", "--mode", "crc64"]),
    ("--set target.tr\tli\t", ["--set", "target.transport=libssh2"]),
    ("--set=rules.del\tdur\t", ["--set=rules.delete=during"]),
    ("copy --set log.lev\tw\t", ["copy", "--set", "log.level=warning"]),
    ("-c run sy\t", ["-c", "run", "sync"]),
    ("--config=x --set a.b=c copy --checks\t", ["--config=x", "--set", "a.b=c", "copy", "--checksum"]),
    ("copy -c --dele\t", ["copy", "-c", "--delete"]),
    ("status --max\t26h", ["status", "--max-age=26h"]),
    ("status --del\t", None),
    ("explain RH0002\t", ["explain", "RH0002"]),
    ("help check-c\t", ["help", "check-config"]),
    ("limits ba\to\t", ["limits", "bandwidth=off"]),
    ("copy dir-of\t", ["copy", "dir-of-mine"]),
    ("-c conf-of\t", ["-c", "conf-of-mine"]),
    ("--config conf-of\t", ["--config", "conf-of-mine"]),
]

failed = 0


def judge(shell, typed, got, wanted):
    global failed
    if got == wanted:
        print("ok - %s: %r" % (shell, typed))
    else:
        failed += 1
        print("not ok - %s: %r gives %r, not %r" % (shell, typed, got, wanted))


def on_terminal(argv, typed, env):
    """What the shell says when it is typed at, until it has said 'DONE'."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, env)
    said, end = b"", time.time() + 30
    os.write(fd, typed.encode())
    while b"\nDONE" not in said and time.time() < end:
        if select.select([fd], [], [], 1)[0]:
            try:
                said += os.read(fd, 65536)
            except OSError:
                break
    os.close(fd)
    os.waitpid(pid, 0)
    return said.decode(errors="replace").replace("\r", "")


def typed_words(typed):
    return typed.replace("\t", "").split()


def drive(shell, argv, env):
    """One shell for all cases: the program is a function that says what it was given."""
    keys = "".join("rehost %s\r" % typed for typed, _ in CASES)
    said = on_terminal(argv, keys + "rehost-done\r", env)
    got = re.findall(r"\nGOT<(.*)>", said)
    if len(got) != len(CASES):
        judge(shell, "all", said, "%d answers" % len(CASES))
        return
    for (typed, wanted), words in zip(CASES, got):
        judge(shell, typed, words.rstrip("/").split("|"), wanted or typed_words(typed))


FUNCTIONS = """
rehost() { local IFS='|'; printf '\\nGOT<%s>\\n' "$*"; }
rehost-done() { printf '\\nDONE\\n'; exit; }
"""


def bash(here, env):
    with open("bashrc", "w") as f:
        f.write("PS1=\nbind 'set bell-style none'\nbind 'set enable-bracketed-paste off'\n"
                "source '%s/rehost.bash'\n" % here + FUNCTIONS)
    drive("bash", ["bash", "--noprofile", "--rcfile", "bashrc", "-i"], env)


def zsh(here, env):
    with open(".zshrc", "w") as f:
        f.write("PS1=\nunsetopt zle_bracketed_paste\nfpath=('%s' $fpath)\n"
                "autoload -Uz compinit && compinit -u -d .dump\nsetopt no_beep no_auto_menu\n" % here + FUNCTIONS)
    drive("zsh", ["zsh", "-i"], dict(env, ZDOTDIR=os.getcwd()))


def fish(here, env):
    for typed, wanted in CASES:
        parts = typed.split("\t")
        line = "rehost " + parts[0]
        if parts[1] and parts[2:]:  # what the first TAB has brought, and what is typed behind it
            line = " ".join(["rehost"] + wanted[:-1] + [wanted[-1][:wanted[-1].rindex("=") + 1] + parts[1]])
        r = subprocess.run(["fish", "--no-config", "-c", "source '%s/rehost.fish'; complete -C (cat)" % here],
                           input=line, capture_output=True, text=True, env=env, timeout=60)
        offered = [x.split("\t")[0].rstrip("=/") for x in r.stdout.splitlines()]
        if r.stderr or not wanted:
            judge("fish", line, offered + r.stderr.splitlines(), [])
        else:
            best = wanted[-1][:len(wanted[-1]) - len(parts[-1])].rstrip("=/")
            judge("fish", line, best if best in offered else offered, best)


def main():
    here = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.mkdir("dir-of-mine")
        open("conf-of-mine", "w").close()
        env = {"PATH": os.environ["PATH"], "HOME": work, "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        for shell, check in (("bash", bash), ("zsh", zsh), ("fish", fish)):
            if shutil.which(shell):
                check(here, env)
            else:
                print("# SKIP %s: is not installed" % shell)
        os.chdir("/")
    sys.exit(1 if failed else 0)


main()
