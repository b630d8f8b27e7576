#!/bin/bash
# The link cut behind each frame of a small copy and of a small sync in turn: it is reopened, or a plain re-run does it; identical.
# cut-frames.sh [STEP]: only behind every STEP-th frame.
. "$(dirname "$0")/lib.sh"
need_root
SRC=$WORK/src STEP=${1:-6}
RECEIVER=$(dirname "$(readlink -f "$REHOST")")/rehost-receiver
[ -x "$RECEIVER" ] || RECEIVER=$(find "$(dirname "$(readlink -f "$REHOST")")/.." -name rehost-receiver -type f | head -1)
printf '#!/bin/sh\nexec "%s" "%s/cut_frames.py" "%s/cut" "%s" "$@"\n' "$PY" "$HERE" "$WORK" "$RECEIVER" >"$WORK/cutter"; chmod 755 "$WORK/cutter"
SET=(--set "target.helper=$WORK/cutter" --processes 1)

mkdir -p "$SRC/dir/sub/deep" "$SRC/gone/away" "$SRC/empty"
for i in $(seq 30); do echo "$i" >"$SRC/dir/$i"; done
tree random "$SRC/large" 3000000; tree random "$SRC/dir/middle" 200000; tree random "$SRC/dir/sub/deep/other" 150000 --seed 2
echo x >"$SRC/gone/away/file"; ln "$SRC/dir/1" "$SRC/dir/sub/one"; ln "$SRC/dir/1" "$SRC/two"; ln -s dir "$SRC/link"; mkfifo "$SRC/fifo"
cp -a "$SRC" "$WORK/base"
change() {
    tree scatter "$SRC/large" 5 1000; tree scatter "$SRC/dir/middle" 2 100; echo changed >"$SRC/dir/7"; rm "$SRC/dir/8"; rm -r "$SRC/gone"; mkdir "$SRC/new"
    tree random "$SRC/new/file" 180000; rm "$SRC/two"; echo two >"$SRC/two"; ln "$SRC/dir/3" "$SRC/three"; rm "$SRC/link"; ln -s new "$SRC/link"; chmod 700 "$SRC/dir/sub"
}
for command in copy sync; do
    arguments=(copy); [ $command = sync ] && { change; arguments=(sync --delete); }
    begin() { # begin FRAMES
        rm -rf "$WORK/dst" "$REHOST_STATE_DIR"; [ $command = sync ] && cp -a "$WORK/base" "$WORK/dst"
        echo "$1" >"$WORK/cut"
    }
    begin 0; rehost "${arguments[@]}" "$SRC" "local:$WORK/dst"; expect 0 "$command undisturbed"; same "$command: identical" "$SRC" "$WORK/dst"
    until_true 5 no_processes; frames=$(cat "$WORK/cut.count"); above "$command: frames" "$frames" 15
    reopened=0 again=0 bad=0
    for ((n = 1; n <= frames; n += STEP)); do
        begin $n; rehost "${arguments[@]}" "$SRC" "local:$WORK/dst"
        case $RC in
        0) reopened=$((reopened + 1)) ;;
        69) again=$((again + 1)); rehost "${arguments[@]}" "$SRC" "local:$WORK/dst"; expect 0 "$command: again after $n frames" || bad=$((bad + 1)) ;;
        *) expect 0 "$command: cut after $n frames"; bad=$((bad + 1)) ;;
        esac
        "$PY" "$HERE/compare.py" "$SRC" "$WORK/dst" >"$WORK/compare.out" 2>&1 || { not_ok "$command: cut after $n frames: not identical"; note <"$WORK/compare.out"; bad=$((bad + 1)); }
        until_true 5 no_processes || { not_ok "$command: cut after $n frames: processes are left"; bad=$((bad + 1)); }
    done
    echo "# $command: $frames frames; reopened $reopened times, run again $again times"
    equal "$command: cut behind every $STEP. of $frames frames: always identical" $bad 0
done
no_leftovers "at the end"
finish
