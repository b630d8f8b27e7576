#!/bin/bash
# [limits]: the group that all processes of a job are in, what holds without one, enforce, and yielding to the host's pressure.
# No figures are measured here: limits-measured.sh does.
. "$(dirname "$0")/lib.sh"
need_root
CG=/sys/fs/cgroup
[ "$(stat -f -c %T $CG/cpu 2>/dev/null)" = cgroupfs ] || [ "$(stat -f -c %T $CG)" = cgroup2fs ] || skip "no control groups"
start_sshd
mkdir "$WORK/src"; tree random "$WORK/src/f" 20000000
JOB=lim$RANDOM$RANDOM
SET+=(--set "job.name=$JOB")
# groups: the directories of the job's groups; file NAME: the content of the one that has it.
groups() { find $CG -type d -path "*/rehost/$JOB.*" 2>/dev/null; }
file() { local g; for g in $(groups); do [ -e "$g/$1" ] && { cat "$g/$1"; return; }; done; }
either() { local v; v=$(file "$1"); [ -n "$v" ] && echo "$v" || file "$2"; }
is_made() { [ -n "$(groups)" ]; }
value_is() { [ "$(file "$1")" = "$2" ]; }

# A group is made, everything is in it, and it goes.
rehost --set limits.cpu=50% --set limits.memory=300M --set limits.io_write=50M -v copy -n "$WORK/src" "local:$WORK/dry"
expect 0 "a dry run with limits"; has "says what keeps them" "$ERR" "note: limits: in (control group|systemd scope)"
hasnt "and has no complaint" "$ERR" RH14
equal "no group is left" "$(groups)" ""
start_rehost --processes 2 --set limits.cpu=50% --set limits.memory=300M --set limits.io_read=2M copy "$WORK/src" "$T:$WORK/ssh"
until_true 10 is_made && sleep 1
mine=$(echo "$BG"; descendants "$BG"); above "there are workers" "$(echo "$mine" | wc -l)" 3
for g in $(groups); do
    equal "all processes are in ${g#"$CG"/}, the first too" "$(comm -13 <(sort "$g/cgroup.procs") <(echo "$mine" | sort))" ""
done
cpus=$(nproc)
equal "cpu" "$(either cpu.cfs_quota_us cpu.max | cut -d' ' -f1)" $((50000 * cpus))
equal "memory" "$(either memory.limit_in_bytes memory.max)" 314572800
refute "sshd, which is the target's, is not" grep -qx "$SSHD_PID" <(file cgroup.procs)
kill -TERM "$BG"; wait_rehost 10; equal "a signal ends it" "$RC" 143
equal "the group goes with it" "$(groups)" ""

# kill -9 leaves an empty group, which the next run of another job removes, though it has no limits.
start_rehost --set limits.cpu=50% --set limits.io_read=2M copy "$WORK/src" "$T:$WORK/ssh"
until_true 10 is_made; sleep 0.5; kill -KILL "$BG"; wait "$BG" 2>/dev/null; until_true 5 no_processes
above "a kill leaves the group" "$(groups | wc -l)" 0
rehost --set job.name=other copy "$WORK/src" "local:$WORK/other"; expect 0 "another job"
equal "has removed it" "$(groups)" ""

# Limits that come while the job runs: to all its processes, and changed, and taken away.
printf '[job]\nname = %s\n[target]\naddress = x\nroot = /x\n' "$JOB" >"$WORK/job.conf"
ask() { local SET=(); OUT=$WORK/a ERR=$WORK/e rehost -c "$WORK/job.conf" limits "$@"; }
changed() { ask "$@"; [ "$RC" = 0 ]; }
start_rehost --set limits.io_read=1M --set limits.backend=none --set limits.enforce=require copy "$WORK/src" "$T:$WORK/ssh2"
until_true 10 changed io_read=2M
ask cpu=50%; expect 1 "a required limit is refused when it cannot be kept"; has "and why" "$WORK/e" 'RH1402.*backend'
ask; hasnt "nothing has changed" "$WORK/a" '^cpu.*50%'
kill -TERM "$BG"; wait_rehost 10
start_rehost --bwlimit 2M copy "$WORK/src" "$T:$WORK/ssh2"
until_true 10 changed cpu=50% && ok "cpu=50%" || not_ok "cpu=50%"
mine=$(echo "$BG"; descendants "$BG")
for g in $(groups); do
    equal "those that ran already are in ${g#"$CG"/}, the first too" "$(comm -13 <(sort "$g/cgroup.procs") <(echo "$mine" | sort))" ""
done
ask cpu=100%; equal "changed" "$(either cpu.cfs_quota_us cpu.max | cut -d' ' -f1)" $((100000 * cpus))
ask cpu=off; equal "taken away" "$(either cpu.cfs_quota_us cpu.max | cut -d' ' -f1 | tr max -1)" "$([ -n "$(file cpu.max)" ] && echo -1- || echo -1)"
ask bandwidth=off; wait_rehost 60; equal "and it ends well" "$RC" 0
equal "the group is gone" "$(groups)" ""
same "identical" "$WORK/src" "$WORK/ssh2"

# What cannot be kept.
rehost --set limits.cpu=20% --set limits.backend=none copy "$WORK/src" "local:$WORK/p"; expect 0 "prefer goes on"
equal "with one warning" "$(grep -c 'warning: \[RH1401\].*cpu.*backend = none' "$ERR")" 1
printf '[job]\nname = %s\n[target]\naddress = local:\nroot = %s\n[source]\nroot = %s\n' "$JOB" "$WORK/steps" "$WORK/src" >"$WORK/run.conf"
rehost -c "$WORK/run.conf" --set limits.cpu=20% --set limits.backend=none run; expect 0 "run"
equal "with one warning for all its steps" "$(grep -c 'RH1401' "$ERR")" 1
rehost --set limits.cpu=20% --set limits.memory=1G --set limits.backend=none --set limits.enforce=require copy "$WORK/src" "local:$WORK/r"
expect 1 "require fails"; has "naming what" "$ERR" 'error: \[RH1402\] cannot keep cpu, memory: backend = none'
check "before anything is done" [ ! -e "$WORK/r" ]
rehost --set limits.io_read=20M --set limits.io_write=20M --set limits.enforce=require --set limits.backend=none copy "$WORK/src" "local:$WORK/r"
expect 0 "io_read, and io_write of a local target, hold without a group"
REHOST_PSI_ROOT=/nonexistent rehost --set limits.pressure=io:10% --set limits.enforce=require copy "$WORK/src" "local:$WORK/r"
expect 1 "no information about pressure"; has "is named" "$ERR" 'RH1402.*pressure'

# Memory: the tightest there is, all the same identical.
rehost --processes 4 --set limits.memory=64M copy "$WORK/src" "local:$WORK/m"; expect 0 "with 64M"; same "identical" "$WORK/src" "$WORK/m"

# Near the limit, by a group of our own making: held, until the limit is taken away.
mkdir "$WORK/many" "$WORK/cg"; for i in {1..100}; do mkdir "$WORK/many/$i"; head -c 100000 "$WORK/src/f" >"$WORK/many/$i/f"; done
echo "cpu io memory" >"$WORK/cg/cgroup.controllers"; touch "$WORK/cg/cgroup.subtree_control" "$WORK/cg/cgroup.procs"; echo 0::/ >"$WORK/self"
short() { local SET=(); OUT=$WORK/a ERR=$WORK/e rehost -c "$WORK/job.conf" status --json; jq -e '.held | index("memory")' "$WORK/a"; }
REHOST_CGROUP_ROOT=$WORK/cg REHOST_CGROUP_SELF=$WORK/self start_rehost -v --set limits.backend=cgroup2 --set limits.memory=100M \
    --set limits.io_read=1M copy "$WORK/many" "local:$WORK/near"
until_true 10 test -e "$WORK/near/1" -o -e "$WORK/near/100"; for g in "$WORK/cg/rehost/$JOB".*; do echo 99000000 >"$g/memory.current"; echo "anon 99000000" >"$g/memory.stat"; done
until_true 5 short && ok "near the limit nothing new begins" || not_ok "near the limit nothing new begins"
ask memory=off io_read=off; expect 0 "the limit is taken away"
wait_rehost 20; equal "it goes on, and ends" "$RC" 0; same "identical" "$WORK/many" "$WORK/near"
has "it was said" "$ERR" 'near the limit of memory'

# Pressure, of a host of our own making.
psi() { local r; for r in io cpu memory; do echo "some avg10=$1 avg60=0.00 avg300=0.00 total=0" >"$WORK/psi.new"; mv "$WORK/psi.new" "$WORK/psi/$r"; done; }
held() { local SET=(); OUT=$WORK/a ERR=$WORK/e rehost -c "$WORK/job.conf" status --json; jq -e '.held | index("pressure")' "$WORK/a"; }
goes() { jq -e .phase "$WORK/a" && ! held; }
mkdir "$WORK/psi"; psi 0.00
REHOST_PSI_ROOT=$WORK/psi start_rehost -v --set limits.io_read=3M --set "limits.pressure=io:10% cpu:20%" copy "$WORK/src" "local:$WORK/y"
sleep 1.5; held; check "nothing is held" goes
psi 30.00; until_true 5 held && ok "it yields" || not_ok "it yields"
psi 7.00; sleep 1.5; check "still, above half of the limit" held
psi 1.00; until_true 5 goes && ok "it comes back" || not_ok "it comes back"
wait_rehost 60; equal "and ends well" "$RC" 0; same "identical" "$WORK/src" "$WORK/y"
equal "yielding is said once" "$(grep -c 'yielding: others wait for io 30%' "$ERR")" 1
equal "and going on" "$(grep -c 'going on: others wait no more' "$ERR")" 1

# Held before a connection is there: it waits for the answer to its greeting, and does not spin.
ticks() { local p; for p in $(descendants "$BG"); do awk '{print $14 + $15}' "/proc/$p/stat"; done | awk '{s += $1} END {print s + 0}'; }
psi 30.00; REHOST_PSI_ROOT=$WORK/psi start_rehost --set "limits.pressure=io:10%" copy "$WORK/src" "$T:$WORK/begun"
until_true 5 held && ok "held while it connects" || not_ok "held while it connects"
sleep 1.5; below "ticks meanwhile" "$(ticks)" 70
psi 1.00; wait_rehost 60; equal "and it ends well" "$RC" 0; same "identical" "$WORK/src" "$WORK/begun"

# An ordinary user.
as_tester || { not_ok "the ordinary user can run the program"; finish; }
H=$WORK/home/tester; mkdir "$H/src"; cp "$WORK/src/f" "$H/src"; chown -R 54321 "$H"
SET=(--set "job.name=$JOB")
rehost --set limits.cpu=20% --set limits.io_read=20M copy "$H/src" "local:$H/d"; expect 0 "an ordinary user"
has "is told what is not kept" "$ERR" 'RH1401\] cannot keep cpu: '
rehost --set limits.io_read=20M --set limits.enforce=require copy "$H/src" "local:$H/d2"; expect 0 "what needs no group may be required"
rehost --set limits.cpu=20% --set limits.enforce=require copy "$H/src" "local:$H/d3"; expect 1 "the rest not"
finish
