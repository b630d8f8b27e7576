#!/bin/bash
# facts of this host and of a tree: a whole document, quickly, also when something hangs; nothing is written.
. "$(dirname "$0")/lib.sh"
rehost facts; expect 0 "facts"; empty "nothing on stderr" "$ERR"
F=$WORK/facts.json; cp "$OUT" "$F"
check "it is JSON" jq -e . "$F"
equal "its sections" "$(jq -r '[keys[] | select(. != "unknown")] | join(" ")' "$F")" "boot config disks kernel live lvm machine mounts network os processes rehost root schema security services taken time"
equal "the running kernel" "$(jq -r .kernel.running "$F")" "$(uname -r)"
equal "processors" "$(jq -r .machine.cpu.count "$F")" "$(grep -c ^processor /proc/cpuinfo)"
check "the work file system, with its size" jq -e --arg w "$WORK" '.mounts.mounted[] | select(.path == $w) | .size > 0' "$F"
check "every unknown has its reason" sh -c "! jq -e '.. | objects | select(has(\"what\") and has(\"why\") and .why == \"\")' '$F'"

# A host that is mounted somewhere: only its files count.
mkdir -p tree/etc tree/usr/lib/modules/5.5.5/ tree/boot; printf 'ID=other\nVERSION_ID="9"\n' >tree/etc/os-release; echo elsewhere >tree/etc/hostname; : >tree/boot/vmlinuz-5.5.5
ln -s /etc/hostname tree/etc/machine-id
rehost facts --root tree; expect 0 "facts --root"
equal "its name and kernel" "$(jq -r '[.os.id, .os.version_id, .os.hostname, .os.machine_id, .kernel.installed[0].release, .kernel.running] | @csv' "$OUT")" '"other","9","elsewhere","elsewhere","5.5.5",'
rehost facts --root nowhere; expect 1 "a root that is not there"
rehost facts --anonymize; expect 0 "facts --anonymize"
hasnt "no machine id" "$OUT" "$(cat /etc/machine-id 2>/dev/null || echo none-here)"
finish
