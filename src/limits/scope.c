/*
 * The back end 'systemd': a transient scope, which systemd makes around this process. It goes with its last process, also
 * when that is killed. Nothing of it is written by us but through systemd.
 */
#include "limits/private.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

size_t scope_properties(const struct group_values *v, unsigned parts, struct scope_property out[SCOPE_PROPERTIES])
{
	/* One for one, and 100 % of one processor is a second a second. */
	uint64_t cpu = v->cpu ? cg_cpu_quota_us(v->cpu, sysconf(_SC_NPROCESSORS_ONLN)) * 10 : UINT64_MAX;
	size_t n = 0;

	if (parts & GROUP_CPU)
		out[n++] = (struct scope_property){"CPUQuotaPerSecUSec", SCOPE_U64, .value = cpu};
	if (parts & GROUP_MEMORY) {
		uint64_t most = v->memory ? v->memory : UINT64_MAX, high = v->memory ? most - most / 16 : most;
		out[n++] = (struct scope_property){"MemoryHigh", SCOPE_U64, .value = high};
		out[n++] = (struct scope_property){"MemoryMax", SCOPE_U64, .value = most};
	}
	if (parts & GROUP_IO_READ)
		out[n++] = (struct scope_property){"IOReadBandwidthMax", SCOPE_DISKS, .value = v->io_read,
			.disks = v->read_disks, .count = v->io_read ? v->read_count : 0};
	if (parts & GROUP_IO_WRITE)
		out[n++] = (struct scope_property){"IOWriteBandwidthMax", SCOPE_DISKS, .value = v->io_write,
			.disks = v->write_disks, .count = v->io_write ? v->write_count : 0};
	return n;
}

#ifdef REHOST_SYSTEMD

#include "limits/bus.h"

#define MANAGER "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"
#define CALL_US (UINT64_C(10) * 1000 * 1000)
#define INSIDE_NS (5 * NS_PER_S) /* for the job that makes the scope */
#define FILES_NS (2 * NS_PER_S) /* for what it writes after a change */
#define PAUSE_US 10000

/* The name of a disk's device: systemd wants a path. */
static char *device_path(const char *number)
{
	AUTO_FREE char *link = xasprintf("/sys/dev/block/%s", number);
	AUTO_FREE char *real = realpath(link, NULL);
	const char *base = real ? strrchr(real, '/') : NULL;
	char *path = base ? xasprintf("/dev/%s", base + 1) : xstrdup("/dev/null");

	for (char *p = path + 5; *p; p++)
		if (*p == '!')
			*p = '/';
	return path;
}

static int append_property(struct bus *b, sd_bus_message *m, const struct scope_property *p)
{
	int r;

	if (p->type == SCOPE_U64)
		return b->sd_bus_message_append(m, "(sv)", p->name, "t", p->value);
	r = b->sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = b->sd_bus_message_append(m, "s", p->name);
	if (r >= 0)
		r = b->sd_bus_message_open_container(m, 'v', "a(st)");
	if (r >= 0)
		r = b->sd_bus_message_open_container(m, 'a', "(st)");
	for (size_t i = 0; r >= 0 && i < p->count; i++) {
		AUTO_FREE char *path = device_path(p->disks[i]);
		r = b->sd_bus_message_append(m, "(st)", path, p->value);
	}
	for (int i = 0; r >= 0 && i < 3; i++)
		r = b->sd_bus_message_close_container(m);
	return r;
}

/* Calls; what systemd answers when it refuses goes to out_why. */
static bool call(struct bus *b, sd_bus_message *m, struct buf *out_why)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *answer = NULL;
	int r = b->sd_bus_call(b->conn, m, CALL_US, &error, &answer);

	if (r < 0)
		buf_append_str(out_why, error.message ? error.message : strerror(-r));
	b->sd_bus_error_free(&error);
	b->sd_bus_message_unref(answer);
	return r >= 0;
}

struct own {
	struct bus *b;
	sd_bus_message *m;
};

static int append_pid(void *arg, pid_t pid)
{
	struct own *o = arg;

	return o->b->sd_bus_message_append(o->m, "u", (uint32_t)pid) < 0 ? EIO : 0;
}

static int append_own(struct bus *b, sd_bus_message *m, pid_t first)
{
	struct own own = {b, m};
	int r = b->sd_bus_message_open_container(m, 'r', "sv");

	if (r >= 0)
		r = b->sd_bus_message_append(m, "s", "PIDs");
	if (r >= 0)
		r = b->sd_bus_message_open_container(m, 'v', "au");
	if (r >= 0)
		r = b->sd_bus_message_open_container(m, 'a', "u");
	if (r >= 0)
		r = -cg_each_own(first, append_pid, &own);
	for (int i = 0; r >= 0 && i < 3; i++)
		r = b->sd_bus_message_close_container(m);
	return r;
}

/* oom: that a killed worker must not end the scope, which systemd knows from 253 on. */
static bool start(struct bus *b, const struct group *g, const char *job, bool oom, struct buf *out_why)
{
	AUTO_FREE char *about = xasprintf("rehost %s", job);
	sd_bus_message *m = NULL;
	bool done = false;
	int r = b->sd_bus_message_new_method_call(b->conn, &m, MANAGER, "StartTransientUnit");

	if (r >= 0)
		r = b->sd_bus_message_append(m, "ss", g->unit, "fail");
	if (r >= 0)
		r = b->sd_bus_message_open_container(m, 'a', "(sv)");
	if (r >= 0)
		r = b->sd_bus_message_append(m, "(sv)", "Description", "s", about);
	if (r >= 0 && oom)
		r = b->sd_bus_message_append(m, "(sv)", "OOMPolicy", "s", "continue");
	if (r >= 0)
		r = append_own(b, m, g->place.first);
	if (r >= 0)
		r = b->sd_bus_message_close_container(m);
	if (r >= 0)
		r = b->sd_bus_message_append(m, "a(sa(sv))", 0);
	if (r < 0)
		buf_append_str(out_why, strerror(-r));
	else
		done = call(b, m, out_why);
	b->sd_bus_message_unref(m);
	return done;
}

/* Where this process is according to a hierarchy: in the scope? Takes it into the slot. */
static bool look(struct group *g, enum slot s, const char *controller, char *mount)
{
	struct cg *c = &g->slots[s];
	char *home = mount ? cg_home(&g->place, mount, controller) : NULL;
	bool inside = home && strstr(home, g->unit);

	cg_release(c);
	*c = (struct cg){.controller = controller, .mount = mount, .rel = inside ? home : NULL};
	if (!inside)
		free(home);
	return inside;
}

/* The files of the slots, to see what holds and what is used. True when the scope is seen at all. */
static bool look_all(struct group *g)
{
	static const char *const controllers[] = {[SLOT_CPU] = "cpu", [SLOT_MEMORY] = "memory", [SLOT_IO] = "blkio"};
	bool any = false;

	g->version = cg_is_v2(&g->place, ROOT_DEFAULT) ? 2 : 1;
	for (enum slot s = SLOT_CPU; g->version == 1 && s <= SLOT_IO; s++)
		any |= look(g, s, controllers[s], xasprintf(ROOT_DEFAULT "/%s", controllers[s]));
	any |= look(g, SLOT_PSI, "", cg_v2_mount(&g->place));
	return any || look(g, SLOT_PSI, "name=systemd", xstrdup(ROOT_DEFAULT "/systemd"));
}

static bool wait_inside(struct group *g)
{
	int64_t until = clock_mono_ns() + INSIDE_NS;

	while (!look_all(g)) {
		if (clock_mono_ns() > until)
			return false;
		usleep(PAUSE_US);
	}
	return true;
}

bool scope_open(struct group *g, const char *job, unsigned parts, struct buf *out_why)
{
	AUTO_FREE char *name = cg_job_name(job);
	AUTO_BUF ignored = BUF_INIT;
	bool done = false;
	struct bus b;
	int r;

	if (!cg_systemd_runs(&g->place)) {
		buf_append_str(out_why, "it does not run this host");
		return false;
	}
	r = bus_open(&b);
	if (r < 0) {
		buf_printf(out_why, "%s", r == -ELIBACC ? "the library libsystemd.so.0 is not there" : strerror(-r));
		bus_close(&b);
		return false;
	}
	g->unit = xasprintf("rehost-%s-%d.scope", name, (int)getpid());
	if (look_all(g)) /* of the phase before */
		done = true;
	else
		done = (start(&b, g, job, true, &ignored) || start(&b, g, job, false, out_why));
	bus_close(&b);
	if (done && !wait_inside(g)) {
		buf_append_str(out_why, "the scope was not made");
		done = false;
	}
	if (done)
		g->name = xasprintf("systemd scope '%s'", g->unit);
	else
		free(STEAL(g->unit));
	return done;
}

static bool send(struct group *g, const struct group_values *v, unsigned parts, struct buf *out_why)
{
	struct scope_property p[SCOPE_PROPERTIES];
	size_t n = scope_properties(v, parts, p);
	sd_bus_message *m = NULL;
	bool done = false;
	struct bus b;
	int r = bus_open(&b);

	if (r >= 0)
		r = b.sd_bus_message_new_method_call(b.conn, &m, MANAGER, "SetUnitProperties");
	if (r >= 0)
		r = b.sd_bus_message_append(m, "sb", g->unit, 1);
	if (r >= 0)
		r = b.sd_bus_message_open_container(m, 'a', "(sv)");
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append_property(&b, m, &p[i]);
	if (r >= 0)
		r = b.sd_bus_message_close_container(m);
	if (r < 0)
		buf_append_str(out_why, strerror(-r));
	else
		done = call(&b, m, out_why);
	if (m)
		b.sd_bus_message_unref(m);
	bus_close(&b);
	return done;
}

/* Does the kernel have it? What a user's manager was not given, it takes and drops. */
static bool arrived(struct group *g, unsigned part)
{
	static const char *const files[] = {[SLOT_CPU] = "cpu.max", [SLOT_MEMORY] = "memory.max", [SLOT_IO] = "io.max"};
	enum slot s = part == GROUP_CPU ? SLOT_CPU : part == GROUP_MEMORY ? SLOT_MEMORY : SLOT_IO;
	int64_t until = clock_mono_ns() + FILES_NS;

	for (;;) {
		const struct cg *c = &g->slots[g->version == 2 ? SLOT_PSI : s];
		AUTO_FREE char *path = c->rel ? cg_path(c, c->rel, g->version == 2 ? files[s] : "cgroup.procs") : NULL;
		if (path && access(path, F_OK) == 0)
			return true;
		if (clock_mono_ns() > until)
			return false;
		usleep(PAUSE_US);
		look_all(g);
	}
}

unsigned scope_set(struct group *g, const struct group_values *v, struct buf *out_why)
{
	static const char *const names[] = {"cpu", "memory", "io_read", "io_write"};
	unsigned wanted = (v->cpu ? GROUP_CPU : 0) | (v->memory ? GROUP_MEMORY : 0) |
		(v->io_read && v->read_count ? GROUP_IO_READ : 0) |
		(v->io_write && v->write_count ? GROUP_IO_WRITE : 0);
	unsigned held = 0;

	if (!(wanted | g->set) || !send(g, v, wanted | g->set, out_why))
		return 0;
	g->set |= wanted;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(wanted & 1u << i))
			continue;
		if (arrived(g, 1u << i))
			held |= 1u << i;
		else
			buf_printf(out_why, "%ssystemd has no controller for %s to give", out_why->len ? "; " : "",
				names[i]);
	}
	return held;
}

#else

bool scope_open(struct group *g, const char *job, unsigned parts, struct buf *out_why)
{
	buf_append_str(out_why, "rehost was built without it");
	return false;
}

unsigned scope_set(struct group *g, const struct group_values *v, struct buf *out_why)
{
	return 0;
}

#endif
