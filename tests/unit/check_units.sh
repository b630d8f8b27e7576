#!/bin/sh
# The systemd units, the cron file and the logrotate file, as far as they can be tried without a system that runs them.
#
# Usage: check_units.sh DIR REHOST LOGROTATE_FILE MANUAL      DIR: where they were made; REHOST: the program to be started;
# MANUAL: rehost-cron(7)
set -u
dir=$1 rehost=$2 logrotate_file=$3 manual=$4
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
umask 022
failed=0
ok() { echo "ok - $*"; }
not_ok() { echo "not ok - $*"; failed=1; }
# quiet WHAT COMMAND...: succeeds and has nothing to say.
quiet() {
	what=$1; shift
	if "$@" >"$work/said" 2>&1 && [ ! -s "$work/said" ]; then ok "$what"; else not_ok "$what"; sed 's/^/# /' "$work/said"; fi
}
active() { grep -Ev '^[[:space:]]*([#;]|$)' "$1"; }

units="rehost-sync.service rehost-sync.timer rehost-sync@.service rehost-sync@.timer"
for unit in $units; do
	sed "s,^ExecStart=[^ ]*,ExecStart=$rehost," "$dir/$unit" >"$work/$unit" || exit 99
done
if command -v systemd-analyze >/dev/null; then
	for unit in $units rehost-sync@job.service rehost-sync@job.timer; do
		quiet "verify $unit" systemd-analyze verify --man=no "$work/$unit"
	done
	# What can be shut off without hiding anything is; the figure is what was reached.
	if systemd-analyze security --offline=yes --threshold=72 "$work/rehost-sync.service" >"$work/said" 2>&1; then
		ok "$(tail -n 1 "$work/said" | cut -c5-)"
	else
		not_ok "the exposure has grown"; tail -n 1 "$work/said"
	fi
else
	echo "# SKIP systemd: systemd-analyze is not installed"
fi

# Whatever gives the unit a mount namespace or filters device nodes would change what is copied.
hides='Protect[A-Za-z]*|Private[A-Za-z]*|ReadOnly[A-Za-z]*|ReadWrite[A-Za-z]*|Inaccessible[A-Za-z]*|Exec(Paths|SearchPath)|NoExec[A-Za-z]*'
hides="$hides|Bind[A-Za-z]*|Temporary[A-Za-z]*|Root[A-Za-z]*|Mount[A-Za-z]*|Extension[A-Za-z]*|Dynamic[A-Za-z]*|Proc[A-Za-z]*|User|Device[A-Za-z]*"
for unit in rehost-sync.service rehost-sync@.service; do
	if active "$dir/$unit" | grep -E "^($hides|RestrictSUIDSGID|RestrictNamespaces|RuntimeDirectory)="; then
		not_ok "$unit hides nothing of the host"
	else
		ok "$unit hides nothing of the host"
	fi
done
active "$dir/rehost-sync.service" | grep -q '^\[Install\]' && not_ok "only the timer can be enabled"

# The recipes of rehost-cron(7) are configuration.
{
	printf '[target]\naddress = local:\nroot = /new\n'
	awk '/^\.Bd/ { getline; block = /^\[[a-z]*\]$/ } /^\.Ed/ { block = 0 } block' "$manual"
} >"$work/recipes.conf"
quiet "the recipes of rehost-cron(7) are valid: $(grep -c '^[a-z]' "$work/recipes.conf") keys" "$rehost" -c "$work/recipes.conf" check-config -q

# Nothing in the cron file is active, and its job would do nothing where systemd runs.
if [ "$(active "$dir/cron/rehost" | cut -d= -f1)" = PATH ]; then ok "no cron job is active"; else not_ok "no cron job is active"; fi
job=$(sed -n 's/^#[0-9* ]* root //p' "$dir/cron/rehost")
mkdir "$work/systemd"
ran() { sh -c "$(echo "$job" | sed "s,/run/systemd/system,$1,; s,[^ ]*/rehost -q,echo," )"; }
if [ "$(ran "$work/nothing")" = sync ] && [ -z "$(ran "$work/systemd")" ]; then
	ok "cron leaves the sync to systemd"
else
	not_ok "cron leaves the sync to systemd: '$job'"
fi

if PATH=$PATH:/usr/sbin command -v logrotate >/dev/null; then
	mkdir "$work/log" && chmod 700 "$work/log"
	sed "s,/var/log/rehost,$work/log,g" "$logrotate_file" >"$work/logrotate"
	rotate() { PATH=$PATH:/usr/sbin logrotate -f -s "$work/state" "$work/logrotate"; }
	quiet "logrotate without logs" rotate
	for day in 1 2 3; do
		echo "run $day" >"$work/log/default.log"
		quiet "logrotate, day $day" rotate
	done
	if (cd "$work/log" && [ "$(cat default.log.1)" = "run 3" ] && [ "$(zcat default.log.3.gz)" = "run 1" ] && [ ! -e default.log ]); then
		ok "logs are kept and compressed"
	else
		not_ok "logs are kept and compressed"; ls -l "$work/log"
	fi
else
	echo "# SKIP logrotate: is not installed"
fi
exit $failed
