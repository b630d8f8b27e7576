#!/usr/bin/python3
"""vm_measure.py SECONDS: what the running job, whose process id is in /root/pid, uses in that time: one JSON object.

cpu, cpu_processes   percent of all processors, by the group's cpu.stat and by the times of the processes in it
read, written        bytes a second, by the group's io.stat
copied               bytes of contents a second, by rehost status
memory_peak, oom_kill
"""
import json
import os
import subprocess
import sys
import time

pid = int(open("/root/pid").read())
group = open("/proc/%d/cgroup" % pid).read().strip().split("::")[1]
top = "/sys/fs/cgroup" + group


def text(name):
    try:
        return open(os.path.join(top, name)).read()
    except OSError:
        return ""


def keyed(name, key):
    return sum(int(line.split()[1]) for line in text(name).splitlines() if line.split()[0] == key)


def io(key):
    return sum(int(word.split("=")[1]) for word in text("io.stat").split() if word.startswith(key + "="))


def processes():
    times = {}
    for where, _, names in os.walk(top):
        for p in open(where + "/cgroup.procs").read().split() if "cgroup.procs" in names else []:
            try:
                fields = open("/proc/%s/stat" % p).read().rsplit(")", 1)[1].split()
                times[p] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            except OSError:
                pass
    return times


def copied():
    return int(json.loads(subprocess.check_output(["rehost", "status", "--json"])).get("bytes_done") or 0)


def sample():
    return time.monotonic(), keyed("cpu.stat", "usage_usec"), io("rbytes"), io("wbytes"), processes(), copied(), time.monotonic()


a = sample()
time.sleep(float(sys.argv[1]))
b = sample()
took, cpus = b[0] - a[0], os.cpu_count()
print(json.dumps({
    "group": group, "seconds": round(took, 2),
    "cpu": round((b[1] - a[1]) / 1e4 / took / cpus, 2),
    "cpu_processes": round(sum(b[4][p] - a[4].get(p, 0) for p in b[4]) * 100 / took / cpus, 2),
    "read": round((b[2] - a[2]) / took), "written": round((b[3] - a[3]) / took),
    "copied": round((b[5] - a[5]) / (b[6] - a[6])),
    "memory_peak": int(text("memory.peak") or 0), "oom_kill": keyed("memory.events", "oom_kill")}))
