#!/bin/bash
# What a verify has found stays known until it is looked at again as deep, 'sync --repair' mends it, and 'status' shows it.
. "$(dirname "$0")/lib.sh"
need_root
SRC=$WORK/src DST=$WORK/dst
fill() {
    rm -rf "$SRC" "$DST"; mkdir -p "$SRC"/{a/b,c,links}
    tree random "$SRC/a/big" 3000000; echo text >"$SRC/a/small"; echo text >"$SRC/c/file"; echo text >"$SRC/c/same"
    echo l >"$SRC/links/1"; ln "$SRC/links/1" "$SRC/links/2"
    find "$SRC" -exec touch -hd '2020-02-02 02:02:02.123456789' {} +
}
damage() { # contents of three files, one of them with two names, that size and time do not show
    tree flip "$DST/a/big" --at 2345678; tree flip "$DST/a/small"; tree flip "$DST/links/1"
}
diffs() { jq -r 'select(.message_type=="difference") | "\(.path) \(.kind)"' "$OUT" | LC_ALL=C sort; }
items() { jq -r 'select(.message_type=="item") | "\(.path) \(.op)"' "$OUT" | LC_ALL=C sort; }
DAMAGED=$'a/big content\na/small content\nlinks/1 content\nlinks/2 content'
printf '[job]\nname = r\n[target]\naddress = local:\nroot = %s\n[source]\nroot = %s\n' "$DST" "$SRC" >"$WORK/r.conf"
r() { aged; rehost -c "$WORK/r.conf" --json "$@"; }

fill
r sync --repair; expect 1 "nothing to repair"; has "says so" "$OUT" RH1010
r run; expect 0 "run"
rehost -c "$WORK/r.conf" status --check; expect 0 "all is well"
damage
r verify --mode crc64; expect 4 "crc64 finds it"; equal "all of it" "$(diffs)" "$DAMAGED"
r verify --recheck; expect 4 "--recheck in quick mode"; equal "looks as deep" "$(diffs)" "$DAMAGED"
r verify --recheck --mode quick; expect 4 "and again, asked for quick"; equal "still as deep" "$(diffs)" "$DAMAGED"
r verify --mode quick; expect 4 "a quick verify of everything"; equal "does not forget either" "$(diffs)" "$DAMAGED"
above "reads them" "$(field bytes_hashed)" 2999999
r verify c; expect 0 "a verify of another directory"
r verify --mode quick a; expect 4 "of one that differs"; equal "looks at its own" "$(diffs)" $'a/big content\na/small content'
r verify --recheck; equal "the others are still known" "$(diffs)" "$DAMAGED"

# What status makes of it.
rehost -c "$WORK/r.conf" status; has "status: when, how, what" "$OUT" '^last verify: .*crc64, of what had differed: 4 content'
has "status: what is open" "$OUT" '^differing: +4 content$'
r sync; expect 0 "a sync"; equal "sends nothing" "$(field files_transferred)" 0
rehost -c "$WORK/r.conf" status --check; expect 1 "status --check after it"; has "says why" "$OUT" 'WARNING.* 4 differences since a verify'
r status; check "status --json" jq -e '.last_verify_scope == "recheck" and .last_verify_mode == "crc64" and .last_verify_content == 4 and .differing == 4 and .differing_content == 4' "$OUT"
r verify c; expect 0 "a clean verify beside it"; rehost -c "$WORK/r.conf" status --check; expect 1 "makes nothing good"

r sync --repair -n; expect 0 "--repair -n"; foretold=$(items)
equal "-n: names them" "$(items | grep -c -e '^a/big update' -e '^a/small update' -e '^links/. update')" 3
refute "-n: changes nothing" cmp -s "$SRC/a/big" "$DST/a/big"
r sync --repair; expect 0 "--repair"; equal "is what -n said" "$(items)" "$foretold"
below "sends the difference, not the file" "$(field bytes_literal)" 200000
same "repaired" "$SRC" "$DST"
r verify --recheck --mode crc64; expect 0 "--recheck is clean"
rehost -c "$WORK/r.conf" status --check; expect 0 "and all is well again"
r sync --repair; expect 0 "--repair with an empty list"; equal "is a sync" "$(field files_transferred)" 0

# Every kind at once; what is only at the target as the job deletes.
break_all() {
    damage; rm "$DST/c/file"; echo x >"$DST/c/extra"; rm "$DST/c/same"; mkdir "$DST/c/same"; chmod 600 "$DST/a/b"
    rm "$DST/links/2"; cp -p "$DST/links/1" "$DST/links/2"
}
break_all
r verify --mode crc64; expect 4 "every kind"
for k in content missing extra type metadata hardlink; do above "there is $k" "$(number $k)" 0; done
r sync --repair; expect 0 "--repair of every kind"; same "repaired" "$SRC" "$DST"
r verify --recheck; expect 0 "--recheck is clean"

# Where the source had changed, too: equal in size and time.
sleep 0.1; tree flip "$SRC/a/small"; r verify --mode crc64; expect 0 "a change of the source"; equal "is one" "$(diffs)" "a/small changed"
rehost -c "$WORK/r.conf" status --check; expect 0 "which is no warning"
r sync --repair; expect 0 "--repair"; same "sends that as well" "$SRC" "$DST"

# An early end forgets nothing.
damage; r verify --mode crc64; expect 4 "damaged again"
kill_verify() { start_rehost -c "$WORK/r.conf" --set limits.io_read=1M verify --mode crc64; sleep 1; kill -TERM "$BG"; wait_rehost 10; }
kill_verify; equal "a verify that is ended" "$RC" 143
r verify --recheck; equal "after it all is known" "$(diffs)" "$DAMAGED"
# The list cannot be read: said, and made anew.
printf '00a/../b\0' >"$REHOST_STATE_DIR/r/verify-differences"
r sync --repair; expect 1 "a damaged list"; has "is named" "$OUT" RH1010
r verify --mode crc64; expect 4 "a verify"; has "says that it was damaged" "$OUT" RH1055; r sync --repair; expect 0 "--repair"; same "repaired" "$SRC" "$DST"

# SRC DST, over ssh, with and without deletion.
fill; start_sshd
rehost sync "$SRC" "$T:$DST"; expect 0 "sync SRC DST"
break_all; rehost --json verify --mode crc64 "$SRC" "$T:$DST"; expect 4 "verify SRC DST"
aged; rehost --json sync --repair "$SRC" "$T:$DST"; expect 0 "--repair SRC DST"
check "what is only there stays" test -e "$DST/c/extra"
rehost --json verify --recheck "$SRC" "$T:$DST"; expect 4 "--recheck SRC DST"; equal "names that" "$(diffs)" "c/extra extra"
aged; rehost --json sync --repair --delete "$SRC" "$T:$DST"; expect 0 "--repair --delete SRC DST"; same "repaired" "$SRC" "$DST"
rehost --json verify --recheck "$SRC" "$T:$DST"; expect 0 "--recheck SRC DST"; equal "nothing differs" "$(diffs)" ""
rehost copy --repair "$SRC" "$T:$DST"; expect 64 "copy does not take --repair"
no_leftovers "at the end"
finish
