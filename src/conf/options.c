#include "conf/options.h"
#include "base/text.h"
#include "conf/values.h"

#include <stddef.h>

#define AT(member) offsetof(struct conf, member)
#define DAY 86400u

static const struct conf_option options[] = {
	{"job", "name", CONF_TYPE_STRING, AT(job.name), "NAME", NULL,
		"name of the job: of its state, lock and log (default 'default')", .check = conf_check_job_name,
		.fallback = "default"},

	{"target", "address", CONF_TYPE_STRING, AT(target.address), "[USER@]HOST[:PORT]|local:", NULL,
		"the target host, a Host alias of ssh_config, or 'local:'", .check = conf_check_address},
	{"target", "root", CONF_TYPE_STRING, AT(target.root), "DIR", NULL,
		"directory on the target that receives the source's root", .check = conf_check_path},
	{"target", "port", CONF_TYPE_NUMBER, AT(target.port), "1..65535", NULL,
		"SSH port (default as ssh_config says, else 22)", .min = 1, .max = 65535, .fallback = "22"},
	{"target", "user", CONF_TYPE_STRING, AT(target.user), "USER", NULL, "login name, before that of the address",
		.check = conf_check_user},
	{"target", "identity", CONF_TYPE_LIST, AT(target.identity), "FILE,...", NULL, "private keys to log in with",
		.check = conf_check_user_path},
	{"target", "known_hosts", CONF_TYPE_STRING, AT(target.known_hosts), "FILE", NULL, "file of known host keys",
		.check = conf_check_user_path},
	{"target", "host_key", CONF_TYPE_ENUM, AT(target.host_key), "strict|accept-new", NULL,
		"what to do with a host key that is not known", .min = CONF_HOST_KEY_STRICT, .fallback = "strict"},
	{"target", "transport", CONF_TYPE_ENUM, AT(target.transport), "auto|libssh2|ssh", "auto",
		"what carries the SSH session"},
	{"target", "ssh_command", CONF_TYPE_STRING, AT(target.ssh_command), "COMMAND", NULL,
		"the system's ssh (default 'ssh')", .fallback = "ssh"},
	{"target", "sudo", CONF_TYPE_BOOL, AT(target.sudo), "no|yes", "no", "become root on the target by 'sudo -n'"},
	{"target", "proxy", CONF_TYPE_STRING, AT(target.proxy), "[http://]HOST:PORT", NULL,
		"HTTP proxy to reach the target through", .check = conf_check_proxy},
	{"target", "helper", CONF_TYPE_STRING, AT(target.helper), "auto|PATH", "auto",
		"rehost-receiver on the target; auto brings it along", .word = "auto", .check = conf_check_path},
	{"target", "connect_timeout", CONF_TYPE_DURATION, AT(target.connect_timeout), "DURATION", "30s",
		"how long connecting and logging in may take", .min = 1, .max = 3600},
	{"target", "image", CONF_TYPE_STRING, AT(target.image), "FILE:SIZE", NULL,
		"disk image on the target that 'layout' plans", .check = conf_check_image, .none = true},

	{"source", "root", CONF_TYPE_STRING, AT(source.root), "DIR", "/", "directory to migrate",
		.check = conf_check_path},
	{"source", "filesystems", CONF_TYPE_LIST, AT(source.filesystems), "local|TYPE,...", "local",
		"file systems to migrate: those on local disks, or of these types", .check = conf_check_filesystem},
	{"source", "hidden", CONF_TYPE_BOOL, AT(source.copy_hidden), "report|copy", "report",
		"what to do with files beneath the mount point of what is left out"},
	{"source", "mounts", CONF_TYPE_LIST, AT(source.mounts), "DIR,...", NULL, "only these mount points",
		.check = conf_check_path},
	{"source", "skip_mounts", CONF_TYPE_LIST, AT(source.skip_mounts), "DIR,...", NULL, "not these mount points",
		.check = conf_check_path},
	{"source", "map", CONF_TYPE_MAPS, AT(source.maps), "MOUNT=DIR,...", NULL,
		"where below the target root a mount point goes"},
	{"source", "page_cache", CONF_TYPE_ENUM, AT(source.page_cache), "leave|use", "leave",
		"leave the page cache as the services had it, or not"},

	{"rules", "exclude", CONF_TYPE_LIST, AT(rules.exclude), "PATH,...", NULL, "left out of copy and sync",
		.check = conf_check_rule_path},
	{"rules", "copy_exclude", CONF_TYPE_LIST, AT(rules.copy_exclude), "PATH,...", NULL, "left out of the full copy",
		.check = conf_check_rule_path},
	{"rules", "sync_only", CONF_TYPE_LIST, AT(rules.sync_only), "PATH,...", NULL, "only these are synced",
		.check = conf_check_rule_path},
	{"rules", "sync_exclude", CONF_TYPE_LIST, AT(rules.sync_exclude), "PATH,...", NULL, "left out of sync",
		.check = conf_check_rule_path},
	{"rules", "filter_file", CONF_TYPE_LIST, AT(rules.filter_files), "[MOUNT=]FILE,...", NULL,
		"rsync filter rules for what lies below MOUNT (default the source root)",
		.check = conf_check_filter_file},
	{"rules", "delete", CONF_TYPE_ENUM, AT(rules.delete_when), "during|after|no", "during",
		"when sync deletes what the source no longer has"},
	{"rules", "max_delete", CONF_TYPE_COUNT, AT(rules.max_delete), "NUMBER", NULL,
		"delete no more entries than this in a run", .max = INT64_MAX},

	{"transfer", "processes", CONF_TYPE_NUMBER, AT(transfer.processes), "auto|1..16", "auto",
		"processes, each with a connection, of a full copy", .min = 1, .max = 16, .word = "auto"},
	{"transfer", "sync_processes", CONF_TYPE_NUMBER, AT(transfer.sync_processes), "auto|1..16", "auto",
		"the same of a sync", .min = 1, .max = 16, .word = "auto"},
	{"transfer", "compression", CONF_TYPE_COMPRESSION, 0, "auto|off|zstd[:1..19]", "auto",
		"compression on the wire"},
	{"transfer", "bandwidth", CONF_TYPE_BANDWIDTH, 0, "off|RATE|[DAY-]HH:MM,RATE...", "off",
		"bytes a second, fixed or by time of day and week", .change = CONF_CHANGE_LIMIT},
	{"transfer", "update", CONF_TYPE_ENUM, AT(transfer.update), "auto|replace|inplace", "auto",
		"how a file that exists on the target is updated"},
	{"transfer", "delta", CONF_TYPE_BOOL, AT(transfer.delta), "auto|off", "auto",
		"send only what differs within a file", .min = 1},
	{"transfer", "ids", CONF_TYPE_BOOL, AT(transfer.ids_numeric), "numeric", "numeric",
		"owners and groups are kept by number", .min = 1},

	{"limits", "cpu", CONF_TYPE_PERCENT, AT(limits.cpu), "off|1..100%", "off", "share of all processors together",
		.change = CONF_CHANGE_LIMIT},
	{"limits", "memory", CONF_TYPE_SIZE, AT(limits.memory), "off|SIZE", "off", "memory of all processes together",
		.min = 64u << 20, .change = CONF_CHANGE_LIMIT},
	{"limits", "io_read", CONF_TYPE_SIZE, AT(limits.io_read), "off|RATE", "off",
		"bytes a second read from the source", .min = 64u << 10, .change = CONF_CHANGE_LIMIT},
	{"limits", "io_write", CONF_TYPE_SIZE, AT(limits.io_write), "off|RATE", "off",
		"bytes a second written on this host", .min = 64u << 10, .change = CONF_CHANGE_LIMIT},
	{"limits", "target_cpu", CONF_TYPE_PERCENT, AT(limits.target_cpu), "off|1..100%", "off",
		"share of the target's processors", .change = CONF_CHANGE_LIMIT},
	{"limits", "target_io", CONF_TYPE_SIZE, AT(limits.target_io), "off|RATE", "off",
		"bytes a second read and written on the target", .min = 64u << 10, .change = CONF_CHANGE_LIMIT},
	{"limits", "pressure", CONF_TYPE_PRESSURE, AT(limits.pressure), "off|RESOURCE:PERCENT...", "off",
		"yield when others wait for io, cpu or memory", .change = CONF_CHANGE_LIMIT},
	{"limits", "backend", CONF_TYPE_ENUM, AT(limits.backend), "auto|systemd|cgroup2|cgroup1|none", "auto",
		"what keeps the limits"},
	{"limits", "enforce", CONF_TYPE_BOOL, AT(limits.require), "prefer|require", "prefer",
		"what to do when a limit cannot be kept"},

	{"retry", "interval", CONF_TYPE_DURATION, AT(retry.interval), "DURATION", "30m",
		"wait before the first retry after the link was lost", .min = 1, .max = 7 * DAY,
		.change = CONF_CHANGE_RELOAD},
	{"retry", "step", CONF_TYPE_DURATION, AT(retry.step), "DURATION", "10s",
		"added to the interval after each retry", .max = DAY, .change = CONF_CHANGE_RELOAD},
	{"retry", "max_retries", CONF_TYPE_NUMBER, AT(retry.max_retries), "0..10000", "10",
		"give up after this many retries", .max = 10000, .change = CONF_CHANGE_RELOAD},

	{"verify", "mode", CONF_TYPE_ENUM, AT(verify.mode), "quick|crc64|off", "quick",
		"compare sizes and times, or every byte"},
	{"verify", "paths", CONF_TYPE_LIST, AT(verify.paths), "PATH,...", NULL, "verify only these",
		.check = conf_check_path},
	{"verify", "metadata", CONF_TYPE_BOOL, AT(verify.metadata), "no|yes", "yes",
		"compare owners, modes, times, ACLs and xattrs too"},

	{"check", "before_run", CONF_TYPE_BOOL, AT(check.before_run), "no|yes", "yes",
		"'run' begins with the check, and stops at what fails"},
	{"check", "ignore", CONF_TYPE_LIST, AT(check.ignore), "ID,...", NULL, "what these checks find does not fail",
		.check = conf_check_finding},
	{"check", "threshold", CONF_TYPE_LIST, AT(check.thresholds), "ID=NUMBER,...", NULL,
		"from where on these checks find something", .check = conf_check_threshold},

	{"layout", "policy", CONF_TYPE_BOOL, AT(layout.simple), "simple", "simple",
		"one disk with a partition for each firmware and one for the root", .min = 1},
	{"layout", "firmware", CONF_TYPE_ENUM, AT(layout.firmware), "auto|bios|uefi|both", "auto",
		"what the disk can be started by; auto: both"},
	{"layout", "filesystem", CONF_TYPE_LIST, AT(layout.filesystems), "/=ext4|xfs|btrfs", NULL,
		"the file system of the root (default ext4)", .check = conf_check_layout_filesystem},

	{"log", "file", CONF_TYPE_STRING, AT(log.file), "FILE", NULL, "text log (default JOB.log in the log directory)",
		.check = conf_check_path, .none = true},
	{"log", "json_file", CONF_TYPE_STRING, AT(log.json_file), "FILE", NULL, "log of JSON lines",
		.check = conf_check_path, .none = true},
	{"log", "level", CONF_TYPE_ENUM, AT(log.level), "error|warning|info|debug", "info", "how much is logged",
		.change = CONF_CHANGE_RELOAD},
	{"log", "syslog", CONF_TYPE_BOOL, AT(log.syslog), "no|yes", "no", "log to syslog or the journal as well"},

	{"metrics", "textfile", CONF_TYPE_STRING, AT(metrics.textfile), "FILE", NULL,
		"metrics for Prometheus' node exporter", .check = conf_check_metrics_file, .none = true},

	{"hooks", "on_start", CONF_TYPE_STRING, AT(hooks.on_start), "COMMAND", NULL, "run before the job",
		.none = true},
	{"hooks", "on_success", CONF_TYPE_STRING, AT(hooks.on_success), "COMMAND", NULL, "run when it has succeeded",
		.none = true},
	{"hooks", "on_failure", CONF_TYPE_STRING, AT(hooks.on_failure), "COMMAND", NULL, "run when it has failed",
		.none = true},
	{"hooks", "timeout", CONF_TYPE_DURATION, AT(hooks.timeout), "DURATION", "1h", "end a hook that takes longer",
		.min = 1, .max = 7 * DAY},
};

size_t conf_option_count(void)
{
	return ARRAY_LEN(options);
}

const struct conf_option *conf_option_at(size_t i)
{
	return &options[i];
}

size_t conf_option_index(const struct conf_option *o)
{
	return (size_t)(o - options);
}

const struct conf_option *conf_option_find(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].key, key) && str_eq(options[i].section, section))
			return &options[i];
	return NULL;
}

bool conf_section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].section, section))
			return true;
	return false;
}

void conf_section_suggest(struct buf *out, const char *section)
{
	const char *names[ARRAY_LEN(options)];
	const char *near;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		names[i] = options[i].section;
	near = text_nearest(section, names, ARRAY_LEN(options));
	if (near)
		buf_printf(out, ", did you mean [%s]?", near);
}

void conf_option_suggest(struct buf *out, const char *section, const char *key)
{
	const char *names[ARRAY_LEN(options)];
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].section, section))
			names[n++] = options[i].key;
	near = text_nearest(key, names, n);
	if (near) {
		buf_printf(out, ", did you mean '%s'?", near);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].key, key)) {
			buf_printf(out, ", there is one in [%s]", options[i].section);
			return;
		}
}

void conf_each_option(void (*fn)(void *arg, const char *section, const char *key, const char *value_form,
			      const char *default_value, const char *help),
	void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct conf_option *o = &options[i];
		fn(arg, o->section, o->key, o->form, o->default_value ? o->default_value : "", o->help);
	}
}
