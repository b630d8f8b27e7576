#!/bin/bash
# What the user sees: silence with -q, no carriage returns without a terminal, a progress line on one.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src
mkdir "$SRC"; for i in 1 2 3 4; do tree random "$SRC/f$i" 3000000 --seed $i; done; mkdir "$SRC/d"; echo x >"$SRC/d/x"

rehost -q copy "$SRC" "$T:$WORK/d1"; expect 0 "-q"
empty "-q: nothing on stdout" "$OUT"; empty "-q: nothing on stderr" "$ERR"
rehost -q sync --delete "$SRC" "$T:$WORK/d1"; empty "-q sync: nothing on stdout" "$OUT"; empty "-q sync: nothing on stderr" "$ERR"
rehost verify -q "$SRC" "$T:$WORK/d1"; expect 0 "verify -q"; empty "-q verify: nothing on stdout" "$OUT"; empty "-q verify: nothing on stderr" "$ERR"
rehost -q copy "$SRC" "127.0.0.1:1:$WORK/d1"; expect 69 "-q and a failure"; has "the error is printed all the same" "$ERR" '^rehost: error: \[[A-Z0-9-]+\] .+: .+'
has "with a hint" "$ERR" '^rehost: hint: .'

rehost copy "$SRC" "$T:$WORK/d2"; expect 0 "without a terminal"
hasnt "no carriage return" <(cat "$OUT" "$ERR") $'\r'; hasnt "no escape sequence" <(cat "$OUT" "$ERR") $'\e'
rehost -v sync "$SRC" "$T:$WORK/d2"; expect 0 "-v"; hasnt "-v: no carriage return" <(cat "$OUT" "$ERR") $'\r'
rehost --progress=never copy "$SRC" "$T:$WORK/d3"; expect 0 "--progress=never"
rehost --progress=always copy "$SRC" "$T:$WORK/d4"; expect 0 "--progress=always"
has "progress without a terminal when asked for" <(cat "$OUT" "$ERR") '[0-9]+ ?%'
rehost --progress=sometimes copy "$SRC" "$T:$WORK/d5"; expect 64 "--progress=sometimes"

on_terminal() { # on_terminal FILE ARGS...
    local file=$1; shift
    local line; line=$(printf '%q ' "$REHOST" "${SET[@]}" "$@")
    TERM=xterm timeout 60 script -qec "$line" /dev/null </dev/null >"$file" 2>&1; RC=$?
}
on_terminal "$WORK/tty" --bwlimit 4M copy "$SRC" "$T:$WORK/d6"; expect 0 "on a terminal"
has "a progress line that overwrites itself" "$WORK/tty" $'\r'
has "with percent" "$WORK/tty" '[0-9]+(\.[0-9]+)? ?%'
has "with a rate" "$WORK/tty" '[KMG](i?B)?/s'
has "with the remaining time" "$WORK/tty" '([0-9]+:[0-9]{2}|ETA|[0-9]+ ?s |left|remaining)'
above "it moves" "$(tr '\r' '\n' <"$WORK/tty" | grep -oE '[0-9]+(\.[0-9]+)? ?%' | sort -u | wc -l)" 2
NO_COLOR=1 on_terminal "$WORK/tty2" --bwlimit 4M copy "$SRC" "$T:$WORK/d7"
hasnt "NO_COLOR: no colour" "$WORK/tty2" $'\e\\[[0-9;]*[1-9][0-9;]*m'
NO_COLOR=1 on_terminal "$WORK/tty3" copy "$SRC" "127.0.0.1:1:$WORK/d7"; hasnt "NO_COLOR: no colour in errors" "$WORK/tty3" $'\e\\[[0-9;]*[1-9][0-9;]*m'
on_terminal "$WORK/tty4" -q copy "$SRC" "$T:$WORK/d8"; equal "-q on a terminal: nothing" "$(tr -d '\r\n' <"$WORK/tty4")" ""
on_terminal "$WORK/tty5" --progress=never copy "$SRC" "$T:$WORK/d9"; hasnt "--progress=never on a terminal" "$WORK/tty5" '[0-9] ?%'

# SIGUSR1: one line.
start_rehost --bwlimit 3M copy "$SRC" "$T:$WORK/d10"; sleep 1.5
before=$(cat "$OUT" "$ERR" | wc -l); kill -USR1 "$BG"; sleep 0.7; after=$(cat "$OUT" "$ERR" | wc -l)
equal "SIGUSR1 prints one line" "$((after - before))" 1
wait_rehost 60; expect 0 "and the run goes on to its end"
same "identical" "$SRC" "$WORK/d10"

# A name can not forge a line of output or drive the terminal.
mkdir "$WORK/evil"; echo x >"$WORK/evil/"$'new\nrehost: error: [X1] forged: line\e[2J'
rehost -i copy "$WORK/evil" "$T:$WORK/d11"
hasnt "names are escaped" <(cat "$OUT" "$ERR") "^rehost: error|$(printf '\e')"

# A summary for people at the end.
rehost sync "$SRC" "$T:$WORK/d2"; check "a run says at its end what it did" test -s "$OUT" -o -s "$ERR"
# Writing to a closed pipe or a full device is not success unnoticed, and never a hang.
LIMIT=30 timeout 30 "$REHOST" "${SET[@]}" --json copy "$SRC" "$T:$WORK/d12" 2>/dev/null | head -c 1 >/dev/null; below "a closed pipe does not hang" "${PIPESTATUS[0]}" 142
finish
