/* Control groups as directories and files: what both versions have in common. */
#include "limits/private.h"
#include "base/clock.h"
#include "base/fd.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAGIC_V1 0x27e0eb
#define MAGIC_V2 0x63677270
#define DEPTH_MAX 24 /* of groups, when leftovers are looked for */
#define REMOVE_NS (2 * NS_PER_S) /* a process that was killed may take so long to be gone */

char *cg_path(const struct cg *c, const char *rel, const char *file)
{
	return file ? xasprintf("%s%s/%s", c->mount, rel, file) : xasprintf("%s%s", c->mount, rel);
}

static bool is_fs(const char *dir, long magic)
{
	struct statfs s;

	return statfs(dir, &s) == 0 && (long)s.f_type == magic;
}

static bool has_file(const char *dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);

	return access(path, F_OK) == 0;
}

/* A test's tree is of no kind of its own: there the files tell. */
bool cg_is_v2(const struct group_place *p, const char *dir)
{
	return p->root ? has_file(dir, "cgroup.controllers") : is_fs(dir, MAGIC_V2);
}

bool cg_is_v1(const struct group_place *p, const char *dir)
{
	return p->root ? has_file(dir, "cgroup.procs") && !cg_is_v2(p, dir) : is_fs(dir, MAGIC_V1);
}

bool cg_systemd_runs(const struct group_place *p)
{
	return !p->root && access("/run/systemd/system", F_OK) == 0;
}

char *cg_v2_mount(const struct group_place *p)
{
	const char *root = p->root ? p->root : ROOT_DEFAULT;
	AUTO_FREE char *unified = xasprintf("%s/unified", root);

	if (cg_is_v2(p, root))
		return xstrdup(root);
	return cg_is_v2(p, unified) ? STEAL(unified) : NULL;
}

static bool names(const char *list, size_t n, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list, *end = list + n; p <= end; p++) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t have = (size_t)((comma ? comma : end) - p);
		if (have == len && memcmp(p, word, len) == 0)
			return true;
		p += have;
	}
	return false;
}

/* Lines are "ID:CONTROLLERS:PATH"; that of version 2 is "0::PATH". */
char *cg_home(const struct group_place *p, const char *mount, const char *controller)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *dir = NULL;
	char *found = NULL;
	size_t n;

	if (fd_read_file(AT_FDCWD, p->self ? p->self : "/proc/self/cgroup", 65536, &text, NULL) < 0)
		return xstrdup("");
	for (char *line = text, *end; *line && !found; line = end + (*end != '\0')) {
		char *first, *second;
		end = strchrnul(line, '\n');
		first = memchr(line, ':', (size_t)(end - line));
		second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
		if (second && names(first + 1, (size_t)(second - first - 1), controller))
			found = xasprintf("%.*s", (int)(end - second - 1), second + 1);
	}
	if (!found)
		return xstrdup("");
	for (n = strlen(found); n && found[n - 1] == '/'; n--)
		found[n - 1] = '\0';
	dir = xasprintf("%s%s", mount, found);
	/* Of a container that sees its own part only, or from outside of this namespace: the top of what there is. */
	if (strstr(found, "/..") || access(dir, F_OK) < 0)
		*found = '\0';
	return found;
}

/* ---- by files ---- */

static int write_value(const char *path, const char *value, bool create)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);

	if (fd < 0)
		return errno;
	return write(fd, value, strlen(value)) < 0 ? errno : 0;
}

static int files_make(const struct cg *c)
{
	AUTO_FREE char *path = cg_path(c, c->rel, NULL);
	AUTO_FREE char *above = xstrdup(path);

	*strrchr(above, '/') = '\0';
	for (unsigned tries = 0; tries < 100; tries++) { /* another job's end may remove what is above */
		if (mkdir(above, 0755) < 0 && errno != EEXIST)
			return errno;
		if (mkdir(path, 0755) == 0)
			return 0;
		if (errno != ENOENT)
			return errno;
	}
	return ENOENT;
}

static int files_set(const struct cg *c, const char *file, const char *value)
{
	AUTO_FREE char *path = cg_path(c, c->rel, file);

	return write_value(path, value, c->fake);
}

static int files_attach(const struct cg *c, const char *rel, pid_t pid)
{
	AUTO_FREE char *path = cg_path(c, rel, "cgroup.procs");
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return write_value(path, text, c->fake);
}

static int files_remove(const struct cg *c)
{
	AUTO_FREE char *path = cg_path(c, c->rel, NULL);

	return rmdir(path) < 0 ? errno : 0;
}

const struct cg_ops cg_files = {files_make, files_set, files_attach, files_remove};

/* ---- entering and leaving ---- */

char *cg_job_name(const char *job)
{
	char *name = xasprintf("%.100s", job);

	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			*p = '_';
	return name;
}

/* The parent of a process, 0 when it is gone. */
static pid_t parent_of(pid_t pid)
{
	AUTO_FREE char *path = xasprintf("/proc/%d/stat", (int)pid);
	AUTO_FREE char *text = NULL;
	const char *p;
	int parent;

	if (fd_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return 0;
	p = strrchr(text, ')'); /* the name before it may hold anything */
	return p && sscanf(p + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool descends(pid_t pid, pid_t from)
{
	for (unsigned depth = 0; pid > 1 && depth < 64; depth++) {
		if (pid == from)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

int cg_each_own(pid_t first, int (*fn)(void *arg, pid_t pid), void *arg)
{
	pid_t self = getpid();
	int err = fn(arg, self);
	struct dirent *d;
	DIR *proc;

	if (err)
		return err;
	if (first)
		fn(arg, first);
	/* What runs already, when limits come while it runs. Whoever is missed was just being born inside. */
	proc = opendir("/proc");
	while (proc && (d = readdir(proc))) {
		pid_t pid = (pid_t)atoi(d->d_name);
		if (pid > 1 && pid != self && descends(pid, self))
			fn(arg, pid);
	}
	if (proc)
		closedir(proc);
	return 0;
}

static int attach(void *arg, pid_t pid)
{
	const struct cg *c = arg;

	return c->ops->attach(c, c->rel, pid);
}

static int make_and_enter(struct cg *c)
{
	int err = c->ops->make(c);

	if (err)
		return err;
	c->made = true;
	err = cg_each_own(c->first, attach, c);
	if (err)
		cg_leave(c);
	return err;
}

int cg_enter(struct cg *c, const char *base, const char *job)
{
	AUTO_FREE char *name = cg_job_name(job);
	int err = EEXIST;

	/* A number may stand for another process in another namespace: then there is such a group already, or ours was
	 * taken for one that was left. */
	for (unsigned i = 0; (err == EEXIST || err == ENOENT) && i < 100; i++) {
		free(c->rel);
		c->rel = i ? xasprintf("%s/rehost/%s.%d.%u", base, name, (int)getpid(), i)
			   : xasprintf("%s/rehost/%s.%d", base, name, (int)getpid());
		err = make_and_enter(c);
	}
	if (err)
		free(STEAL(c->rel));
	return err;
}

void cg_leave(struct cg *c)
{
	int64_t until = clock_mono_ns() + REMOVE_NS;
	AUTO_FREE char *above = NULL;

	if (!c->made)
		return;
	c->made = false;
	c->ops->attach(c, c->home, getpid());
	if (c->first)
		c->ops->attach(c, c->home, c->first);
	while (c->ops->remove(c) == EBUSY && clock_mono_ns() < until)
		usleep(10000);
	above = cg_path(c, c->rel, NULL);
	*strrchr(above, '/') = '\0';
	rmdir(above); /* of the last job */
}

void cg_release(struct cg *c)
{
	free(c->mount);
	free(c->home);
	free(c->rel);
	*c = (struct cg){};
}

/* ---- what both versions set ---- */

uint64_t cg_cpu_quota_us(unsigned percent, long cpus)
{
	uint64_t us = (uint64_t)percent * (uint64_t)cpus * (CG_PERIOD_US / 100);

	return MAX(us, (uint64_t)CG_PERIOD_US / 5);
}

/* ---- leftovers ---- */

/* "JOB.PID" or "JOB.PID.N", whose process is gone. */
static bool is_left(const char *name)
{
	const char *dot = strchr(name, '.');
	int pid;

	return dot && sscanf(dot + 1, "%d", &pid) == 1 && pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

static void sweep_dir(const char *path, unsigned depth)
{
	const char *base = strrchr(path, '/');
	bool ours = base && str_eq(base + 1, "rehost");
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		AUTO_FREE char *sub = NULL;
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		sub = xasprintf("%s/%s", path, d->d_name);
		if (ours && is_left(d->d_name))
			rmdir(sub); /* the kernel refuses when a process is in it */
		else if (!ours && depth < DEPTH_MAX)
			sweep_dir(sub, depth + 1);
	}
	if (dir)
		closedir(dir);
	if (ours)
		rmdir(path);
}

void group_sweep(const struct group_place *place)
{
	static const char *const controllers[] = {"cpu", "memory", "blkio"};
	AUTO_FREE char *mount = cg_v2_mount(place);

	if (mount)
		sweep_dir(mount, 0);
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		AUTO_FREE char *dir = xasprintf("%s/%s", place->root ? place->root : ROOT_DEFAULT, controllers[i]);
		if (cg_is_v1(place, dir))
			sweep_dir(dir, 0);
	}
}
