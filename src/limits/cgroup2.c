/*
 * Control groups of version 2: one hierarchy. A group has either processes or groups with controllers, so rehost's is
 * made beneath one that has no processes but ours: the top of the hierarchy, which is exempt, or a group that is ours
 * alone. Of a hierarchy that systemd manages only what it has given away (Delegate=) is touched.
 */
#include "limits/private.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const controller_of[] = {[SLOT_CPU] = "cpu", [SLOT_MEMORY] = "memory", [SLOT_IO] = "io"};

static bool delegated(const struct cg *c, const char *rel)
{
	AUTO_FREE char *dir = cg_path(c, rel, NULL);
	char value[4] = "";

	return (getxattr(dir, "trusted.delegate", value, sizeof(value)) == 1 ||
		       getxattr(dir, "user.delegate", value, sizeof(value)) == 1) &&
		*value == '1';
}

bool group2_delegated(const struct group_place *p)
{
	struct cg c = {.controller = "", .mount = cg_v2_mount(p)};
	bool is = false;

	if (c.mount && cg_systemd_runs(p)) {
		c.home = cg_home(p, c.mount, "");
		is = *c.home && delegated(&c, c.home);
	}
	cg_release(&c);
	return is;
}

/* The words of a file such as cgroup.controllers. */
static bool lists(const struct cg *c, const char *rel, const char *file, const char *word)
{
	AUTO_FREE char *path = cg_path(c, rel, file);
	AUTO_FREE char *text = NULL;

	if (fd_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return false;
	for (char *save, *w = strtok_r(text, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		if (str_eq(w, word))
			return true;
	return false;
}

static unsigned slots_of(unsigned parts)
{
	return (parts & GROUP_CPU ? 1u << SLOT_CPU : 0) | (parts & GROUP_MEMORY ? 1u << SLOT_MEMORY : 0) |
		(parts & (GROUP_IO_READ | GROUP_IO_WRITE) ? 1u << SLOT_IO : 0);
}

static int control(const struct cg *c, const char *rel, char sign, const char *controller)
{
	struct cg at = {.mount = c->mount, .rel = (char *)rel, .fake = c->fake};
	char text[16];

	snprintf(text, sizeof(text), "%c%s", sign, controller);
	return cg_files.set(&at, "cgroup.subtree_control", text);
}

/* Enables a controller for our group, from base down. */
static int enable(struct group *g, enum slot s)
{
	const struct cg *c = &g->slots[SLOT_PSI];
	AUTO_FREE char *above = xasprintf("%s/rehost", g->base);
	const char *name = controller_of[s];
	int err;

	if (!lists(c, g->base, "cgroup.subtree_control", name)) {
		err = control(c, g->base, '+', name);
		if (err)
			return err;
		g->enabled |= 1u << s;
	}
	return lists(c, above, "cgroup.subtree_control", name) ? 0 : control(c, above, '+', name);
}

static int not_ours(void *arg, pid_t pid)
{
	AUTO_FREE char *line = xasprintf("\n%d\n", (int)pid);
	char *at = strstr(arg, line);

	while (at && *++at != '\n') /* taken off the list */
		*at = ' ';
	return 0;
}

/* No process is in it but those of this job. */
static bool without_others(const struct cg *c, const char *rel)
{
	AUTO_FREE char *path = cg_path(c, rel, "cgroup.procs");
	AUTO_FREE char *text = NULL, *list = NULL;

	if (fd_read_file(AT_FDCWD, path, 1 << 20, &text, NULL) < 0)
		return false;
	list = xasprintf("\n%s", text);
	cg_each_own(c->first, not_ours, list);
	return list[strspn(list, " \n")] == '\0';
}

/* Where our group can be: the nearest to where we are. */
static bool find_base(struct group *g, unsigned slots, struct buf *out_why)
{
	struct cg *c = &g->slots[SLOT_PSI];
	bool managed = cg_systemd_runs(&g->place);

	for (g->base = xstrdup(c->home);; *strrchr(g->base, '/') = '\0') {
		AUTO_FREE char *type = cg_path(c, g->base, "cgroup.type");
		bool top = !*g->base && access(type, F_OK) < 0;

		if (managed ? delegated(c, g->base) : top || !slots || without_others(c, g->base))
			break;
		if (!*g->base) {
			buf_printf(out_why,
				managed ? "systemd manages '%s%s' and has not delegated it"
					: "no group above '%s%s' is without processes",
				c->mount, c->home);
			return false;
		}
	}
	for (enum slot s = SLOT_CPU; s <= SLOT_IO; s++)
		if (slots & 1u << s && !lists(c, g->base, "cgroup.controllers", controller_of[s])) {
			buf_printf(out_why, "no controller '%s' in '%s%s'", controller_of[s], c->mount, g->base);
			return false;
		}
	return true;
}

bool group2_open(struct group *g, const char *job, unsigned parts, struct buf *out_why)
{
	struct cg *c = &g->slots[SLOT_PSI];
	unsigned slots = slots_of(parts);
	int err = 0;

	g->version = 2;
	*c = (struct cg){.ops = &cg_files,
		.controller = "",
		.mount = cg_v2_mount(&g->place),
		.first = g->place.first,
		.fake = g->place.root};
	if (!c->mount) {
		buf_printf(out_why, "no hierarchy of version 2 at '%s'", g->place.root ? g->place.root : ROOT_DEFAULT);
		return false;
	}
	c->home = cg_home(&g->place, c->mount, "");
	if (!find_base(g, slots, out_why))
		return false;
	err = cg_enter(c, g->base, job);
	for (enum slot s = SLOT_CPU; !err && s <= SLOT_IO; s++)
		if (slots & 1u << s)
			err = enable(g, s);
	if (err) {
		buf_printf(out_why, "'%s%s': %s", c->mount, g->base, strerror(err));
		group2_close(g);
		return false;
	}
	g->name = xasprintf("control group (version 2) '%s'", c->rel + 1);
	return true;
}

/* Where we were may have no processes while controllers are enabled in it: those that were for us are taken back. */
void group2_close(struct group *g)
{
	struct cg *c = &g->slots[SLOT_PSI];
	AUTO_FREE char *above = xasprintf("%s/rehost", g->base ? g->base : "");

	for (enum slot s = SLOT_CPU; c->made && s <= SLOT_IO; s++)
		if (g->enabled & 1u << s && *g->base && str_eq(g->base, c->home)) {
			control(c, above, '-', controller_of[s]);
			control(c, g->base, '-', controller_of[s]);
		}
	cg_leave(c);
}

static int set_value(struct group *g, enum slot s, const char *file, const char *value)
{
	AUTO_FREE char *path = cg_path(&g->slots[SLOT_PSI], g->slots[SLOT_PSI].rel, file);

	if (access(path, F_OK) < 0) {
		int err = enable(g, s);
		if (err)
			return err;
	}
	return cg_files.set(&g->slots[SLOT_PSI], file, value);
}

static int set_io(struct group *g, bool write, char *const *disks, size_t count, uint64_t rate)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *number = rate ? xasprintf("%llu", (unsigned long long)rate) : xstrdup("max");
		AUTO_FREE char *value = xasprintf("%s %cbps=%s", disks[i], write ? 'w' : 'r', number);
		int err = set_value(g, SLOT_IO, "io.max", value);
		if (err)
			return err;
	}
	return 0;
}

static int set_io_part(struct group *g, bool write, const struct group_values *v)
{
	uint64_t rate = write ? v->io_write : v->io_read;
	size_t n = write ? v->write_count : v->read_count;

	set_io(g, write, g->disks, g->disk_count, 0);
	if (!rate)
		return 0;
	return n ? set_io(g, write, (char *const *)(write ? v->write_disks : v->read_disks), n, rate) : ENODEV;
}

int group2_set(struct group *g, enum group_part part, const struct group_values *v, const char **out_what)
{
	enum slot s = part == GROUP_CPU ? SLOT_CPU : part == GROUP_MEMORY ? SLOT_MEMORY : SLOT_IO;
	char value[64];
	int err;

	*out_what = controller_of[s];
	if (s == SLOT_IO)
		return set_io_part(g, part == GROUP_IO_WRITE, v);
	if (s == SLOT_CPU) {
		if (v->cpu)
			snprintf(value, sizeof(value), "%llu %u",
				(unsigned long long)cg_cpu_quota_us(v->cpu, sysconf(_SC_NPROCESSORS_ONLN)),
				CG_PERIOD_US);
		return set_value(g, s, "cpu.max", v->cpu ? value : "max");
	}
	/* Above 'high' the kernel slows us down and takes pages back; above 'max' it kills. */
	snprintf(value, sizeof(value), "%llu", (unsigned long long)(v->memory - v->memory / 16));
	err = set_value(g, s, "memory.high", v->memory ? value : "max");
	snprintf(value, sizeof(value), "%llu", (unsigned long long)v->memory);
	return err ? err : set_value(g, s, "memory.max", v->memory ? value : "max");
}
