#!/bin/bash
# SIGHUP, SIGUSR1, SIGUSR2 of a running job.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
mkdir "$WORK/src"; tree random "$WORK/src/f" 60000000
conf() { printf '[job]\nname = re\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n%s\n' "$PORT" "$WORK/dst" "$KEY" "$KNOWN" "$WORK/src" "$1" >"$WORK/re.conf"; }
SSH_SET=("${SET[@]}") SET=() A=$WORK/a E=$WORK/e
ask() { OUT=$A ERR=$E rehost --set job.name=re "$@"; }
running() { ask status --json; jq -e --arg p "$1" '.phase == $p' "$A"; }
limit() { ask limits --json; [ "$(jq -r --arg n "$1" 'select(.name == $n).value' "$A")" = "$2" ]; }
log() { grep -qE "$1" "$WORK/log/re.log"; }
# A session of its own has no terminal, as what systemd and cron start.
start() { setsid "$REHOST" -c "$WORK/re.conf" "$@" >"$OUT" 2>"$ERR" </dev/null & BG=$!; until_true 10 running "${PHASE:-copying}" || not_ok "it does not begin"; }

conf $'[transfer]\nbandwidth = 1M\n[log]\nlevel = info'
start -q copy
conf $'[transfer]\nbandwidth = 2M\n[limits]\nio_read = 300M\n[rules]\nexclude = /x\n[retry]\nmax_retries = 3'
kill -HUP "$BG"; until_true 5 limit bandwidth 2M; check "the new bandwidth holds" limit bandwidth 2M; check "the new limit too" limit io_read 300M
check "what has changed is logged" log 'changed: transfer.bandwidth = 2M'
has "what cannot is said" "$ERR" "RH1025.*'rules.exclude' has changed, but not for this run"
conf $'[transfer]\nbandwidth = 3\n[limits]\nio_read = 1M\ncpuu = 5%'
kill -HUP "$BG"; until_true 5 grep -q RH1024 "$ERR"
has "a broken file is reported" "$ERR" "RH1024.*re.conf:[0-9]+: .*bandwidth"; has "with all its errors" "$ERR" "RH1024.*cpuu.*'cpu'"
check "and changes nothing" limit io_read 300M; check "nothing at all" limit bandwidth 2M
conf $'[transfer]\nbandwidth = 2M\n[limits]\nio_read = 300M'

# SIGUSR2 as rclone has it; SIGUSR1 with -q.
kill -USR2 "$BG"; until_true 3 log 'bandwidth limit is switched off'; check "SIGUSR2 says so" log 'bandwidth limit is switched off'
kill -USR2 "$BG"; until_true 3 log 'switched on again'; check "SIGUSR2 again" log 'switched on again'
hasnt "SIGUSR1 has not been sent" "$ERR" '^rehost: copying'
kill -USR1 "$BG"; until_true 3 grep -q '^rehost: copying' "$ERR"; has "SIGUSR1 with -q" "$ERR" '^rehost: copying [0-9.]+ [KM]iB of '
kill -USR2 "$BG"; wait_rehost 30; expect 0 "it ends well, without its limit"

# Twenty at once, of all kinds, and the end.
tree random "$WORK/src/f" 60000000 --seed 2; start copy; for i in {1..20}; do kill -HUP "$BG"; kill -USR1 "$BG"; kill -USR2 "$BG"; done; sleep 0.3
ask status; expect 0 "it still answers"; kill -TERM "$BG"; wait_rehost 6; check "and ends by SIGTERM (exit $RC)" test "$RC" = 143 -o "$RC" = 0
# In a verify.
PHASE=verifying; conf $'[limits]\nio_read = 2M'; start verify --mode crc64
kill -USR1 "$BG"; until_true 3 grep -q '^rehost: verifying' "$ERR"; has "SIGUSR1 in a verify" "$ERR" '^rehost: verifying '
ask pause; sleep 1.5; ask status --json; b=$(jq -r .bytes_done "$A"); sleep 1; ask status --json; equal "a paused verify stands still" "$(jq -r .bytes_done "$A")" "$b"
ask resume; ask limits io_read=off; wait_rehost 30; expect 0 "and goes on"

# Where SIGHUP ends: with SRC and DST, and on a terminal; unless nohup(1) says not.
SET=("${SSH_SET[@]}" --set job.name=re)
start_rehost --bwlimit 1M copy "$WORK/src" "$ME@127.0.0.1:$PORT:$WORK/dst2"; until_true 10 running copying; kill -HUP "$BG"; wait_rehost 6; expect 129 "SRC DST: SIGHUP ends it"
nohup "$REHOST" "${SET[@]}" --bwlimit 1M copy "$WORK/src" "$ME@127.0.0.1:$PORT:$WORK/dst2" >"$OUT" 2>"$ERR" </dev/null & BG=$!
until_true 10 running copying; kill -HUP "$BG"; sleep 0.5; check "nohup: it goes on" kill -0 "$BG"; kill -TERM "$BG"; wait_rehost 6; expect 143 "and ends by SIGTERM"
SET=(); tree random "$WORK/src/f" 60000000 --seed 3; conf $'[transfer]\nbandwidth = 1M'
"$PY" - "$REHOST" -c "$WORK/re.conf" copy -c >"$OUT" 2>&1 <<'END'; RC=$?
import os, pty, signal, subprocess, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
def phase():
    r = subprocess.run([sys.argv[1], "--set", "job.name=re", "status", "--json"], capture_output=True, text=True)
    return '"phase":"copying"' in r.stdout
end = time.time() + 10
while not phase() and time.time() < end: time.sleep(0.1)
os.close(fd)  # the terminal is gone
while time.time() < end + 6:
    p, status = os.waitpid(pid, os.WNOHANG)
    if p: sys.exit(os.waitstatus_to_exitcode(status) % 256)
    time.sleep(0.05)
os.kill(pid, signal.SIGKILL); sys.exit(99)
END
expect 129 "a terminal that is closed ends the job"
ask status --json; check "orderly: its state is kept" jq -e '.last_exit_code == 129' "$A"
no_leftovers "at the end"
finish
