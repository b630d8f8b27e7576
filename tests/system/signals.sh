#!/bin/bash
# SIGINT, SIGTERM, SIGHUP: the end within 5 s with 128+N, no process left, and a re-run ends identical.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src
tree make "$SRC" --entries 500 --big 3000000 >/dev/null; tree random "$SRC/large" 20000000
for transport in ssh libssh2; do
    for signal in INT:130 TERM:143; do
        name=${signal%:*} code=${signal#*:} dst=$WORK/dst-$transport-$name
        # A bash that runs a command in the background makes it ignore SIGINT: python puts the default back.
        "$PY" -c 'import os,signal,sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
            "$REHOST" "${SET[@]}" --set target.transport=$transport --bwlimit 2M copy "$SRC" "$T:$dst" >"$OUT" 2>"$ERR" </dev/null & BG=$!
        sleep 2.5; kill -$name "$BG"; wait_rehost 8
        expect $code "$transport: SIG$name during a copy"
        below "$transport: SIG$name within 5 s" "$TOOK" 5
        no_leftovers "$transport: SIG$name"
        rehost --set target.transport=$transport copy "$SRC" "$T:$dst"; expect 0 "$transport: re-run after SIG$name"
        same "$transport: SIG$name and a re-run: identical" "$SRC" "$dst"
        tree clear-flags "$dst"; rm -rf "$dst"
    done
done

# A signal to the whole group, as a terminal's Ctrl-C sends it: children must not die in the middle and be reported as a failure.
"$PY" -c 'import os,signal,sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.setsid(); os.execv(sys.argv[1], sys.argv[1:])' \
    "$REHOST" "${SET[@]}" --bwlimit 2M copy "$SRC" "$T:$WORK/group" >"$OUT" 2>"$ERR" </dev/null & BG=$!
sleep 2.5; kill -INT -- "-$BG"; wait_rehost 8; expect 130 "SIGINT to the whole group"
no_leftovers "group"
rehost copy "$SRC" "$T:$WORK/group"; expect 0 "re-run"; same "group: identical" "$SRC" "$WORK/group"

# During a sync, of a configured job; and at the very start.
printf '[job]\nname = sig\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n' "$PORT" "$WORK/jobdst" "$KEY" "$KNOWN" "$SRC" >"$WORK/job.conf"
SET=()
rehost -c "$WORK/job.conf" copy; expect 0 "the job's copy"
tree mutate "$SRC" --seed 3 --count 30 >/dev/null; tree random "$SRC/large" 20000000 --seed 9
start_rehost -c "$WORK/job.conf" --bwlimit 2M sync; sleep 2; kill -TERM "$BG"; wait_rehost 8; expect 143 "SIGTERM during a sync"
rehost -c "$WORK/job.conf" sync; expect 0 "re-run of the sync"
same "sync after a signal: identical" "$SRC" "$WORK/jobdst"
for delay in 0.01 0.05 0.1 0.2 0.4; do
    start_rehost -c "$WORK/job.conf" sync; sleep $delay; kill -TERM "$BG" 2>/dev/null; wait_rehost 8
    check "SIGTERM after $delay s: 143 or done (exit $RC)" test "$RC" = 143 -o "$RC" = 0
done
no_leftovers "early signals"
# During a verify, and while the connection is not yet there.
start_rehost -c "$WORK/job.conf" verify --mode crc64; sleep 0.3; kill -TERM "$BG" 2>/dev/null; wait_rehost 8; check "SIGTERM during a verify (exit $RC)" test "$RC" = 143 -o "$RC" = 0
"$PY" -c 'import socket,time
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(5); open("'"$WORK"'/mute","w").write(str(s.getsockname()[1])); time.sleep(60)' & mute=$!
until_true 5 test -s "$WORK/mute"
for transport in ssh libssh2; do
    start_rehost --set target.transport=$transport copy "$SRC" "127.0.0.1:$(cat "$WORK/mute"):$WORK/x"; sleep 1; kill -TERM "$BG"; wait_rehost 8; expect 143 "$transport: SIGTERM while connecting"; below "within 5 s" "$TOOK" 5
done
kill $mute
# Nothing may end the program on a full pipe or a closed terminal without its code.
start_rehost -c "$WORK/job.conf" --bwlimit 2M copy; sleep 1; kill -HUP "$BG" 2>/dev/null; sleep 0.5; kill -TERM "$BG" 2>/dev/null; wait_rehost 8
check "SIGHUP: ignored, re-read or the end by 129 (exit $RC)" test "$RC" = 143 -o "$RC" = 129 -o "$RC" = 0
no_leftovers "at the end"
finish
