#!/bin/bash
# The path lists of the configuration: exclude, copy_exclude, sync_only, sync_exclude; what is left out is protected at the target.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
SET=()
# The contract does not say whether a list's absolute paths start at / or at [source] root: both are given, and a path that does not exist
# is only a warning.
both() { local p; for p in "$@"; do printf '%s,%s%s,' "$p" "$SRC" "$p"; done | sed 's/,$//'; }
job() { # job RULES_LINES...
    { printf '[job]\nname = rules\n[target]\naddress = 127.0.0.1\nport = %s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n[rules]\n' "$PORT" "$DST" "$KEY" "$KNOWN" "$SRC"
      printf '%s\n' "$@"; } >"$WORK/rules.conf"
}
fresh() {
    rm -rf "$SRC" "$DST" "$WORK/state"; mkdir -p "$SRC"/{one/sub,two/sub,three/sub,four,twofold}
    local f; for f in one/a one/sub/a two/a two/sub/a three/a three/sub/a four/a twofold/a top; do echo "$f" >"$SRC/$f"; done
}
run() { rehost -c "$WORK/rules.conf" "$@"; }
there() { local f; for f in "$@"; do check "there: $f" test -e "$DST/$f"; done; }
gone() { local f; for f in "$@"; do refute "not there: $f" test -e "$DST/$f"; done; }

fresh; job "exclude = $(both /two /three/sub/a)"
run copy; expect 0 "exclude: copy"
there one/sub/a three/sub twofold/a top; gone two three/sub/a
run sync; expect 0 "exclude: sync"
gone two three/sub/a
mkdir -p "$DST/two"; echo mine >"$DST/two/mine"; echo mine >"$DST/three/sub/a"; echo extra >"$DST/one/extra"
run sync; expect 0 "exclude: sync with own files at the target"
there two/mine; gone one/extra
equal "an excluded file at the target is left alone" "$(cat "$DST/three/sub/a")" mine
rm -r "$SRC/three"
run sync
there three/sub/a two/mine; gone three/a
run verify; expect 0 "verify leaves out what the rules leave out"
echo x >"$DST/three/sub/b"; mkdir "$DST/three/more"
run --json verify; expect 4 "what is extra beside what is protected"
equal "each is named" "$(jq -r 'select(.message_type=="difference") | "\(.path) \(.kind)"' "$OUT" | LC_ALL=C sort)" "three/more extra
three/sub/b extra"

fresh; job "copy_exclude = $(both /two)" "delete = during"
run copy; expect 0 "copy_exclude: copy"
there one/a; gone two
run sync; expect 0 "copy_exclude: sync"
there two/sub/a
same "copy_exclude has no effect in sync: identical" "$SRC" "$DST"

fresh; job "sync_exclude = $(both /two)"
run copy; expect 0 "sync_exclude: copy"
there two/sub/a
echo changed >"$SRC/two/a"; echo changed >"$SRC/one/a"; rm "$SRC/two/sub/a"; echo new >"$SRC/two/new"
run sync; expect 0 "sync_exclude: sync"
equal "sync_exclude: unchanged at the target" "$(cat "$DST/two/a")" two/a
equal "the rest is synced" "$(cat "$DST/one/a")" changed
there two/sub/a; gone two/new

fresh; job "sync_only = $(both /two /three/sub)"
run copy; expect 0 "sync_only: copy"
same "sync_only has no effect in copy: identical" "$SRC" "$DST"
echo changed >"$SRC/two/a"; echo changed >"$SRC/one/a"; echo changed >"$SRC/three/sub/a"; echo changed >"$SRC/three/a"; rm -r "$SRC/four" "$SRC/two/sub"; echo new >"$SRC/new"
run sync; expect 0 "sync_only: sync"
equal "what is named is synced" "$(cat "$DST/two/a" "$DST/three/sub/a")" "changed
changed"
equal "what is not named is left alone" "$(cat "$DST/one/a" "$DST/three/a")" "one/a
three/a"
there four/a; gone two/sub new

# What is only on the way there is root's and 0755, whatever the umask says and the target's directories give on.
fresh; job "sync_only = $(both /three/sub/deep)"; mkdir -p "$SRC/three/sub/deep"; chmod 0711 "$SRC/three"; echo deep >"$SRC/three/sub/deep/a"
rm -rf "$DST"; mkdir "$DST"; chown :54321 "$DST"; chmod 2775 "$DST"; setfacl -d -m u:7:rwx "$DST"
umask 077; run sync; umask 022; expect 0 "sync_only into an empty target"
equal "what is named is there" "$(cat "$DST/three/sub/deep/a")" deep
equal "passages" "$(stat -c '%n %a %u %g' "$DST/three" "$DST/three/sub" | sed "s|$DST/||" | paste -sd,)" "three 755 0 0,three/sub 755 0 0"
refute "and no ACL is on them" sh -c "getfacl -p '$DST/three' '$DST/three/sub' | grep -q '^user:7'"

fresh; job "sync_only = $(both /two)" "sync_exclude = $(both /two/sub)"
run copy
echo changed >"$SRC/two/a"; echo changed >"$SRC/two/sub/a"
run sync; expect 0 "sync_only and sync_exclude: sync"
equal "sync_exclude wins over sync_only" "$(cat "$DST/two/a" "$DST/two/sub/a")" "changed
two/sub/a"

fresh; job "exclude = $(both /two)" "exclude = $(both /three)"
run copy; expect 0 "a list key may be repeated"
gone two three; there one/a

fresh; job "exclude = /no/such/path"
run copy; expect 0 "a path that does not exist is no failure"
has "but a warning" "$ERR" 'no/such/path'
mkdir -p "$SRC/empty"; job "exclude = $SRC/empty/*" "exclude = $SRC/not-there/*"
run sync; has "what lies beneath a missing directory: a warning" "$ERR" 'not-there/\*'; hasnt "beneath an empty one: none" "$ERR" 'empty/'
same "identical" "$SRC" "$DST"

fresh; mkdir "$SRC/with, comma"; echo x >"$SRC/with, comma/x"; job "exclude = /with\\, comma,$SRC/with\\, comma"
run copy; expect 0 "a comma in a path"
gone "with, comma"; there one/a

fresh; job "exclude = $(both /two)"
rehost -c "$WORK/rules.conf" --set "rules.exclude=$(both /three)" copy; expect 0 "--set appends to a list"
gone two three; there one/a

# filter_file: rsync's rules below one directory each. rsync itself, run once for each of them, is the oracle.
fresh; job "filter_file = $SRC/two=$WORK/two.rules, $SRC/three=$WORK/three.rules" "exclude = $SRC/two/listed"
printf '%s\n' '# of two' '; only' '' '+ /keep.o' '- *.o' '- /top/' 'P mine' '- sub/*/deep' ' *.c' >"$WORK/two.rules"
printf '%s\n' '. more.rules' '- listed' >"$WORK/three.rules"; printf '%s\n' '- /sub/a' 'H hidden' '-p *.o' '- trail ' >"$WORK/more.rules"
rehost -c "$WORK/rules.conf" check-config; expect 78 "check-config reads the files of rules"
equal "each error with its file and line" "$(grep -v '^rehost: ' "$ERR")" "$WORK/two.rules:9: bad filter rule ' *.c': it does not begin with a rule's name such as '+' or '-'"
rehost -c "$WORK/rules.conf" copy; expect 78 "a job with a bad file of rules"; refute "does nothing" test -e "$DST/one"
printf '%s\n' '- nothing' 'nonsense' >"$WORK/more.rules"
rehost -c "$WORK/rules.conf" --set rules.filter_file="$WORK/none" sync; expect 78 "bad lines of several files"
equal "all of them in one run" "$(sed -n 's/: .*//p' "$ERR" | grep -v '^rehost' | sed "s|$WORK/||")" "two.rules:9
more.rules:2
--set"
sed -i '$d' "$WORK/two.rules"; printf '%s\n' '- /sub/a' 'H hidden' '-p *.o' '- trail ' >"$WORK/more.rules"
rehost -c "$WORK/rules.conf" check-config; expect 0 "without the bad lines"
rehost -c "$WORK/rules.conf" show-config; has "show-config has the key" "$OUT" "^filter_file = $SRC/two=$WORK/two.rules  # $WORK/rules.conf:"
for d in . one one/sub two two/top two/keep two/sub two/sub/x two/sub/x/top three three/sub three/sub/sub; do
    mkdir -p "$SRC/$d"; for f in keep.o b.o mine hidden listed trail 'trail ' a top.o; do [ -e "$SRC/$d/$f" ] || echo "$d" >"$SRC/$d/$f"; done
done
mkdir "$SRC/two/sub/x/deep" "$SRC/one/sub/deep"; touch "$SRC/two/sub/x/deep/x" "$SRC/one/sub/deep/x"
find "$SRC" -exec touch -hd '2011-11-11' {} +
oracle() { # oracle RSYNC_OPTIONS...: into $WORK/oracle
    (mkdir -p "$WORK/oracle" && cd "$WORK" && rsync -aHAX --numeric-ids --exclude=/listed --filter="merge two.rules" "$@" "$SRC/two/" oracle/two/ &&
        rsync -aHAX --numeric-ids --filter="merge three.rules" "$@" "$SRC/three/" oracle/three/ &&
        rsync -aHAX --numeric-ids --exclude=/two --exclude=/three "$@" "$SRC/" oracle/)
}
rm -rf "$WORK/oracle"; check "rsync copies each" oracle
run copy; expect 0 "filter_file: copy"
same "filter_file: the copy is what rsync makes of it" "$WORK/oracle" "$DST" --max 12
gone two/b.o two/top two/listed three/listed; there two/keep.o one/b.o two/trail one/listed two/sub/x/top three/trail; gone "three/trail "
for t in "$DST" "$WORK/oracle"; do
    for d in . one two two/new three/sub three/new three/sub/sub; do
        mkdir -p "$t/$d"; for f in extra extra.o mine hidden; do echo old >"$t/$d/$f"; touch -d 2009-09-09 "$t/$d/$f"; done
    done
done
rm -r "$SRC/two/sub/x" "$SRC/three/sub/sub"; find "$SRC" -exec touch -hd '2012-12-12' {} +
check "rsync deletes" oracle --delete
run sync; expect 0 "filter_file: sync"
same "filter_file: the sync is what rsync makes of it" "$WORK/oracle" "$DST" --ignore dirmtime --max 12
there two/extra.o two/mine; gone one/extra.o three/new two/new/extra
rm -r "$DST/two/new" "$DST/two/sub/x"; touch -r "$SRC/two" "$DST/two"; touch -r "$SRC/two/sub" "$DST/two/sub" # kept for what is protected in them
run verify; expect 0 "filter_file: verify leaves out what the rules leave out"
echo x >"$DST/one/unwanted.o"; run --json verify; expect 4 "and finds what they do not"
equal "that alone" "$(jq -r 'select(.message_type=="difference" and .kind=="extra") | .path' "$OUT")" one/unwanted.o
run rules "$SRC/two/b.o" "$SRC/three/sub/a" "$SRC/one/b.o" "$SRC/two/listed"; expect 0 "rules of paths"
equal "name the file and the line" "$(grep copy: "$OUT" | sed "s|$WORK/||g")" "  copy:    left out by filter = - *.o (two.rules:5)
  copy:    left out by filter = - /sub/a (more.rules:1)
  copy:    copied
  copy:    left out by exclude = src/two/listed (rules.conf:13)"
job "filter_file = $WORK/two.rules" "filter_file = /no/where=$WORK/two.rules"
run check-config; expect 78 "a directory that is not below the source root"
has "is named with its line" "$ERR" "^$WORK/rules.conf:13: '/no/where' of filter_file is not"
# Without a directory it is the source's root, through everything.
rm -rf "$DST"; run --set rules.filter_file= --set rules.filter_file="$WORK/two.rules" copy; expect 0 "filter_file of the root"
rm -rf "$WORK/oracle"; rsync -aHAX --numeric-ids --filter="merge $WORK/two.rules" "$SRC/" "$WORK/oracle/"
same "the copy is what rsync makes of it" "$WORK/oracle" "$DST" --max 12

fresh; job
mkdir "$SRC/target"
rehost -c "$WORK/rules.conf" --set "target.root=$SRC/target" copy
if [ "$RC" = 0 ]; then
    has "a target root inside of the source is left out and said to be" <(cat "$OUT" "$ERR") 'target'
    refute "not copied into itself" test -e "$SRC/target/target/target"
else ok "a target root inside of the source is refused (exit $RC)"; fi
rm -rf "$SRC/target"
fresh; job
REHOST_STATE_DIR=$SRC/st REHOST_RUN_DIR=$SRC/rn REHOST_LOG_DIR=$SRC/lg rehost -c "$WORK/rules.conf" copy; expect 0 "state, log and run directories inside of the source"
gone st rn lg
finish
