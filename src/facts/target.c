/* The directory that a copy goes to: what it is, what there is room for, what is in it, and what is mounted beneath it. */
#include "base/path.h"
#include "facts/apart.h"
#include "facts/inuse.h"
#include "facts/mountinfo.h"
#include "facts/probes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NAMES_MAX 1000 /* of what is in it, so many are looked at */
#define LEVELS 3
#define OWN_MAX 16
#define OWN_PREFIX ".rehost.tmp"
#define MOUNTS_MAX 4096

/* What a process of its own has found out of one directory. */
struct look {
	struct statvfs fs;
	dev_t dev;
	unsigned entries, seen;
	bool others, hidden; /* hidden: a directory could not be looked into */
	unsigned own_count;
	char own[OWN_MAX][NAME_MAX + 1];
};

static bool is_own(const char *name)
{
	return strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0;
}

static void look_into(struct look *l, int fd, unsigned level);

static void look_at(struct look *l, int dir, const char *name, unsigned level)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	l->others = l->others || !S_ISDIR(st.st_mode);
	if (!S_ISDIR(st.st_mode) || st.st_dev != l->dev || level == LEVELS)
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		look_into(l, fd, level + 1);
	else
		l->hidden = true;
}

/* Takes over fd. */
static void look_into(struct look *l, int fd, unsigned level)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;

	while (dir && l->seen < NAMES_MAX && (e = readdir(dir))) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (level == 1 && is_own(e->d_name)) {
			if (l->own_count < OWN_MAX)
				strcpy(l->own[l->own_count++], e->d_name);
			continue;
		}
		if (level == 1 && str_eq(e->d_name, "lost+found"))
			continue;
		l->seen++;
		look_at(l, dirfd(dir), e->d_name, level);
	}
	if (dir)
		closedir(dir);
	else
		close(fd);
}

/* Of the directory itself, however much its first ones hold. */
static unsigned count_entries(int fd)
{
	DIR *dir = fdopendir(fd);
	unsigned n = 0;
	struct dirent *e;

	while (dir && n < NAMES_MAX && (e = readdir(dir)))
		n += !str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") && !str_eq(e->d_name, "lost+found") &&
			!is_own(e->d_name);
	if (dir)
		closedir(dir);
	else
		close(fd);
	return n;
}

static int look(const void *path, struct buf *out)
{
	struct look *l = xcalloc(1, sizeof(*l));
	struct stat st;
	int fd;

	if (statvfs(path, &l->fs) < 0 || stat(path, &st) < 0)
		return errno;
	l->dev = st.st_dev;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		look_into(l, fd, 1);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		l->entries = fd >= 0 ? count_entries(fd) : 0;
	} else {
		l->hidden = true;
	}
	buf_append(out, l, sizeof(*l));
	return 0;
}

static void put_space(struct value *o, const struct look *l)
{
	const struct statvfs *v = &l->fs;

	put_u64(o, "bytes_total", (uint64_t)v->f_blocks * v->f_frsize);
	put_u64(o, "bytes_available", (uint64_t)v->f_bavail * v->f_frsize);
	put_u64(o, "bytes_used", (uint64_t)(v->f_blocks - v->f_bfree) * v->f_frsize);
	put_u64(o, "inodes_total", v->f_files);
	put_u64(o, "inodes_free", v->f_ffree);
	put_bool(o, "read_only", v->f_flag & ST_RDONLY);
}

static void put_names(struct value *o, const struct look *l)
{
	struct value *own;

	put_u64(o, "entries", l->entries);
	if (l->others || !l->hidden)
		put_bool(o, "others", l->others);
	else
		put_null(o, "others");
	if (l->hidden && !l->others)
		put_unknown(o, "others", "not every directory in it may be looked into", 0);
	own = put_array(o, "temporaries");
	for (unsigned i = 0; i < l->own_count; i++)
		add_text(own, l->own[i]);
}

/* held: the directory itself is there, and what it holds counts. False: nothing is known of it. */
static bool put_look(struct value *o, const char *path, bool held)
{
	const struct look none = {};
	AUTO_BUF b = BUF_INIT;
	int err = apart(look, path, &b);

	if (!err && b.len != sizeof(none))
		err = EIO;
	if (err) {
		put_null(o, "bytes_total");
		put_unknown(o, "bytes_total", path, err);
		return false;
	}
	put_space(o, (const struct look *)(void *)b.data);
	put_names(o, held ? (const struct look *)(void *)b.data : &none);
	return true;
}

/* ---- mounts ---- */

struct place {
	char *path, *device, *dev, *type;
};

struct places {
	struct place all[MOUNTS_MAX];
	size_t count;
	struct place own; /* that on which the directory lies */
};

static void place_set(struct place *p, const struct mounted *m)
{
	free(p->path);
	free(p->device);
	free(p->dev);
	free(p->type);
	*p = (struct place){xstrdup(m->path), xstrdup(m->source), xstrdup(m->dev), xstrdup(m->type)};
}

/* A later mount of the same place covers the one before. */
static struct place *place_for(struct places *all, const char *path)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_eq(all->all[i].path, path))
			return &all->all[i];
	return all->count < MOUNTS_MAX ? &all->all[all->count++] : NULL;
}

/* The rest when path lies beneath dir, "" when it is that; NULL when it is elsewhere. */
static const char *beneath(const char *dir, const char *path)
{
	size_t n = str_eq(dir, "/") ? 0 : strlen(dir);

	if (strncmp(dir, path, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path + n + strspn(path + n, "/");
}

static void places_find(struct places *out, struct mountinfo *info, const char *dir)
{
	struct mounted m;

	while (mountinfo_next(info, &m)) {
		const char *rest = beneath(dir, m.path);

		if (beneath(m.path, dir) && (!out->own.path || beneath(out->own.path, m.path)))
			place_set(&out->own, &m);
		if (rest && *rest) {
			struct place *p = place_for(out, m.path);

			if (p)
				place_set(p, &m);
		}
	}
}

static void places_free(struct places *p)
{
	for (size_t i = 0; i <= p->count; i++) {
		struct place *one = i < p->count ? &p->all[i] : &p->own;

		free(one->path);
		free(one->device);
		free(one->dev);
		free(one->type);
	}
	free(p);
}

static void put_place(struct value *o, const struct place *p)
{
	put_text(o, "device", p->device);
	put_text(o, "dev", p->dev);
	put_text(o, "type", p->type);
}

static void put_mounts(struct value *s, const struct places *all, const char *dir)
{
	struct value *list = put_array(s, "mounts");

	for (size_t i = 0; i < all->count; i++) {
		const struct place *p = &all->all[i];
		struct value *o = add_object(list);

		put_text(o, "path", beneath(dir, p->path));
		put_place(o, p);
		if (!str_eq(p->type, "autofs")) /* a look would mount it */
			put_look(o, p->path, true);
	}
}

/* ---- who we are there ---- */

/* "0 0 4294967295" and no more: owners are what they seem. */
static void put_rights(const struct tree *t, struct value *s)
{
	AUTO_FREE char *map = tree_read(t, "/proc/self/uid_map", 65536);
	unsigned first = 1, outside = 1, count = 0;

	put_u64(s, "euid", geteuid());
	if (map)
		put_bool(s, "uid_map_whole",
			sscanf(map, "%u %u %u", &first, &outside, &count) == 3 && !first && !outside &&
				count == UINT32_MAX);
	else if (errno == ENOENT) /* a kernel without user namespaces */
		put_bool(s, "uid_map_whole", true);
	else
		put_null(s, "uid_map_whole");
}

/* ---- the directory ---- */

/* Where there is something on the way to path: without links, to be freed; out_rest is what is missing behind it. */
static char *nearest(const char *path, char **out_rest)
{
	AUTO_FREE char *at = xstrdup(path);
	char *real;

	*out_rest = xstrdup("");
	while (!(real = realpath(at, NULL)) && (errno == ENOENT || errno == ENOTDIR) && *at) {
		char *slash = strrchr(at, '/'), *name = slash ? slash + 1 : at;
		char *rest = path_join(name, *out_rest);

		free(*out_rest);
		*out_rest = rest;
		if (slash && slash != at)
			*slash = '\0';
		else
			strcpy(at, slash ? "/" : ".");
	}
	return real;
}

static void put_directory(const struct tree *t, struct value *s, const char *real, const char *rest)
{
	struct places *places = xcalloc(1, sizeof(*places));
	AUTO_FREE char *whole = *rest ? xasprintf("%s/%s", str_eq(real, "/") ? "" : real, rest) : xstrdup(real);
	struct mountinfo info;
	struct stat st, root;

	put_text(s, "resolved", whole);
	put_bool(s, "exists", !*rest);
	if (*rest)
		put_text(s, "parent", real);
	put_bool(s, "directory", !*rest && stat(real, &st) == 0 && S_ISDIR(st.st_mode));
	put_bool(s, "live",
		!*rest && stat(real, &st) == 0 && stat("/", &root) == 0 && st.st_dev == root.st_dev &&
			st.st_ino == root.st_ino);
	if (mountinfo_open(&info, t))
		places_find(places, &info, real);
	else
		put_unknown(s, "mounts", "/proc/self/mountinfo", errno);
	put_place(s, &places->own);
	put_look(s, real, !*rest);
	if (*rest)
		put_array(s, "mounts");
	else
		put_mounts(s, places, real);
	if (!*rest && !str_eq(real, "/"))
		put_in_use(t, s, real);
	mountinfo_release(&info);
	places_free(places);
}

void probe_target(const struct tree *t, struct value *s)
{
	AUTO_FREE char *rest = NULL;
	AUTO_FREE char *real = nearest(t->target, &rest);

	put_text(s, "path", t->target);
	if (real) {
		put_directory(t, s, real, rest);
	} else {
		put_null(s, "exists");
		put_unknown(s, "exists", NULL, errno);
	}
	put_rights(t, s);
}
