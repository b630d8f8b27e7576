#!/bin/bash
# help, --version, explain, usage errors.
. "$(dirname "$0")/lib.sh"
for a in help --help; do
    rehost $a; expect 0 "$a"; empty "$a: nothing on stderr" "$ERR"
    for c in run copy sync verify status check-config show-config explain; do has "$a names $c" "$OUT" "\\b$c\\b"; done
done
rehost copy --help; expect 0 "copy --help"; check "copy --help prints" test -s "$OUT"
rehost --version; expect 0 "--version"; empty "--version: nothing on stderr" "$ERR"
has "--version: name and number" "$OUT" 'rehost.* [0-9]+\.[0-9]+'
has "--version lists libraries" "$OUT" 'librsync'; has "--version lists libssh2" "$OUT" 'libssh2'; has "--version lists zstd" "$OUT" 'zstd'

usage() { local what=$1; shift; rehost "$@"; expect 64 "usage: $what" && { empty "$what: nothing on stdout" "$OUT"; has "$what: an error line" "$ERR" '^rehost: '; }; }
usage "no command"
usage "an unknown command" frobnicate
usage "an unknown option" --no-such-option copy a local:b
usage "an unknown option after the command" copy --no-such-option a local:b
usage "an unknown short option" copy -Z a local:b
usage "a missing value" copy a local:b --bwlimit
usage "a bad rate" --bwlimit fast copy a local:b
usage "a rate below the least" --bwlimit=500 copy a local:b; has "names the option" "$ERR" "'500' is no value of '--bwlimit'"; has "and the least" "$ERR" '^rehost: hint: .*1K'
usage "a negative rate" --bwlimit -5 copy a local:b
usage "zero processes" --processes 0 copy a local:b
usage "too many processes" --processes 17 copy a local:b
usage "processes that are no number" --processes many copy a local:b
usage "a bad mode" verify --mode md5 a local:b
usage "explain without a code" explain
usage "explain with an unknown code" explain NOSUCHCODE
usage "--set without a value" --set
usage "too many arguments" copy a local:b c
usage "status with an argument" status something
for a in "--check --max-age foo" "--max-age foo --check" "--check --nonsense" "--check something"; do
    rehost status $a; expect 3 "status $a: unknown"; equal "one line says so" "$(wc -l <"$OUT") $(cut -d' ' -f1-3 "$OUT")" "1 REHOST UNKNOWN -"; has "and stderr why" "$ERR" '^rehost: error: \[RH110'
done
usage "--max-age of status alone" status --max-age foo
usage "--delete of copy to a typo" copy --delet a local:b
rehost copz a local:b; has "an unknown command: the nearest one" "$ERR" '\bcopy\b'
rehost copy --exlude x a local:b; has "an unknown option: the nearest one" "$ERR" 'exclude'

# Each diagnostic can be explained.
rehost copy "$WORK/none" "local:$WORK/x"; expect_failure "a failure"
has "an error line has a code" "$ERR" '^rehost: error: \[[A-Z0-9-]+\] '
code=$(sed -nE 's/^rehost: error: \[([A-Z0-9-]+)\].*/\1/p' "$ERR" | head -1)
rehost explain "$code"; expect 0 "explain $code"
above "explain prints cause and remedy" "$(wc -w <"$OUT")" 10
has "explain names the code" "$OUT" "$code"
rehost explain "$(echo "$code" | tr '[:upper:]' '[:lower:]')"; expect 0 "explain in lower case"
equal "nothing was left behind" "$(ls "$WORK/state" 2>/dev/null)" ""
# A stack that was made small: raised where that is allowed, else it is said; no process of ours dies of it.
mkdir -p stack-s; echo x >stack-s/f
AS=(bash -c 'ulimit -S -s 64; exec "$0" "$@"'); rehost sync stack-s "local:$WORK/stack-d"; expect 0 "a small stack"; check "a small stack: copied" test -e stack-d/f
LESS=(); [ "$(id -u)" != 0 ] || LESS=(setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource)
AS=("${LESS[@]}" bash -c 'ulimit -s 64; exec "$0" "$@"'); rehost sync stack-s "local:$WORK/stack-d2"; expect 1 "a stack that stays small"; has "a stack that stays small: said" "$ERR" '\[RH1140\]'; AS=()
finish
