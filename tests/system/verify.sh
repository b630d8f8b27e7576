#!/bin/bash
# verify finds each kind of difference, names it by its kind, and is right about both modes.
. "$(dirname "$0")/lib.sh"
need_root
start_sshd
SRC=$WORK/src DST=$WORK/dst
fresh() {
    tree clear-flags "$WORK/src" 2>/dev/null; tree clear-flags "$WORK/dst" 2>/dev/null; rm -rf "$SRC" "$DST"
    mkdir -p "$SRC"/{a/b,c,links}; tree random "$SRC/a/big" 3000000; echo text >"$SRC/a/file"; echo text >"$SRC/c/file"; ln -s x "$SRC/c/link"; mkfifo "$SRC/c/fifo"
    echo l >"$SRC/links/1"; ln "$SRC/links/1" "$SRC/links/2"; echo l >"$SRC/links/3"; mknod "$SRC/c/null" c 1 3; echo n >"$SRC/c/"$'odd\xff\nname'
    find "$SRC" -exec touch -hd '2020-02-02 02:02:02.123456789' {} +
    rehost sync --delete "$SRC" "$T:$DST"
}
diffs() { jq -r 'select(.message_type=="difference") | "\(.path) \(.kind)"' "$OUT" | LC_ALL=C sort; }
for mode in quick crc64; do
    found() { # found WHAT EXPECTED: verify exits 4 with exactly these differences
        rehost --json verify --mode $mode "$SRC" "$T:$DST"; expect 4 "$mode: $1: exit 4"; equal "$mode: $1" "$(diffs)" "$2"
    }
    fresh
    rehost --json verify --mode $mode "$SRC" "$T:$DST"; expect 0 "$mode: equal trees"; equal "$mode: no differences" "$(field differences)" 0
    rehost verify --mode $mode "$SRC" "$T:$DST"; expect 0 "$mode: without --json"

    touch -r "$DST/c" "$WORK/ref"; rm "$DST/c/file"; touch -r "$WORK/ref" "$DST/c"; found "a missing file" "c/file missing"
    equal "$mode: missing is counted" "$(field missing)" 1
    rehost verify --mode $mode "$SRC" "$T:$DST"; has "$mode: it is named without --json" <(cat "$OUT" "$ERR") 'c/file'
    fresh; touch -r "$DST/a/b" "$WORK/ref"; echo x >"$DST/a/b/more"; touch -r "$WORK/ref" "$DST/a/b"; found "an extra file" "a/b/more extra"
    fresh; touch -r "$DST/c" "$WORK/ref"; rm "$DST/c/link"; echo x >"$DST/c/link"; touch -r "$WORK/ref" "$DST/c"; found "another type" "c/link type"
    fresh; chmod 600 "$DST/a/file"; found "a mode" "a/file metadata"
    has "$mode: the field is named" <(jq -c 'select(.message_type=="difference") | .field' "$OUT") 'mode'
    fresh; chown 5:6 "$DST/a/file"; found "an owner" "a/file metadata"
    fresh; setfattr -n user.x -v 1 "$DST/a/file"; found "an attribute" "a/file metadata"
    fresh; setfacl -m u:77:r "$DST/a/file"; found "an ACL" "a/file metadata"
    fresh; setcap cap_net_raw+ep "$DST/a/file"; found "a capability" "a/file metadata"
    fresh; chattr +d "$DST/a/file"; found "a flag" "a/file metadata"
    fresh; touch -d '2020-02-02 02:02:02.123456788' "$DST/a/b"; found "a directory's time, by one nanosecond" "a/b metadata"
    fresh; touch -hd '2020-02-02 02:02:02.123456788' "$DST/c/link"; found "a symlink's time" "c/link metadata"
    fresh; touch -r "$DST/c" "$WORK/ref"; rm "$DST/c/null"; mknod "$DST/c/null" c 1 5; touch -d '2020-02-02 02:02:02.123456789' "$DST/c/null"; touch -r "$WORK/ref" "$DST/c"
    rehost --json verify --mode $mode "$SRC" "$T:$DST"; expect 4 "$mode: another device number"; has "$mode: it is named" <(diffs) '^c/null '
    fresh; touch -r "$DST/links" "$WORK/ref"; rm "$DST/links/2"; cp -p "$DST/links/1" "$DST/links/2"; touch -r "$WORK/ref" "$DST/links"
    rehost --json verify --mode $mode "$SRC" "$T:$DST"; expect 4 "$mode: a broken hard link"; has "$mode: kind hardlink" <(diffs) '^links/[12] hardlink$'
    fresh; touch -r "$DST/links" "$WORK/ref"; ln -f "$DST/links/1" "$DST/links/3"; touch -r "$WORK/ref" "$DST/links"
    rehost --json verify --mode $mode "$SRC" "$T:$DST"; expect 4 "$mode: a hard link too many"; has "$mode: kind hardlink" <(diffs) '^links/[123] hardlink$'
    fresh; touch -r "$DST/c" "$WORK/ref"; rm "$DST/c/"$'odd\xff\nname'; touch -r "$WORK/ref" "$DST/c"
    rehost --json verify --mode $mode "$SRC" "$T:$DST"
    equal "$mode: a name that is not UTF-8" "$(jq -r 'select(.message_type=="difference") | .path_b64' "$OUT" | base64 -d | od -An -tx1)" "$(printf 'c/odd\xff\nname' | od -An -tx1)"
    # The size of a file, with the time restored.
    fresh; echo more >>"$DST/a/file"; touch -r "$SRC/a/file" "$DST/a/file"
    rehost --json verify --mode $mode "$SRC" "$T:$DST"; expect 4 "$mode: another size"; has "$mode: it is named" <(diffs) '^a/file '
    # Several at once, each named.
    fresh; chmod 600 "$DST/a/file"; rm "$DST/c/file"; echo x >"$DST/extra"
    rehost --json verify --mode $mode "$SRC" "$T:$DST"; expect 4 "$mode: several"
    for w in 'a/file metadata' 'c/file missing' 'extra extra'; do has "$mode: several: $w" <(diffs) "^$w\$"; done
done

# The flipped bit with size and times restored.
fresh; tree flip "$DST/a/big" --at 2345678
rehost --json verify --mode quick "$SRC" "$T:$DST"; expect 0 "quick does not see a flipped bit"
rehost --json verify --mode crc64 "$SRC" "$T:$DST"; expect 4 "crc64 sees a flipped bit"; equal "as content" "$(diffs)" "a/big content"
above "bytes_hashed" "$(field bytes_hashed)" 2999999
rehost verify --mode crc64 --processes 3 "$SRC" "$T:$DST"; expect 4 "in several processes too"
fresh; touch -d '2020-02-02 02:02:02.12345678' "$DST/a/big"; rehost --json verify --mode quick "$SRC" "$T:$DST"; expect 4 "quick sees a time"; has "of that file" <(diffs) '^a/big '
# The same at the source shows in its ctime: it changed after the last sync began.
fresh; tree flip "$SRC/a/big" --at 5; rehost --json verify --mode crc64 "$SRC" "$T:$DST"; expect 0 "a bit flipped at the source after the sync"; equal "is changed" "$(diffs)" "a/big changed"

# A configured job: PATH arguments, --recheck, `changed`, [verify] paths.
fresh; rm -rf "$DST"
printf '[job]\nname = v\n[target]\naddress = 127.0.0.1:%s\nroot = %s\nidentity = %s\nknown_hosts = %s\n[source]\nroot = %s\n[verify]\nmode = crc64\n' "$PORT" "$DST" "$KEY" "$KNOWN" "$SRC" >"$WORK/v.conf"
SET=()
rehost -c "$WORK/v.conf" run; expect 0 "run"
v() { rehost -c "$WORK/v.conf" --json verify "$@"; }
v; expect 0 "verify of the job"
tree flip "$DST/a/big" --at 1000; tree flip "$DST/c/file" --at 1
v; expect 4 "two flipped bits"; equal "both are found" "$(diffs)" "a/big content
c/file content"
# The contract leaves open whether PATH starts at / or at [source] root: a path that works is the one meant.
v "$SRC/a"; [ "$RC" = 4 ] || v /a; expect 4 "verify PATH"; equal "only what is beneath" "$(diffs)" "a/big content"
v --recheck; expect 4 "--recheck"
v; tree flip "$DST/a/big" --at 1000
v --recheck; expect 4 "--recheck after one was repaired"; equal "looks at the other" "$(diffs)" "c/file content"
below "and only at what differed" "$(field files_examined)" 6
tree flip "$DST/c/file" --at 1; v --recheck; expect 0 "--recheck after both were repaired"
# Of a missing directory only itself is named: --recheck looks at what it holds, once it is there.
mv "$DST/a" "$WORK/aside"; touch -r "$SRC" "$DST"; v; equal "a directory is missing" "$(diffs)" "a missing"
v --recheck; expect 4 "--recheck while it is missing"; equal "and still is" "$(diffs)" "a missing"
mv "$WORK/aside" "$DST/a"; touch -r "$SRC" "$DST"; tree flip "$DST/a/big" --at 7
v --recheck; expect 4 "--recheck after it came with a difference beneath"; equal "finds that" "$(diffs)" "a/big content"
tree flip "$DST/a/big" --at 7; v --recheck; expect 0 "--recheck after that was repaired"
# A broken hard link is still one when only one of its names was told.
touch -r "$DST/links" "$WORK/ref"; rm "$DST/links/2"; cp -p "$DST/links/1" "$DST/links/2"; touch -r "$WORK/ref" "$DST/links"
v; expect 4 "a broken hard link in the job"; v --recheck; expect 4 "--recheck sees it again"; has "as one" <(diffs) '^links/[12] hardlink$'
ln -f "$DST/links/1" "$DST/links/2"; touch -r "$WORK/ref" "$DST/links"; v --recheck; expect 0 "--recheck after it was repaired"
printf '0a/../b\0' >"$WORK/state/v/verify-differences"; v --recheck; expect 1 "a damaged list of differences"; v; expect 0 "is mended by the next verify"
v --mode quick; expect 0 "--mode over the configuration"
rehost -c "$WORK/v.conf" sync; sleep 0.1
echo "changed after the sync" >"$SRC/c/file"
v; expect 0 "a file that changed after the sync: exit 0"; has "is classified as changed" <(diffs) '^c/file changed$'
rehost -c "$WORK/v.conf" -q verify; expect 0 "-q verify"; empty "-q: nothing on stdout" "$OUT"; empty "-q: nothing on stderr" "$ERR"
chmod 600 "$DST/a/file"
rehost -c "$WORK/v.conf" -q verify; expect 4 "-q and a true difference"; equal "it alone is printed" "$(cut -d: -f1 "$OUT")" "metadata  a/file"
v; expect 4 "changed and a true difference: exit 4"; has "the true one" <(diffs) '^a/file metadata$'; has "and the changed one" <(diffs) '^c/file changed$'
rehost -c "$WORK/v.conf" sync; expect 0 "a sync mends both"; v; expect 0 "and verify is content"; equal "without any difference" "$(diffs)" ""

# The hostile tree itself, and a target that is not there.
use_ssh
tree make "$WORK/h" --entries 2000 --big 3000000 >/dev/null
rehost copy "$WORK/h" "$T:$WORK/hd"
rehost --json verify --mode crc64 "$WORK/h" "$T:$WORK/hd"; expect 0 "the hostile tree"; equal "no differences" "$(diffs)" ""
rehost verify "$WORK/h" "$T:$WORK/nowhere"; expect_failure "a target that is not there"
before=$(fingerprint "$WORK/hd"); rehost verify --mode crc64 "$WORK/h" "$T:$WORK/hd"; equal "verify writes nothing at the target" "$(fingerprint "$WORK/hd")" "$before"
no_leftovers "at the end"
finish
