#!/bin/bash
# Every configuration error in one run, as `file:line: message` with the nearest valid name, exit 78.
. "$(dirname "$0")/lib.sh"
C=$WORK/rehost.conf
bad() { # bad WHAT LINE_NUMBER REGEX: check-config of standard input
    cat >"$C"; rehost -c "$C" check-config
    expect 78 "$1: exit 78"
    has "$1: file, line and message" "$ERR" "$C:$2: .*$3"
}
bad "unknown key" 3 'root' <<<"[target]
address = h
rooot = /x"
bad "unknown section" 1 'target' <<<"[targte]
address = h"
bad "key outside of a section" 1 '' <<<"address = h"
bad "repeated scalar" 4 'address' <<<"[target]
address = h
root = /x
address = i"
bad "repeated scalar in a repeated section" 5 'root' <<<"[target]
root = /x
[source]
[target]
root = /y"
bad "bad number" 3 '' <<<"[target]
address = h
port = ssh"
bad "number out of range" 3 '' <<<"[target]
address = h
port = 70000"
bad "bad choice" 2 'strict' <<<"[target]
host_key = strickt"
bad "bad transport" 2 'libssh2' <<<"[target]
transport = libssh"
bad "bad yes or no" 2 'yes|no' <<<"[target]
sudo = maybe"
bad "bad duration" 2 '' <<<"[target]
connect_timeout = soon"
bad "bad rate" 2 '' <<<"[transfer]
bandwidth = 10Q"
bad "bad processes" 2 '' <<<"[transfer]
processes = 17"
bad "bad compression" 2 'zstd' <<<"[transfer]
compression = zstt"
bad "bad delete" 2 'during' <<<"[rules]
delete = durin"
bad "bad max_delete" 2 '' <<<"[rules]
max_delete = -1"
bad "relative path in a rule" 2 '' <<<"[rules]
exclude = relative/path"
bad "relative source root" 2 '' <<<"[source]
root = here"
bad "bad map" 2 '' <<<"[source]
map = nothing"
bad "bad verify mode" 2 'crc64' <<<"[verify]
mode = crc46"
bad "a line that is none" 3 '' <<<"[target]
address = h
just words"
bad "an open section header" 1 '' <<<"[target
address = h"
bad "a bad job name" 2 '' <<<"[job]
name = a/b"

cat >"$C" <<'X'
# several errors
[target]
adress = h
prot = 22
host_key = strickt
[surce]
root = /
[transfer]
processes = lots
X
rehost -c "$C" check-config
expect 78 "several errors"
for n in 3 4 5 6 9; do has "all in one run: line $n" "$ERR" "$C:$n: "; done
has "nearest name of adress" "$ERR" ':3: .*\baddress\b'
has "nearest name of prot" "$ERR" ':4: .*\bport\b'
has "nearest name of surce" "$ERR" ':6: .*\bsource\b'
hasnt "a key of an unknown section is not reported again as unknown" "$ERR" "$C:7: .*unknown key"
rehost -c "$C" copy; expect 78 "copy with such a file"; has "names the lines as well" "$ERR" "$C:9: "
hasnt "no carriage returns" "$ERR" $'\r'

rehost -c "$WORK/missing.conf" check-config; expect 78 "a missing -c FILE"; has "is named" "$ERR" 'missing\.conf'
rehost -c "$WORK/missing.conf" copy; expect 78 "a missing -c FILE for copy"
mkdir "$WORK/adir"; rehost -c "$WORK/adir" check-config; expect 78 "-c of a directory"
rehost --set nosuch.key=1 check-config; expect 78 "--set of an unknown section"
rehost --set target.adress=h check-config; expect 78 "--set of an unknown key"; has "with the nearest name" "$ERR" 'address'
rehost --set target.port=x check-config; expect 78 "--set of a bad value"
rehost --set target.port copy a local:b; check "--set without = is refused" test "$RC" = 64 -o "$RC" = 78
rehost --set target.adress=h copy "$WORK/adir" "local:$WORK/x"; expect 78 "--set of an unknown key with SRC DST"
refute "nothing was copied" test -e "$WORK/x"
printf '[target]\naddress = h\nroot = /x\0y\n' >"$C"; rehost -c "$C" check-config; expect 78 "a NUL byte"
{ echo '[target]'; printf 'address = %0100000d\n' 1; echo 'bogus = 1'; } >"$C"; rehost -c "$C" check-config; expect 78 "a line of 100000 bytes"; has "does not hide the next line's error" "$ERR" "$C:3: "
head -c 100000 /dev/urandom >"$C"; rehost -c "$C" check-config; expect 78 "random bytes"
{ cat <<'X'
[target]
address = h
X
printf 'root = /x\r\n'; } >"$C"; rehost -c "$C" show-config
hasnt "a carriage return at the end of a line does not become part of a path" "$OUT" $'/x\r'
# Working commands of a configured job need a target.
printf '[job]\nname = x\n' >"$C"; rehost -c "$C" copy; expect 78 "a job without a target"; has "says what is missing" "$ERR" 'address|target'

# Commands that speak to a running job need its name alone.
printf '[target]\nport = 0\n[job]\nname = known\n[rules]\nexlude = /x\n[transfer\n' >"$C"
rehost -c "$C" status; expect 0 "status with errors elsewhere"; has "of the job" "$OUT" '^job: +known'; has "with the errors" "$ERR" "$C:6: "; has "and a warning" "$ERR" "^rehost: warning: \[RH0102\] 3 errors .*'known'"
for command in pause resume stop limits "limits cpu=5%"; do rehost -c "$C" $command; expect 1 "$command"; has "$command: gets as far as the job" "$ERR" "RH1020.*'known'"; done
rehost -c "$C" status --check; expect 3 "status --check is not content"; rehost -c "$C" status --json; expect 0 "--json"; check "is JSON" jq -e . "$OUT"
rehost -c "$C" --set job.name=.x status; expect 78 "a mistake in --set"
rehost -c "$C" --set transfer.bandwidth=x status; expect 78 "of another key too"
for text in '[job]\nname = a/b' '[job]\nname = a\nname = b' '[job\nname = a' '[jobs]\nname = a' '[job]\nnam = a' 'name = a' '[rules]\nname = a'; do
    printf "$text\n" >"$C"; rehost -c "$C" stop; expect 78 "a name that is not certain: $text"
done
printf '[target]\nport = 0\nadress = x\n' >"$C"; rehost -c "$C" status; expect 0 "the default name"; has "is certain" "$OUT" '^job: +default'
rehost -c "$WORK/missing.conf" stop; expect 78 "a missing file says no name"

# No job is left behind by all this.
equal "no state was made" "$(find "$WORK/state" -mindepth 1 2>/dev/null)" ""
finish
