#include "limits/private.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const struct backend {
	enum conf_backend kind;
	const char *name;
	bool (*open)(struct group *g, const char *job, unsigned parts, struct buf *out_why);
} backends[] = {
	{CONF_BACKEND_SYSTEMD, "systemd", scope_open},
	{CONF_BACKEND_CGROUP2, "cgroup2", group2_open},
	{CONF_BACKEND_CGROUP1, "cgroup1", group1_open},
};

const char *group_backends(void)
{
	return
#ifdef REHOST_SYSTEMD
		"systemd "
#endif
		"cgroup2 "
#ifdef REHOST_LIBCGROUP
		"cgroup1 (libcgroup)";
#else
		"cgroup1";
#endif
}

static struct group *try(
	const struct backend *b, const char *job, unsigned parts, const struct group_place *place, struct buf *out_why)
{
	struct group *g = xcalloc(1, sizeof(*g));
	size_t before = out_why->len;

	g->kind = b->kind;
	g->place = *place;
	if (out_why->len)
		buf_append_str(out_why, "; ");
	buf_printf(out_why, "%s: ", b->name);
	if (b->open(g, job, parts, out_why)) {
		out_why->len = before;
		return g;
	}
	group_close(g);
	return NULL;
}

struct group *group_open(enum conf_backend backend, const char *job, unsigned parts, const struct group_place *place,
	struct buf *out_why)
{
	bool own = backend == CONF_BACKEND_AUTO && group2_delegated(place);
	struct group *g = own ? try(&backends[1], job, parts, place, out_why) : NULL;

	for (size_t i = 0; !g && i < ARRAY_LEN(backends); i++)
		if (backend == CONF_BACKEND_AUTO ? !(own && i == 1) : backend == backends[i].kind)
			g = try(&backends[i], job, parts, place, out_why);
	return g;
}

void group_close(struct group *g)
{
	AUTO_BUF ignored = BUF_INIT;

	if (!g)
		return;
	if (g->kind == CONF_BACKEND_SYSTEMD && g->unit) /* it ends with its last process; hooks come first */
		scope_set(g, &(struct group_values){}, &ignored);
	if (g->kind == CONF_BACKEND_CGROUP2)
		group2_close(g);
	for (int i = 0; i < SLOTS; i++) {
		if (g->slots[i].made)
			cg_leave(&g->slots[i]);
		cg_release(&g->slots[i]);
	}
	for (size_t i = 0; i < g->disk_count; i++)
		free(g->disks[i]);
	free(g->disks);
	free(g->name);
	free(g->unit);
	free(g->base);
	free(g);
}

const char *group_name(const struct group *g)
{
	return g->name;
}

static void remember_disks(struct group *g, const char *const *disks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool known = false;
		for (size_t k = 0; k < g->disk_count; k++)
			known = known || str_eq(g->disks[k], disks[i]);
		if (known)
			continue;
		g->disks = xrealloc(g->disks, (g->disk_count + 1) * sizeof(*g->disks));
		g->disks[g->disk_count++] = xstrdup(disks[i]);
	}
}

static unsigned parts_of(const struct group_values *v)
{
	return (v->cpu ? GROUP_CPU : 0) | (v->memory ? GROUP_MEMORY : 0) | (v->io_read ? GROUP_IO_READ : 0) |
		(v->io_write ? GROUP_IO_WRITE : 0);
}

unsigned group_set(struct group *g, const struct group_values *v, struct buf *out_why)
{
	unsigned wanted = parts_of(v), held = 0;

	remember_disks(g, v->read_disks, v->read_count);
	remember_disks(g, v->write_disks, v->write_count);
	if (g->kind == CONF_BACKEND_SYSTEMD)
		return scope_set(g, v, out_why);
	for (unsigned part = GROUP_CPU; part <= GROUP_IO_WRITE; part <<= 1) {
		const char *what;
		int err;
		if (!((wanted | g->set) & part))
			continue;
		err = g->version == 1 ? group1_set(g, part, v, &what) : group2_set(g, part, v, &what);
		if (!err)
			held |= part & wanted;
		else if (wanted & part)
			buf_printf(out_why, "%scontroller '%s': %s", out_why->len ? "; " : "", what,
				err == ENOSYS ? "it is not there" : strerror(err));
	}
	g->set |= wanted;
	return held;
}

/* ---- usage ---- */

/* The sum of those lines "KEY NUMBER" of a file whose key is listed; false when none is there. */
static bool sum_of(const struct cg *c, const char *file, const char *const *keys, uint64_t *out)
{
	AUTO_FREE char *path = cg_path(c, c->rel, file);
	AUTO_FREE char *text = NULL;
	bool any = false;

	*out = 0;
	if (fd_read_file(AT_FDCWD, path, 65536, &text, NULL) < 0)
		return false;
	for (char *save, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(line, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		for (size_t i = 0; keys[i]; i++)
			if (str_eq(line, keys[i])) {
				*out += strtoull(blank + 1, NULL, 10);
				any = true;
			}
	}
	return any;
}

static bool number_in(const struct cg *c, const char *file, uint64_t *out)
{
	AUTO_FREE char *path = cg_path(c, c->rel, file);
	AUTO_FREE char *text = NULL;

	if (fd_read_file(AT_FDCWD, path, 64, &text, NULL) < 0)
		return false;
	*out = strtoull(text, NULL, 10);
	return true;
}

bool group_usage(const struct group *g, struct group_usage *out)
{
	static const char *const v1[] = {"total_rss", "total_shmem", NULL};
	static const char *const v2[] = {
		"anon", "shmem", "kernel_stack", "pagetables", "slab_unreclaimable", "sock", NULL};
	static const char *const kills[] = {"oom_kill", NULL};
	bool two = g->version == 2;
	const struct cg *c = &g->slots[two ? SLOT_PSI : SLOT_MEMORY];

	*out = (struct group_usage){};
	if (!c->rel || !number_in(c, two ? "memory.current" : "memory.usage_in_bytes", &out->memory))
		return false;
	if (!sum_of(c, "memory.stat", two ? v2 : v1, &out->unreclaimable))
		return false;
	sum_of(c, two ? "memory.events" : "memory.oom_control", kills, &out->oom_kills); /* not on old kernels */
	return true;
}

const char *group_psi_dir(const struct group *g, const char **out_mount)
{
	const struct cg *c = &g->slots[SLOT_PSI];

	*out_mount = c->mount;
	return c->rel;
}
