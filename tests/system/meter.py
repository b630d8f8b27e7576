#!/usr/bin/python3
"""Measures what processes take: meter.py SECONDS [--pick receivers|movers|workers]

Prints, over so many seconds, "cpu SHARE read RATE write RATE processes N": the share of all processors in percent, and what they
read and wrote by system calls, in bytes a second. Processes that come and go are counted as long as they are there.
"""
import argparse
import os
import time

PICK = {
    "receivers": lambda args: b"--root-hex" in args,
    "movers": lambda args: b"--role=mover" in args,
    "workers": lambda args: b"--role=mover" in args or b"--role=verifier" in args,
}


def processes(pick):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                args = f.read().split(b"\0")
            if not pick(args) or os.path.basename(args[0]) in (b"sh", b"bash", b"ssh"):
                continue
            with open("/proc/%s/schedstat" % pid) as f:
                cpu = int(f.read().split()[0]) / 1e9
            with open("/proc/%s/io" % pid) as f:
                io = dict(line.split(": ") for line in f.read().splitlines())
            yield pid, (cpu, int(io["rchar"]), int(io["wchar"]))
        except (OSError, ValueError):
            continue


def main():
    p = argparse.ArgumentParser()
    p.add_argument("seconds", type=float)
    p.add_argument("--pick", choices=PICK, default="receivers")
    a = p.parse_args()
    begin = time.monotonic()
    first = dict(processes(PICK[a.pick]))
    last = dict(first)
    while time.monotonic() < begin + a.seconds:
        time.sleep(min(0.5, max(0.0, begin + a.seconds - time.monotonic())))
        last.update(processes(PICK[a.pick]))
    took = time.monotonic() - begin
    sums = [sum(v[i] - first.get(pid, (0, 0, 0))[i] for pid, v in last.items()) / took for i in range(3)]
    print("cpu %.2f read %.0f write %.0f processes %d" % (100 * sums[0] / os.cpu_count(), sums[1], sums[2], len(last)))


main()
