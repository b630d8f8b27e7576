#!/bin/bash
# Exit codes of what goes wrong with the connection, each within seconds, each with a hint.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
mkdir "$WORK/src"; echo x >"$WORK/src/x"; S=$WORK/src
HOST=$ME@127.0.0.1:$PORT
fails() { # fails CODE WHAT ARGS...
    local code=$1 what=$2; shift 2
    LIMIT=40 rehost "$@"; expect "$code" "$what" && {
        has "$what: an error with a code" "$ERR" '^rehost: error: \[[A-Z0-9-]+\] .+'; has "$what: a hint" "$ERR" '^rehost: hint: .+'; }
    below "$what: soon" "$TOOK" 20
}
for t in auto libssh2 ssh; do
    tr=(--set "target.transport=$t")
    fails 69 "$t: nothing listens" "${tr[@]}" copy "$S" "127.0.0.1:1:$WORK/x"
    fails 69 "$t: no such host" "${tr[@]}" copy "$S" "no-such-host.invalid:$WORK/x"
    # A listener that never speaks.
    "$PY" -c 'import socket,time
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(5); open("'"$WORK"'/mute","w").write(str(s.getsockname()[1])); time.sleep(60)' & mute=$!
    until_true 5 test -s "$WORK/mute"
    fails 69 "$t: a server that never speaks" "${tr[@]}" --set target.connect_timeout=3s copy "$S" "127.0.0.1:$(cat "$WORK/mute"):$WORK/x"
    kill $mute; rm "$WORK/mute"
    : >"$WORK/ssh/none"
    fails 77 "$t: an unknown host key" "${tr[@]}" --set "target.known_hosts=$WORK/ssh/none" copy "$S" "$HOST:$WORK/x"
    has "$t: the hint tells how to accept it" "$ERR" 'known_hosts|accept-new|ssh-keyscan'
    equal "$t: strict writes no key" "$(cat "$WORK/ssh/none")" ""
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/wrong_$t"
    printf '[127.0.0.1]:%s %s\n' "$PORT" "$(cut -d' ' -f1,2 "$WORK/ssh/wrong_$t.pub")" >"$WORK/ssh/changed"
    fails 77 "$t: a changed host key" "${tr[@]}" --set "target.known_hosts=$WORK/ssh/changed" copy "$S" "$HOST:$WORK/x"
    fails 77 "$t: a changed host key is not accepted by accept-new" "${tr[@]}" --set target.host_key=accept-new --set "target.known_hosts=$WORK/ssh/changed" copy "$S" "$HOST:$WORK/x"
    fails 77 "$t: a key the server refuses" "${tr[@]}" --set target.identity= --set "target.identity=$WORK/ssh/wrong_$t" copy "$S" "$HOST:$WORK/x"
    fails 77 "$t: a user the server refuses" "${tr[@]}" copy "$S" "nosuchuser@127.0.0.1:$PORT:$WORK/x"
    rm -f "$WORK/ssh/new"
    rehost "${tr[@]}" --set target.host_key=accept-new --set "target.known_hosts=$WORK/ssh/new" copy "$S" "$HOST:$WORK/new-$t"
    expect 0 "$t: accept-new accepts an unknown key"
    has "$t: and records it" "$WORK/ssh/new" "ssh-ed25519"
    rehost "${tr[@]}" --set "target.known_hosts=$WORK/ssh/new" copy "$S" "$HOST:$WORK/new-$t"; expect 0 "$t: then strict is content"
done
refute "nothing was made by the refused" test -e "$WORK/x"
fails 77 "a key file that is no key" --set target.identity= --set "target.identity=$WORK/src/x" --set target.transport=libssh2 copy "$S" "$HOST:$WORK/x"

for t in libssh2 ssh; do
    fails 77 "$t: a key file that is not there" --set target.identity= --set "target.identity=$WORK/ssh/absent" --set target.transport=$t copy "$S" "$HOST:$WORK/x"
    has "$t: it is named" "$ERR" "\[RH0629\] cannot read the key '$WORK/ssh/absent': No such file"
    rehost --set "target.identity=$WORK/ssh/absent" --set target.transport=$t -q copy "$S" "$HOST:$WORK/absent-$t"; expect 0 "$t: beside one that is there"
done
fails 1 "no directory for the target root" copy "$S" "$HOST:$WORK/no/such/root"; has "its path and what is missing" "$ERR" "\[RH0801\] cannot make the target root '$WORK/no/such/root', its parent directory is missing"
rehost --json copy "$S" "$HOST:$WORK/no/such/root"; expect 1 "with --json"; equal "the path" "$(tail -1 "$OUT" | jq -r .file)" "$WORK/no/such/root"
fails 1 "a target root that is a file" copy "$S" "$HOST:$S/x"; has "its path" "$ERR" "\[RH0801\] cannot open the target root '$S/x': Not a directory"

# A helper that is not one: not silence, not a hang.
printf '#!/bin/sh\nexec cat\n' >"$WORK/echo-helper"; printf '#!/bin/sh\nexit 0\n' >"$WORK/mute-helper"; chmod +x "$WORK"/*-helper
for h in echo mute; do
    LIMIT=60 rehost --set "target.helper=$WORK/$h-helper" copy "$S" "$HOST:$WORK/x"
    expect_failure "a helper that is none: $h"; below "in time" "$TOOK" 45
done
LIMIT=60 rehost --set "target.helper=$WORK/no-such-helper" copy "$S" "$HOST:$WORK/x"; expect_failure "a helper that is not there"
# A login shell that talks, and one that only talks.
echo 'echo Welcome; echo "*** noise ***" >&2' >"$HOME/.bashrc"
rehost copy "$S" "$HOST:$WORK/noise"; expect 0 "noise of a login shell"; same "identical" "$S" "$WORK/noise"
echo 'yes' >"$HOME/.bashrc"; LIMIT=60 rehost copy "$S" "$HOST:$WORK/noise2"; expect_failure "endless noise"; below "in time" "$TOOK" 45
echo 'exit 1' >"$HOME/.bashrc"; LIMIT=60 rehost copy "$S" "$HOST:$WORK/noise2"; expect_failure "a login shell that ends"
rm "$HOME/.bashrc"
no_leftovers "at the end"
finish
