/* What is mounted and how full it is; what should be (fstab); swap. */
#include "facts/probes.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATVFS_NS 3000000000 /* a dead disk or server answers never */

static struct libmnt_table *table_of(char *text, int (*parse)(struct libmnt_table *, FILE *, const char *))
{
	struct libmnt_table *tab = mnt_new_table();
	FILE *f = text ? fmemopen(text, strlen(text), "r") : NULL;

	if (!tab || !f || parse(tab, f, "table") < 0) {
		mnt_unref_table(tab);
		tab = NULL;
	}
	if (f)
		fclose(f);
	return tab;
}

/* statvfs() in a child: it may hang. 0 or an errno, ETIMEDOUT when it does. */
static int usage_of(const char *path, struct statvfs *out)
{
	const struct timespec soon = {.tv_nsec = 5000000};
	int pair[2], status = 0;
	pid_t pid;

	if (pipe(pair) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		int err = statvfs(path, out) < 0 ? errno : 0;

		_exit(write(pair[1], out, sizeof(*out)) == (ssize_t)sizeof(*out) ? err : EIO);
	}
	close(pair[1]);
	for (int64_t waited = 0; pid > 0 && waited < STATVFS_NS; waited += soon.tv_nsec) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			bool whole = read(pair[0], out, sizeof(*out)) == (ssize_t)sizeof(*out);

			close(pair[0]);
			return WIFEXITED(status) && whole ? WEXITSTATUS(status) : EIO;
		}
		nanosleep(&soon, NULL);
	}
	close(pair[0]);
	if (pid > 0)
		kill(pid, SIGKILL);
	return pid > 0 ? ETIMEDOUT : EAGAIN;
}

/* Those that are triggered by a look are not looked at. */
static void put_usage(const struct tree *t, cJSON *m, const char *path, const char *type)
{
	struct statvfs v;
	int err;

	if (!t->live || str_eq(type, "autofs")) {
		put_null(m, "size");
		return;
	}
	err = usage_of(path, &v);
	if (err) {
		put_null(m, "size");
		put_unknown(m, "size", NULL, err);
		return;
	}
	put_u64(m, "size", (uint64_t)v.f_blocks * v.f_frsize);
	put_u64(m, "used", (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize);
	put_u64(m, "available", (uint64_t)v.f_bavail * v.f_frsize);
	put_u64(m, "inodes", v.f_files);
	put_u64(m, "inodes_free", v.f_ffree);
	put_bool(m, "read_only", v.f_flag & ST_RDONLY);
}

static void put_fs(cJSON *m, struct libmnt_fs *fs)
{
	put_text(m, "type", mnt_fs_get_fstype(fs));
	put_text(m, "source", mnt_fs_get_source(fs));
	put_text(m, "options", mnt_fs_get_options(fs));
}

static void put_mounted(const struct tree *t, cJSON *s)
{
	AUTO_FREE char *text = tree_read(t, "/proc/self/mountinfo", 16 << 20);
	struct libmnt_table *tab = table_of(text, mnt_table_parse_stream);
	struct libmnt_iter *it = mnt_new_iter(MNT_ITER_FORWARD);
	cJSON *list = put_array(s, "mounted");
	struct libmnt_fs *fs;

	if (!tab)
		put_unknown(s, "mounted", "/proc/self/mountinfo", text ? 0 : errno);
	while (tab && mnt_table_next_fs(tab, it, &fs) == 0) {
		const char *path = mnt_fs_get_target(fs), *type = mnt_fs_get_fstype(fs);
		cJSON *m = cJSON_CreateObject();
		dev_t dev = mnt_fs_get_devno(fs);
		char number[32];

		snprintf(number, sizeof(number), "%u:%u", major(dev), minor(dev));
		put_text(m, "path", path);
		put_text(m, "root", mnt_fs_get_root(fs));
		put_text(m, "dev", number);
		put_fs(m, fs);
		put_usage(t, m, path ? path : "/", type ? type : "");
		cJSON_AddItemToArray(list, m);
	}
	mnt_free_iter(it);
	mnt_unref_table(tab);
}

static void put_fstab(const struct tree *t, cJSON *s)
{
	AUTO_FREE char *text = tree_read(t, "/etc/fstab", 1 << 20);
	struct libmnt_table *tab = table_of(text && *text ? text : NULL, mnt_table_parse_stream);
	struct libmnt_iter *it = mnt_new_iter(MNT_ITER_FORWARD);
	cJSON *list = put_array(s, "fstab");
	struct libmnt_fs *fs;

	if (!text)
		put_unknown(s, "fstab", NULL, errno);
	else if (!tab && *text)
		put_unknown(s, "fstab", "it cannot be understood", 0);
	while (tab && mnt_table_next_fs(tab, it, &fs) == 0) {
		cJSON *m = cJSON_CreateObject();

		put_text(m, "path", mnt_fs_get_target(fs));
		put_fs(m, fs);
		put_u64(m, "pass", (uint64_t)MAX(mnt_fs_get_passno(fs), 0));
		cJSON_AddItemToArray(list, m);
	}
	mnt_free_iter(it);
	mnt_unref_table(tab);
}

/* "Filename Type Size Used Priority", sizes in KiB, and a line each. */
static void put_swaps(const struct tree *t, cJSON *s)
{
	AUTO_FREE char *text = tree_read(t, "/proc/swaps", 1 << 20);
	cJSON *list = put_array(s, "swaps");
	char *save = NULL;
	bool head = true;

	if (!text)
		put_unknown(s, "swaps", "/proc/swaps", errno);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		char *words = NULL, *name, *type, *size;
		cJSON *m;

		if (head) {
			head = false;
			continue;
		}
		name = strtok_r(line, " \t", &words);
		type = strtok_r(NULL, " \t", &words);
		size = strtok_r(NULL, " \t", &words);
		if (!size)
			continue;
		m = cJSON_CreateObject();
		put_text(m, "path", name);
		put_text(m, "type", type);
		put_u64(m, "size", strtoull(size, NULL, 10) * 1024);
		cJSON_AddItemToArray(list, m);
	}
}

void probe_mounts(const struct tree *t, cJSON *s)
{
	put_mounted(t, s);
	put_fstab(t, s);
	put_swaps(t, s);
}
