#!/bin/bash
# import: the configurations of other services and rsync's command lines; check-config takes what comes out.
. "$(dirname "$0")/lib.sh"
cd "$WORK" || exit 1
taken() { # taken WHAT FILES...: imported, and accepted; the output is in job.conf
    local what=$1; shift
    rehost import "$@"; expect 0 "$what"; cp "$OUT" job.conf; empty "$what: nothing on stderr" "$ERR"
    rehost -c job.conf check-config; expect 0 "$what: check-config takes it"
    hasnt "$what: no secret" job.conf HUSH
}
mkdir Excludes
printf '\357\273\277[main]\r\ntar.exclude.dir = /proc/*,/srv/old/*\r\nrsync.exclude.dir = /proc/*,/etc/*,/srv/tmp\r\naccess_token = HUSH\r\n' >g-property.cfg
printf '[proxy-config]\nenable=True\nproxy_addr=http://HUSH:HUSH@192.0.2.8\nproxy_port=3128\nproxy_user=HUSH\n' >auth.cfg
printf '[vol_disk_modify]\ndisk_name=/dev/vdc;/dev/vdd\nnew_disk_name=/dev/vdb;/dev/vdb\n' >disk.cfg
taken SMS g-property.cfg disk.cfg auth.cfg
equal "its lists" "$(grep _exclude job.conf)" "copy_exclude = /srv/old/*
sync_exclude = /srv/tmp"
has "its proxy is a comment" job.conf '^# auth.cfg:3: proxy_addr: .*# proxy = 192.0.2.8:3128'

echo '{"bandwidth_limit": 4000, "data_disks": [{"data_disk_index": 1, "data_disk_size": 80, "src_path": "/data"}]}' >user_config.json
printf '/tmp/\n*.bak\n' >Excludes/rsync_excludes_linux_disk1.txt
printf '%s\n' '/dev/*' '/proc/*' '/mnt/*' 'lost+found/*' >Excludes/rsync_excludes_linux.txt; echo other >Excludes/README
taken SMC Excludes user_config.json
has "bandwidth" job.conf '^bandwidth = 4000K$'; has "a path of a disk" job.conf '^exclude = /data/tmp$'
# The rules that it prints, put into files as it says.
sed -n '/^#filter_file = \/data=/,/^[^#]/s/^#     //p' job.conf >data.rules
equal "its rules" "$(cat data.rules)" "- *.bak"
rehost -c job.conf --set "rules.filter_file=/data=$WORK/data.rules" rules /data/x.bak /x.bak; expect 0 "its rules are rules"
equal "and hold on that disk alone" "$(grep copy: "$OUT" | sed "s|$WORK/||")" "  copy:    left out by filter = - *.bak (data.rules:1)
  copy:    copied"
rehost import Excludes; expect 78 "lists of disks without user_config.json"; empty "nothing is printed" "$OUT"

echo '{"Client": {"Rsync": {"BandwidthLimit": "2048"}, "SecretKey": "HUSH"}}' >client.json
echo '{"InstanceId": "i-1", "SecretId": "HUSH", "DataDisks": [{"Index": 1, "Size": 100, "MountPoint": "/mnt/disk1"}]}' >user.json
taken Tencent user.json client.json Excludes/rsync_excludes_linux.txt
has "bandwidth" job.conf '^bandwidth = 2048K$'
hasnt "what lies above a disk is no path" job.conf '^exclude = /mnt'; has "but a rule" job.conf '^#     - /mnt/\*$'

echo '0 2 * * * root sshpass -p HUSH rsync -aAXHv --delete --exclude={/proc/*,/tmp/*,*.swp} / root@192.0.2.7:/mnt/' >crontab
taken rsync crontab
equal "its job" "$(grep -E '^[a-z]' job.conf)" "address = root@192.0.2.7
root = /mnt
exclude = /tmp/*
delete = during"
"$REHOST" import - <crontab >stdin.conf; equal "standard input is a file too" "$(tail -n +2 stdin.conf)" "$(tail -n +2 job.conf)"
echo './aws-replication-installer-init --no-prompt --devices /dev/sda --aws-secret-access-key=HUSH' >install.sh
taken "AWS MGN" install.sh

rehost import; expect 64 "no file"
rehost import nowhere; expect 78 "a file that is not there"; has "is named" "$ERR" 'RH1801.*nowhere'
rehost import data.rules; expect 78 "a file of no known format"; has "is named" "$ERR" 'RH1802.*data.rules'
echo 'rsync -a $SRC /mnt' >var.sh; rehost import var.sh; expect 78 "variables"; has "with file and line" "$ERR" 'RH1803.*var.sh:1: '
finish
