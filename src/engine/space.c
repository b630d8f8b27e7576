#include "engine/space.h"
#include "engine/coordinator.h"
#include "engine/sources.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void space_begin(struct engine *e)
{
	e->totals.space = xcalloc(e->plan.chosen_count, sizeof(*e->totals.space));
}

void space_anew(struct engine *e)
{
	memset(e->totals.space, 0, e->plan.chosen_count * sizeof(*e->totals.space));
}

void space_count(struct engine *e, uint32_t mount, const struct ipc_unit_done *m)
{
	struct space_count *s = &e->totals.space[mount];

	s->taken += m->space;
	s->holes += m->holes;
	s->left_out += m->left_out;
}

/* ---- the end ---- */

static bool is_wanted(const struct engine *e)
{
	return e->job->want_space && e->job->kind == JOB_COPY && e->totals.space && !e->stop;
}

/* Subvolumes of one btrfs share what is in use. */
static bool same_fs(const struct mount *a, const struct mount *b)
{
	return str_eq(a->source, b->source) && str_eq(a->fstype, b->fstype) && *a->source == '/';
}

/* The entry of the mount's file system; a new one for the first of its mounts. */
static struct fs_space *entry_of(struct engine *e, const struct mount *m, size_t *of)
{
	struct summary *s = e->out;
	const size_t i = (size_t)(m - e->plan.chosen);

	for (size_t k = 0; k < i; k++)
		if (same_fs(&e->plan.chosen[k], m)) {
			of[i] = of[k];
			return &s->space[of[k]];
		}
	of[i] = s->space_len;
	s->space[s->space_len] = (struct fs_space){.path = xstrdup(m->path),
		.fstype = xstrdup(m->fstype),
		.whole = (*m->rel || mounts_whole(m->path)) && !sources_excluded(e->rules, m->rel, true),
		.used_before = m->used_bytes};
	return &s->space[s->space_len++];
}

static void add_mount(struct engine *e, size_t i, size_t *of)
{
	const struct mount *m = &e->plan.chosen[i];
	const struct space_count *c = &e->totals.space[i];
	struct fs_space *s = entry_of(e, m, of);
	struct statvfs now;

	if (fstatvfs(m->fd, &now) == 0)
		s->used = (uint64_t)(now.f_blocks - now.f_bfree) * now.f_frsize;
	s->copied += c->taken;
	s->holes += c->holes;
	s->left_out += c->left_out;
}

static void add_hidden_at(struct engine *e, const char *path, const size_t *of)
{
	struct mount_hidden h;

	if (mounts_hidden(&e->plan, path, &h))
		e->out->space[of[h.mount]].hidden += h.space;
}

static void add_hidden(struct engine *e, const size_t *of)
{
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		if (*e->plan.chosen[i].rel)
			add_hidden_at(e, e->plan.chosen[i].path, of);
	for (size_t i = 0; i < e->plan.fence_count && !e->job->conf->source.copy_hidden; i++) {
		AUTO_FREE char *path =
			xasprintf("%s/%s", str_eq(e->plan.root, "/") ? "" : e->plan.root, e->plan.fences[i].rel);
		if (!e->plan.fences[i].lost)
			add_hidden_at(e, path, of);
	}
}

/* ---- what was deleted and is still open ---- */

struct gone {
	uint64_t dev, ino;
};

static void add_gone(struct engine *e, const struct stat *st, struct buf *seen, const size_t *of)
{
	const struct gone g = {st->st_dev, st->st_ino};

	for (size_t at = 0; at < seen->len; at += sizeof(g))
		if (memcmp(seen->data + at, &g, sizeof(g)) == 0) /* open more than once */
			return;
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		if (e->plan.chosen[i].dev == st->st_dev) {
			buf_append(seen, &g, sizeof(g));
			e->out->space[of[i]].deleted += (uint64_t)st->st_blocks * 512;
			return;
		}
}

static void look_at_process(struct engine *e, int proc, const char *pid, struct buf *seen, const size_t *of)
{
	AUTO_FREE char *path = xasprintf("%s/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *d;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((d = readdir(dir))) {
		struct stat st;

		if (isdigit((unsigned char)*d->d_name) && fstatat(dirfd(dir), d->d_name, &st, 0) == 0 &&
			S_ISREG(st.st_mode) && !st.st_nlink)
			add_gone(e, &st, seen, of);
	}
	closedir(dir);
}

static void add_deleted(struct engine *e, const size_t *of)
{
	DIR *dir = opendir("/proc");
	AUTO_BUF seen = BUF_INIT;
	const struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (isdigit((unsigned char)*d->d_name))
			look_at_process(e, dirfd(dir), d->d_name, &seen, of);
	if (dir)
		closedir(dir);
}

void space_conclude(struct engine *e)
{
	AUTO_FREE size_t *of = NULL;

	if (!is_wanted(e))
		return;
	of = xcalloc(e->plan.chosen_count, sizeof(*of));
	e->out->space = xcalloc(e->plan.chosen_count, sizeof(*e->out->space));
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		add_mount(e, i, of);
	add_hidden(e, of);
	add_deleted(e, of);
	for (size_t i = 0; i < e->out->space_len; i++)
		if (!e->out->space[i].whole) /* of how much of it belongs to this part, nothing is known */
			e->out->space[i].deleted = 0;
}
