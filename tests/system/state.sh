#!/bin/bash
# What a job remembers survives damage, and is forgotten when it is removed; a FIFO in the place of a file holds nothing up.
. "$(dirname "$0")/lib.sh"
mkdir -p s d; echo one >s/f; STATE=$REHOST_STATE_DIR/default
printf '%s\n' '[target]' 'address = local:' "root = $WORK/d" '[source]' "root = $WORK/s" '[rules]' 'delete = during' '[check]' 'before_run = no' >c.conf
rehost -c c.conf run; expect 0 "a run"; check "the state is there twice" cmp "$STATE/state.json" "$STATE/state.json.old"

i=0
damaged() { # damaged WHAT: the state was damaged; the job goes on as if it had not been
    i=$((i + 1)); echo $i >"s/$i"; rehost -c c.conf sync; expect 0 "$1: sync"; has "$1: it is said" "$ERR" 'warning: \[RH1058\] cannot read .*state.json'
    check "$1: the file is there" test -e "d/$i"; rehost -q -c c.conf sync; expect 0 "$1: and whole again"; empty "$1: silent then" "$ERR"
    rm "s/$i"; rehost -c c.conf sync; expect 0 "$1: what it owns it may delete"; refute "$1: it did" test -e "d/$i"
}
: >"$STATE/state.json"; damaged "an empty file"
truncate -s 40 "$STATE/state.json"; damaged "a part of it"
echo 'garbage' >"$STATE/state.json"; rehost -c c.conf status; expect 0 "status of a damaged one"; damaged "garbage"
rm "$STATE/state.json"; mkfifo "$STATE/state.json"; damaged "a FIFO"
: >"$STATE/state.json"; : >"$STATE/state.json.old"; rehost -c c.conf sync; expect 1 "both damaged"; has "both damaged: said" "$ERR" '\[RH1002\] cannot read state'
rm "$STATE/state.json"; rehost -c c.conf sync; expect 1 "removed, the job has forgotten"; has "it does not delete among files that it knows nothing of" "$ERR" 'RH1003'
rehost -c c.conf sync --adopt; expect 0 "--adopt"; rehost jobs --remove default; expect 0 "jobs --remove"; refute "nothing of it stays" test -e "$STATE"

# FIFOs in the place of files that are ours, or that a user names.
mkfifo fifo
rehost -c fifo check-config; expect 78 "a FIFO as configuration"
rehost sync --exclude-from=fifo s local:d; expect 64 "a FIFO as a list of excludes"; has "it is named" "$ERR" "'fifo'"
rehost sync --filter 'merge fifo' s local:d; expect 64 "a FIFO as a filter file"
echo 'f' >list; rehost sync --exclude-from=<(cat list) s "local:$WORK/d2"; expect 0 "the end of a pipe is read"; refute "and holds" test -e d2/f
rehost sync --exclude-from=/dev/null s "local:$WORK/d2"; expect 0 "/dev/null is an empty list"; check "nothing is left out" test -e d2/f
finish
