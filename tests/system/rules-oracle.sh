#!/bin/bash
# --exclude, --include, --filter and --exclude-from mean what they mean to rsync: the tree that results is compared with rsync's own.
. "$(dirname "$0")/lib.sh"
need_root    # for owners; the rules themselves need no rights
SRC=$WORK/src
mkdir -p "$SRC"/{a/b/c/d,foo/bar/baz,bar/foo,src/lib/.git/objects,src/test,cache/tmp,"sp ace/in side",x/y/z/x/y,empty/dir,.hidden/.deep,log}
i=0
for d in . a a/b a/b/c a/b/c/d foo foo/bar foo/bar/baz bar bar/foo src src/lib src/lib/.git src/lib/.git/objects src/test cache cache/tmp "sp ace" "sp ace/in side" x x/y x/y/z x/y/z/x/y .hidden .hidden/.deep log; do
    for f in file.o file.c file.h foo bar '*' '[x]' 'back\slash' 'a b' UPPER.C core core.1234 .dot .dot.o tmp~ 'que?tion' x1 x2 x10 sub.d; do
        i=$((i + 1)); [ -d "$SRC/$d/$f" ] || echo "$i" >"$SRC/$d/$f"
    done
done
ln -s file.c "$SRC/link.o"; ln -s a "$SRC/linkdir"; mkfifo "$SRC/fifo.o"
touch -d '2010-10-10' "$SRC"; find "$SRC" -exec touch -hd '2011-11-11 11:11:11.111' {} +
printf '%s\n' '# a comment' '; another' '' '*.o' '/foo/bar/' '  ' 'core.*' >"$WORK/list1"
printf '%s\n' '+ *.c' '- /a/***' '- file.*' >"$WORK/list2"
printf '*.o\0# not a comment\0' >"$WORK/list0"
# What only the target has, beside a copy of the source.
cp -a "$SRC" "$WORK/base"
for d in . a a/b/c foo/bar src/lib cache/tmp newdir/sub newdir2.o foo/newdir; do
    mkdir -p "$WORK/base/$d"; for f in extra.o extra.c extra core.99 x3 .dotextra; do echo old >"$WORK/base/$d/$f"; done
done
find "$WORK/base" -exec touch -hd '2009-09-09' {} +

one() { # one ARGS...: the same tree as rsync's, for a copy to nothing and for a sync with deletion
    local what="$*" side
    rm -rf "$WORK/r" "$WORK/h"
    rsync -aHAX --numeric-ids "$@" "$SRC/" "$WORK/r/" >"$WORK/rsync.err" 2>&1 || { not_ok "rsync itself refuses: $what"; note <"$WORK/rsync.err"; return; }
    rehost copy "$@" "$SRC" "local:$WORK/h"
    [ "$RC" = 0 ] || { expect 0 "copy $what"; return; }
    same "copy $what" "$WORK/r" "$WORK/h" --max 12
    rm -rf "$WORK/r" "$WORK/h"; cp -a "$WORK/base" "$WORK/r"; cp -a "$WORK/base" "$WORK/h"
    rsync -aHAX --numeric-ids --delete "$@" "$SRC/" "$WORK/r/" >"$WORK/rsync.err" 2>&1; side=$?
    # rsync ends with 0 or, when it leaves a directory that is not empty, says so on stderr: the tree is what counts.
    [ $side = 0 ] || { not_ok "rsync itself: $what"; return; }
    rehost sync --delete "$@" "$SRC" "local:$WORK/h"
    [ "$RC" = 0 ] || { expect 0 "sync --delete $what"; return; }
    # A directory kept only for what is protected in it is not in the source: its time is each tool's own.
    same "sync --delete $what" "$WORK/r" "$WORK/h" --ignore dirmtime --max 12
}

while IFS= read -r line; do
    case $line in '' | '#'*) continue ;; esac
    eval "args=($line)"
    one "${args[@]}"
done <<TABLE
--exclude='*.o'
--exclude=foo
--exclude=foo/
--exclude=/foo
--exclude=/foo/
--exclude=foo/bar
--exclude=/foo/bar
--exclude='foo/*'
--exclude='/foo/**'
--exclude='foo/***'
--exclude='**/foo'
--exclude='**/foo/**'
--exclude='a/**/d'
--exclude='/a/*/c'
--exclude='*'
--exclude='*/'
--exclude='/*'
--exclude='.*'
--exclude='[f]*.[co]'
--exclude='[!f]*'
--exclude='[^f]*'
--exclude='[[:upper:]]*'
--exclude='x[0-9]'
--exclude='x[0-9]*'
--exclude='?oo'
--exclude='que\\?tion'
--exclude='\\*'
--exclude='\\[x\\]'
--exclude='[*]'
--exclude='back\\\\slash'
--exclude='back\\slash'
--exclude='a b'
--exclude='sp ace/'
--exclude='/sp ace/in side'
--exclude='*.[!co]'
--exclude='core' --exclude='core.*'
--exclude='*~' --exclude='.git/'
--include='*.c' --exclude='*'
--include='*/' --include='*.c' --exclude='*'
--include='/foo/' --include='/foo/**' --exclude='*'
--include='/foo/***' --exclude='*'
--include='/foo' --include='/foo/bar' --include='/foo/bar/file.c' --exclude='*'
--include='foo/***' --exclude='/*'
--include=file.o --exclude='*.o'
--exclude='*.o' --include=file.o
--include='a/**.c' --exclude='a/**'
--include='+ x' --exclude='x*'
--exclude='+ *.c' --exclude='- *.o'
--exclude='- *.o' --exclude='*.h'
--include='*.o' --exclude='!'  --exclude='*.h'
--filter='- *.o'
--filter='-_*.o'
--filter='exclude *.o'
--filter='exclude,/ $SRC/a'
--filter='-/ $SRC/foo/bar'
--filter='+ *.c' --filter='- /a/***' --filter='- file.*'
--filter='include *.c' --filter='exclude file.*'
--filter='-! *.c' --filter='+ */'
--filter='+ */' --filter='-! *.c'
--filter='H *.o'
--filter='hide *.o'
--filter='P extra.o'
--filter='protect extra*'
--filter='P *.c' --filter='H core*'
--filter='S file.o' --filter='- *.o'
--filter='show file.o' --filter='hide *.o'
--filter='R *.o' --filter='- *.o'
--filter='risk *.o' --filter='- *.o'
--filter='-s *.o'
--filter='-r *.o'
--filter='-r extra*' --filter='-s core*'
--filter='P /newdir/'
--filter='P /newdir/***'
--filter='- *.o' --filter='!' --filter='- *.h'
--filter='clear' --filter='- *.h'
--filter='. $WORK/list2'
--filter='merge $WORK/list2'
--filter='.- $WORK/list1'
--filter='merge,- $WORK/list1'
--exclude-from='$WORK/list1'
--exclude-from='$WORK/list1' --exclude=/x
--exclude-from='$WORK/list2'
--exclude=/x/y/z/x
--exclude='x/y'
--exclude='/x/**/y'
--exclude='y/z/**'
--exclude='./foo'
--exclude='foo//bar'
--exclude='/linkdir'
--exclude='linkdir/'
--exclude='link.o' --exclude='fifo.o'
--exclude='*.d'
--exclude='/newdir'
--exclude='extra*'
--exclude='newdir*/'
--exclude='/empty/dir/'
--exclude='/cache/*'
--include='/cache/tmp/' --exclude='/cache/*'
--exclude='/log/*' --exclude='/src/**/objects'
--exclude='**.o'
--exclude='a**c'
--exclude='/a/b**'
--exclude='**/'
--exclude='foo/bar/***'
--exclude='*/bar'
--exclude='/*/bar'
--exclude='/**/bar'
--exclude='bar/**/file.?'
--filter='-p foo' --exclude='*.o'
--filter='-p extra.o'
--filter='-p *.o' --filter='- x3'
--filter='-pr extra*' --filter='-s core*'
--filter='+p extra.o' --filter='- *.o'
--filter='exclude,p sub/'
--filter='Pp extra.c'
--filter='merge,p $WORK/list2'
--filter='-p newdir*/'
TABLE

# What rsync has beyond that is refused by its code, before anything is written.
while IFS= read -r bad; do
    for command in copy sync verify; do
        rehost $command --filter="$bad" "$SRC" "local:$WORK/refused"; expect 64 "$command refuses '$bad'"
        has "$command refuses '$bad' by its code" "$ERR" RH0204
    done
done <<'TABLE'
: .rsync-filter
dir-merge .rsync-filter
dir-merge,- .cvsignore
:n .rsync-filter
:e .rsync-filter
:C
-C
-x user.*
. -
TABLE
refute "nothing was written" test -e "$WORK/refused"

# -x stays in the file system; and what is no rule is said to be none.
mkdir "$SRC/mnt"; mount -t tmpfs rehost-test "$SRC/mnt"; echo x >"$SRC/mnt/inside"
rehost copy -x "$SRC" "local:$WORK/x"; expect 0 "copy -x"
refute "-x does not go into another file system" test -e "$WORK/x/mnt/inside"
check "its mount point is there" test -d "$WORK/x/mnt"
umount "$SRC/mnt"
for bad in '? foo' 'Q foo' '-q foo' 'exclude' '.' '. /no/such/file'; do
    rehost copy --filter="$bad" "$SRC" "local:$WORK/bad"
    expect_failure "a bad rule is refused: '$bad'"
done
rehost copy --exclude-from=/no/such/file "$SRC" "local:$WORK/bad"; expect_failure "--exclude-from of a missing file is refused"
refute "nothing was copied" test -e "$WORK/bad/a"

# A name that the source has as one type and the target as another: what a rule says of the target's type does not keep it.
make() { # make DIR KIND
    mkdir "$1"; touch -d '2012-12-12' "$1"
    case $2 in file) echo "$1" >"$1/x" ;; link) ln -s "$1" "$1/x" ;; dir) mkdir "$1/x"; echo "$1" >"$1/x/a.c"; echo "$1" >"$1/x/p" ;; esac
}
list() { (cd "$1" && find . -mindepth 1 -printf '%P:%y\n' | LC_ALL=C sort | paste -sd' '); }
for rule in "--include=*/ --include=*.c --exclude=*" --exclude=x/ "--filter=P x" "--filter=H x" "--filter=P x/"; do
    case $rule in --filter*) args=("$rule") ;; *) set -f; args=($rule); set +f ;; esac
    for s in file link dir; do for d in file link dir; do
        [ $s = $d ] && continue
        rm -rf s r h; make s $s; make r $d; mv r h; make r $d
        rsync -a --delete "${args[@]}" s/ r/ >rsync.err 2>&1
        rehost sync --delete "${args[@]}" s local:h
        equal "$rule, $d becomes $s" "$(list h)" "$(list r)"
    done; done
done
finish
