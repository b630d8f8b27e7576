#!/bin/bash
# What is valid: check-config, show-config with origins, comments, lists, overlays, the default files.
. "$(dirname "$0")/lib.sh"
C=$WORK/rehost.conf
cat >"$C" <<'X'
# comment
; another
[job]
name = shown

[target]
address = 192.0.2.7
port=2222
   root   =   /srv/target with space
identity = /k#ey;x
[source]
root = /data
filesystems = ext4, xfs
filesystems = btrfs
[rules]
exclude = /one, /two
exclude = /three\,four
delete = after
[transfer]
bandwidth = 20M
processes = 3
[verify]
mode = crc64
X
rehost -c "$C" check-config; expect 0 "check-config of a valid file"; empty "nothing on stderr" "$ERR"
rehost -q -c "$C" check-config; empty "-q: nothing on stdout" "$OUT"
rehost -c "$C" show-config; expect 0 "show-config"; empty "nothing on stderr" "$ERR"
line() { has "shown: $1 from line $3" "$OUT" "$2.*$C:$3\\b"; }
line name 'name *= *shown' 4
line address 'address *= *192\.0\.2\.7' 7
line port 'port *= *2222' 8
line root 'root *= *"?/srv/target with space' 9
line identity 'identity *= *"?/k#ey;x' 10
line source.root 'root *= *"?/data' 12
line delete 'delete *= *after' 18
line bandwidth 'bandwidth *= *(20M|20971520)' 20
line mode 'mode *= *crc64' 23
has "a comma that is escaped" "$OUT" 'three\\?,four'
has "lists are joined" "$OUT" 'btrfs'
has "defaults are shown as such" "$OUT" 'host_key *= *strict.*default'
rehost -c "$C" --set target.port=2022 --set rules.exclude=/five show-config; expect 0 "--set"
has "--set wins over the file" "$OUT" 'port *= *2022'; hasnt "not both" "$OUT" 'port *= *2222'
has "--set appends to a list" "$OUT" '/five'; has "and keeps the file's" "$OUT" '/one'
has "the origin of --set is shown" "$OUT" 'port *= *2022.*--set'
rehost --config "$C" show-config; expect 0 "--config FILE"; line port 'port *= *2222' 8
rehost show-config -c "$C"; check "-c after the command is not the configuration file" test "$RC" != 0
rehost "--config=$C" show-config; expect 0 "--config=FILE"

# What show-config prints without origins is valid configuration again: at least the keys it names are.
rehost -c "$C" --json show-config; [ "$RC" = 0 ] && { check "show-config --json is JSON" jq -e . "$OUT"; }

if [ "$ISOLATED" = yes ]; then
    # The default file and conf.d, in byte order; -c replaces both.
    mkdir -p "$WORK/etc-rehost/conf.d"; mkdir -p /etc/rehost 2>/dev/null; made=$?
    mount --bind "$WORK/etc-rehost" /etc/rehost
    rehost show-config; expect 0 "no default file is no error"
    printf '[job]\nname = main\n[target]\nport = 1\n' >"$WORK/etc-rehost/rehost.conf"
    printf '[rules]\nexclude = /from-b\n' >"$WORK/etc-rehost/conf.d/b.conf"
    printf '[rules]\nexclude = /from-B\n' >"$WORK/etc-rehost/conf.d/B.conf"
    printf '[rules]\nexclude = /ignored\n' >"$WORK/etc-rehost/conf.d/c.conf.bak"
    rehost show-config; expect 0 "the default files"
    has "rehost.conf is read" "$OUT" 'name *= *main.*/etc/rehost/rehost\.conf:2'
    has "conf.d is read" "$OUT" '/from-b'; hasnt "only *.conf" "$OUT" 'ignored'
    check "in byte order" "$PY" -c "s=open('$OUT').read(); raise SystemExit(not s.index('/from-B') < s.index('/from-b'))"
    printf '[target]\nprot = 1\n' >"$WORK/etc-rehost/conf.d/a.conf"
    rehost check-config; expect 78 "an error in conf.d"; has "is named by its file" "$ERR" '/etc/rehost/conf\.d/a\.conf:2: '
    rehost -c "$C" check-config; expect 0 "-c replaces both"
    mkdir "$WORK/s"; echo x >"$WORK/s/x"
    rehost copy "$WORK/s" "local:$WORK/d"; expect 0 "SRC DST reads no configuration file"
    umount /etc/rehost; [ "$made" = 0 ] && rmdir /etc/rehost 2>/dev/null
fi
finish
