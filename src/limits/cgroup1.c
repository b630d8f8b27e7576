/* Control groups of version 1: one hierarchy a controller. */
#include "limits/private.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Controllers may be mounted together ("cpu,cpuacct", and links to it): then the group is the same. */
static bool shared(struct group *g, struct cg *c)
{
	AUTO_FREE char *real = realpath(c->mount, NULL);

	for (int i = 0; i < SLOTS; i++) {
		const struct cg *o = &g->slots[i];
		AUTO_FREE char *other = o->rel ? realpath(o->mount, NULL) : NULL;
		if (real && other && str_eq(real, other)) {
			c->rel = xstrdup(o->rel);
			return true;
		}
	}
	return false;
}

/* mount is taken. False when it is no such hierarchy, or no group can be made: then out_why is said. */
static bool enter(
	struct group *g, enum slot s, const char *controller, char *mount, const char *job, struct buf *out_why)
{
	struct cg c = {.ops = &cg_files,
		.controller = controller,
		.mount = mount,
		.first = g->place.first,
		.fake = g->place.root};
	int err;

#ifdef REHOST_LIBCGROUP
	if (s != SLOT_PSI && !c.fake && cg_lib_usable())
		c.ops = &cg_lib;
#endif
	c.home = cg_home(&g->place, mount, controller);
	if (!shared(g, &c)) {
		err = cg_enter(&c, c.home, job);
		if (err) {
			buf_printf(out_why, "'%s%s': %s", mount, c.home, strerror(err));
			cg_release(&c);
			return false;
		}
	}
	g->slots[s] = c;
	if (!g->name)
		g->name = xasprintf("control group (version 1) '%s'", c.rel + 1);
	return true;
}

bool group1_open(struct group *g, const char *job, unsigned parts, struct buf *out_why)
{
	static const char *const controllers[] = {[SLOT_CPU] = "cpu", [SLOT_MEMORY] = "memory", [SLOT_IO] = "blkio"};
	const char *root = g->place.root ? g->place.root : ROOT_DEFAULT;
	AUTO_BUF ignored = BUF_INIT;
	char *unified;

	g->version = 1;
	for (enum slot s = SLOT_CPU; s <= SLOT_IO; s++) {
		char *mount = xasprintf("%s/%s", root, controllers[s]);
		if (!cg_is_v1(&g->place, mount))
			free(mount);
		else if (!enter(g, s, controllers[s], mount, job, out_why))
			return false;
	}
	if (!g->name) {
		buf_printf(out_why, "no controller of version 1 beneath '%s'", root);
		return false;
	}
	/* Version 2 beside it has no controllers, but tells the pressure of groups. */
	unified = cg_v2_mount(&g->place);
	if (unified && !cg_systemd_runs(&g->place))
		enter(g, SLOT_PSI, "", unified, job, &ignored);
	else
		free(unified);
	return true;
}

static int set_io(struct group *g, const char *file, char *const *disks, size_t count, uint64_t rate)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *value = xasprintf("%s %llu", disks[i], (unsigned long long)rate);
		int err = g->slots[SLOT_IO].ops->set(&g->slots[SLOT_IO], file, value);
		if (err)
			return err;
	}
	return 0;
}

static int set_io_part(struct group *g, bool write, const struct group_values *v)
{
	const char *file = write ? "blkio.throttle.write_bps_device" : "blkio.throttle.read_bps_device";
	size_t n = write ? v->write_count : v->read_count;

	set_io(g, file, g->disks, g->disk_count, 0);
	if (!(write ? v->io_write : v->io_read))
		return 0;
	return n ? set_io(g, file, (char *const *)(write ? v->write_disks : v->read_disks), n,
			   write ? v->io_write : v->io_read)
		 : ENODEV;
}

int group1_set(struct group *g, enum group_part part, const struct group_values *v, const char **out_what)
{
	enum slot s = part == GROUP_CPU ? SLOT_CPU : part == GROUP_MEMORY ? SLOT_MEMORY : SLOT_IO;
	const struct cg *c = &g->slots[s];
	char value[32];
	int err;

	*out_what = s == SLOT_CPU ? "cpu" : s == SLOT_MEMORY ? "memory" : "blkio";
	if (!c->rel)
		return ENOSYS;
	if (s == SLOT_IO)
		return set_io_part(g, part == GROUP_IO_WRITE, v);
	if (s == SLOT_MEMORY) {
		snprintf(value, sizeof(value), v->memory ? "%llu" : "-1", (unsigned long long)v->memory);
		return c->ops->set(c, "memory.limit_in_bytes", value);
	}
	if (!v->cpu)
		return c->ops->set(c, "cpu.cfs_quota_us", "-1");
	snprintf(value, sizeof(value), "%u", CG_PERIOD_US);
	err = c->ops->set(c, "cpu.cfs_period_us", value);
	snprintf(value, sizeof(value), "%llu",
		(unsigned long long)cg_cpu_quota_us(v->cpu, sysconf(_SC_NPROCESSORS_ONLN)));
	if (!err)
		err = c->ops->set(c, "cpu.cfs_quota_us", value);
	return err == EINVAL ? 0 : err; /* a group above allows less already */
}
