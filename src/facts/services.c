/* What runs: the init system's units, and processes that matter to a move. */
#include "facts/probes.h"
#include "facts/run.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void put_init(const struct tree *t, struct value *s)
{
	AUTO_FREE char *comm = tree_line(t, "/proc/1/comm");
	const bool systemd = tree_exists(t, "/run/systemd/system") || tree_exists(t, "/lib/systemd/systemd") ||
		tree_exists(t, "/usr/lib/systemd/systemd");

	put_text(s, "init",
		systemd                                  ? "systemd"
			: tree_exists(t, "/sbin/openrc") ? "openrc"
			: tree_exists(t, "/etc/inittab") ? "sysvinit"
							 : comm);
}

/* Units that something wants: the links of *.wants below /etc. */
static void put_enabled(const struct tree *t, struct value *s)
{
	struct value *list = put_array(s, "enabled");
	struct tree_names dirs;

	if (!tree_list(t, "/etc/systemd/system", &dirs))
		return;
	for (size_t i = 0; i < dirs.count; i++) {
		const char *dot = strrchr(dirs.names[i], '.');
		AUTO_FREE char *dir = xasprintf("/etc/systemd/system/%s", dirs.names[i]);
		struct tree_names units;

		if (!dot || !str_eq(dot, ".wants") || !tree_list(t, dir, &units))
			continue;
		for (size_t k = 0; k < units.count; k++)
			add_text(list, units.names[k]);
		tree_names_release(&units);
	}
	tree_names_release(&dirs);
}

/* The first word of each line of "systemctl list-units --plain --no-legend". */
static void put_units(const struct tree *t, struct value *s, const char *name, const char *state)
{
	AUTO_FREE char *by_state = xasprintf("--state=%s", state);
	const char *const argv[] = {
		"systemctl", "list-units", "--plain", "--no-legend", "--no-pager", "--type=service", by_state, NULL};
	const char *why;
	AUTO_FREE char *text = tree_exists(t, "/run/systemd/system") ? run_program(t, argv, 1 << 20, &why) : NULL;
	char *save = NULL;
	struct value *list;

	if (!text) {
		put_null(s, name);
		put_unknown(s, name, tree_exists(t, "/run/systemd/system") ? why : "systemd does not run", 0);
		return;
	}
	list = put_array(s, name);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		line[strcspn(line, " \t")] = '\0';
		if (*line)
			add_text(list, line);
	}
}

/* Users' tables of cron: what is due runs at both hosts. */
static void put_crontabs(const struct tree *t, struct value *s)
{
	static const char *const dirs[] = {"/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs"};
	struct value *list = put_array(s, "crontabs");

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		struct tree_names names;

		if (!tree_list(t, dirs[i], &names))
			continue;
		for (size_t k = 0; k < names.count; k++) {
			AUTO_FREE char *path = xasprintf("%s/%s", dirs[i], names.names[k]);
			struct stat st;

			if (tree_stat(t, path, &st) && S_ISREG(st.st_mode) && st.st_size)
				add_text(list, names.names[k]);
		}
		tree_names_release(&names);
	}
}

/* Other services' migration tools, by where they are put. */
static void put_migration_tools(const struct tree *t, struct value *s)
{
	static const char *const paths[] = {"/root/SMS-Agent", "/SMS-Agent", "/opt/SMS-Agent", "/smc",
		"/root/go2aliyun_client", "/root/go2tencentcloud", "/var/lib/aws-replication-agent"};
	struct value *list = put_array(s, "migration_tools");

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (tree_exists(t, paths[i]))
			add_text(list, paths[i]);
}

void probe_services(const struct tree *t, struct value *s)
{
	put_crontabs(t, s);
	put_migration_tools(t, s);
	put_bool(s, "cloud_init_disabled", tree_exists(t, "/etc/cloud/cloud-init.disabled"));
	put_init(t, s);
	put_enabled(t, s);
	put_units(t, s, "running", "running");
	put_units(t, s, "failed", "failed");
}

/* ---- processes ---- */

struct seen {
	struct value *programs;
	uint64_t deleted_bytes, deleted_files;
	unsigned hidden; /* processes whose files may not be looked at */
};

/* Files that are open and have no name any more: they take space that is not copied. */
static void look_at_files(const struct tree *t, const char *pid, struct seen *seen)
{
	AUTO_FREE char *dir = xasprintf("/proc/%s/fd", pid);
	struct tree_names fds;

	if (!tree_list(t, dir, &fds)) {
		seen->hidden += errno == EACCES || errno == EPERM;
		return;
	}
	for (size_t i = 0; i < fds.count; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, fds.names[i]);
		struct stat st;

		if (t->live && tree_stat(t, path, &st) && S_ISREG(st.st_mode) && !st.st_nlink) {
			seen->deleted_files++;
			seen->deleted_bytes += (uint64_t)st.st_blocks * 512;
		}
	}
	tree_names_release(&fds);
}

/* Programs by name, each once, with how often it runs. */
static void count_program(struct value *programs, const char *name)
{
	struct value *n = value_find(programs, name);

	if (n)
		value_count(n);
	else
		put_u64(programs, name, 1);
}

/* What runs in Java is told by its command line alone. */
static void count_java(const struct tree *t, struct value *programs, const char *pid)
{
	static const char *const names[] = {"elasticsearch", "opensearch", "cassandra", "kafka", "zookeeper", "hadoop"};
	AUTO_FREE char *path = xasprintf("/proc/%s/cmdline", pid);
	AUTO_CLOSE int fd = tree_fd(t, path, O_RDONLY);
	char line[16384];
	ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;

	for (ssize_t i = 0; i < n; i++)
		line[i] = line[i] ? line[i] : ' ';
	line[MAX(n, (ssize_t)0)] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasestr(line, names[i])) {
			count_program(programs, names[i]);
			return;
		}
}

void probe_processes(const struct tree *t, struct value *s)
{
	struct seen seen = {.programs = put_object(s, "programs")};
	struct tree_names pids;

	if (!tree_list(t, "/proc", &pids))
		put_unknown(s, "programs", "/proc", errno);
	for (size_t i = 0; i < pids.count; i++) {
		AUTO_FREE char *path = xasprintf("/proc/%s/comm", pids.names[i]),
			       *exe = xasprintf("/proc/%s/exe", pids.names[i]);
		AUTO_FREE char *name = isdigit((unsigned char)pids.names[i][0]) ? tree_line(t, path) : NULL;
		AUTO_FREE char *to = name ? tree_link(t, exe) : NULL;

		if (!name || (!to && t->live && errno == ENOENT)) /* a thread of the kernel's */
			continue;
		count_program(seen.programs, name);
		if (str_eq(name, "java"))
			count_java(t, seen.programs, pids.names[i]);
		look_at_files(t, pids.names[i], &seen);
	}
	tree_names_release(&pids);
	put_u64(s, "deleted_open_files", seen.deleted_files);
	put_u64(s, "deleted_open_bytes", seen.deleted_bytes);
	if (seen.hidden)
		put_unknown(s, "deleted_open_bytes", "the files of some processes may not be looked at", EACCES);
}
