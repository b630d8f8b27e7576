#include "engine/limits.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/coordinator.h"
#include "engine/memory.h"
#include "limits/group.h"
#include "limits/pressure.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a mover, its link and its receiver take together, with listings and frames of the sizes that occur; and what the rest takes. */
#define WORKER_MEMORY (UINT64_C(24) << 20)
#define BASE_MEMORY (UINT64_C(32) << 20)

struct host {
	struct group *group;
	struct group_place place;
	const char *psi_root;
	struct pressure pressure;
	struct memory_watch memory;
	int64_t next_ns; /* of the next tick */
	int64_t said_ns; /* that work yields */
	bool said; /* that it yields now */
	unsigned in_group, held; /* by the group, and altogether */
};

enum part { PART_CPU, PART_MEMORY, PART_IO_READ, PART_IO_WRITE, PART_PRESSURE, PARTS };
static const char *const part_names[] = {"cpu", "memory", "io_read", "io_write", "pressure"};

_Static_assert(1 << PART_CPU == GROUP_CPU && 1 << PART_MEMORY == GROUP_MEMORY && 1 << PART_IO_READ == GROUP_IO_READ &&
		1 << PART_IO_WRITE == GROUP_IO_WRITE,
	"the parts of a group are ours");

#define TICK_NS NS_PER_S
#define SAY_NS (60 * NS_PER_S) /* that it yields, or goes on, is said at most so often */

static bool local(const struct engine *e)
{
	return transport_kind(e->transport) == TRANSPORT_LOCAL;
}

static void set_bandwidth(struct engine *e, uint64_t rate)
{
	/* With 'local:' what is sent is what is written on this host. */
	if (local(e) && e->limits.now.io_write)
		rate = rate ? MIN(rate, e->limits.now.io_write) : e->limits.now.io_write;
	throttle_set_rate(e->limits.throttle, THROTTLE_SEND, rate);
}

void limits_bandwidth(struct engine *e)
{
	set_bandwidth(e, conf_bandwidth_now(e->job->conf));
}

/* As rclone does: off, and on again. */
void limits_toggle_bandwidth(struct engine *e)
{
	struct conf *c = e->job->conf;

	if (!c->transfer.window_count) {
		engine_note(e, "there is no bandwidth limit that could be switched off");
		return;
	}
	c->transfer.unlimited = !c->transfer.unlimited;
	limits_bandwidth(e);
	engine_note(e,
		c->transfer.unlimited ? "the bandwidth limit is switched off"
				      : "the bandwidth limit is switched on again");
}

unsigned limits_workers(const struct conf_limits *l)
{
	uint64_t n = l->memory > BASE_MEMORY ? (l->memory - BASE_MEMORY) / WORKER_MEMORY : 1;

	return !l->memory ? WORKERS_MAX : n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

/* How many workers there may be. */
static unsigned process_limit(const struct engine *e, const struct conf_limits *l)
{
	const struct conf *c = e->job->conf;
	unsigned n = e->job->kind == JOB_COPY ? c->transfer.processes : c->transfer.sync_processes;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!n)
		n = c->transfer.processes;
	if (!n) /* auto: as many as have a processor, and no more than a disk can feed */
		n = cpus > 4 ? 4 : cpus > 1 ? (unsigned)cpus : 1;
	n = MIN(n, (unsigned)WORKERS_MAX);
	return MIN(n, limits_workers(l));
}

static unsigned parts_of(const struct conf_limits *l)
{
	return (l->cpu ? 1u << PART_CPU : 0) | (l->memory ? 1u << PART_MEMORY : 0) |
		(l->io_read ? 1u << PART_IO_READ : 0) | (l->io_write ? 1u << PART_IO_WRITE : 0) |
		(l->pressure.io || l->pressure.cpu || l->pressure.memory ? 1u << PART_PRESSURE : 0);
}

/* ---- disks ---- */

struct disks {
	char **names;
	size_t count;
};

static void disks_release(struct disks *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->names[i]);
	free(d->names);
}

static void disks_of_path(struct disks *d, const char *path)
{
	AUTO_FREE char *p = xstrdup(path ? path : "");
	struct stat st;

	while (*p && stat(p, &st) < 0) { /* it will be made */
		char *slash = strrchr(p, '/');
		if (!slash || slash == p)
			return;
		*slash = '\0';
	}
	if (*p)
		group_disks("/sys", st.st_dev, &d->names, &d->count);
}

static void disks_of_source(const struct engine *e, struct disks *d)
{
	for (size_t i = 0; i < e->plan.chosen_count; i++) {
		const struct mount *m = &e->plan.chosen[i];
		struct stat st;

		group_disks("/sys", m->dev, &d->names, &d->count);
		if (stat(m->source, &st) == 0 && S_ISBLK(st.st_mode)) /* btrfs' devices of files are none */
			group_disks("/sys", st.st_rdev, &d->names, &d->count);
	}
}

/* ---- putting in force ---- */

/* What workers do not count themselves is kept by the disk; at their own rate each would wait for the other, and less be done. */
static uint64_t beside_rate(uint64_t rate)
{
	return rate + rate / 4;
}

static unsigned set_group(struct engine *e, const struct conf_limits *l, struct buf *why)
{
	struct disks from = {}, to = {};
	unsigned held;

	disks_of_source(e, &from);
	disks_of_path(&to, e->job->state_dir);
	if (local(e))
		disks_of_path(&to, e->job->conf->target.root);
	held = group_set(e->limits.host->group,
		&(struct group_values){.cpu = l->cpu,
			.memory = l->memory,
			.io_read = beside_rate(l->io_read),
			.io_write = local(e) ? beside_rate(l->io_write) : l->io_write,
			.read_disks = (const char *const *)from.names,
			.read_count = from.count,
			.write_disks = (const char *const *)to.names,
			.write_count = to.count},
		why);
	disks_release(&from);
	disks_release(&to);
	return held;
}

static void open_group(struct engine *e, const struct conf_limits *l, unsigned parts, struct buf *why)
{
	AUTO_BUF tried = BUF_INIT;
	struct group_usage u;

	if (l->backend == CONF_BACKEND_NONE) {
		buf_append_str(why, "backend = none");
		return;
	}
	e->limits.host->group =
		group_open(l->backend, e->job->name, parts & ~(1u << PART_PRESSURE), &e->limits.host->place, &tried);
	if (!e->limits.host->group) {
		buf_append(why, tried.data, tried.len);
		return;
	}
	engine_note(e, "limits: in %s%s%s%s", group_name(e->limits.host->group), tried.len ? " (" : "",
		buf_cstr(&tried), tried.len ? ")" : "");
	if (group_usage(e->limits.host->group, &u)) /* a scope is that of the step before, too */
		e->limits.host->memory.kills = u.oom_kills;
}

static bool pressure_known(struct host *h, const struct conf_limits *l)
{
	const char *mount = NULL, *rel = h->group ? group_psi_dir(h->group, &mount) : NULL;
	double ignored[PRESSURES];

	h->pressure.limit[PRESSURE_IO] = l->pressure.io;
	h->pressure.limit[PRESSURE_CPU] = l->pressure.cpu;
	h->pressure.limit[PRESSURE_MEMORY] = l->pressure.memory;
	return pressure_measure(&h->pressure, h->psi_root, mount, rel, ignored);
}

/* What is wanted and not held; why says why. */
static unsigned put_in_force(struct engine *e, const struct conf_limits *l, struct buf *why)
{
	struct host *h = e->limits.host;
	unsigned parts = parts_of(l), held = 0;

	if (parts && !h->group)
		open_group(e, l, parts, why);
	if (h->group)
		held = set_group(e, l, why);
	h->in_group = held;
	held |= 1u << PART_IO_READ; /* by the rates that workers share */
	if (local(e))
		held |= 1u << PART_IO_WRITE;
	if (pressure_known(h, l))
		held |= 1u << PART_PRESSURE;
	else if (parts & 1u << PART_PRESSURE)
		buf_printf(why, "%sthis kernel does not tell the pressure", why->len ? "; " : "");
	h->held = held;
	return parts & ~held;
}

static void list_parts(struct buf *out, unsigned parts)
{
	for (int i = 0; i < PARTS; i++)
		if (parts & 1u << i)
			buf_printf(out, "%s%s", out->len ? ", " : "", part_names[i]);
}

/* The variables are for tests. */
static struct host *host_new(const struct job *job)
{
	struct host *h = xcalloc(1, sizeof(*h));
	const char *psi = secure_getenv("REHOST_PSI_ROOT");

	h->place = (struct group_place){.root = secure_getenv("REHOST_CGROUP_ROOT"),
		.self = secure_getenv("REHOST_CGROUP_SELF"),
		.first = job->pid == getppid() ? job->pid : 0};
	h->psi_root = psi ? psi : "/proc/pressure";
	group_sweep(&h->place);
	return h;
}

bool limits_apply(struct engine *e, const struct conf_limits *wanted, struct diag *d)
{
	AUTO_BUF why = BUF_INIT;
	AUTO_BUF list = BUF_INIT;
	AUTO_BUF ignored = BUF_INIT;
	AUTO_DIAG warning = DIAG_INIT;
	unsigned lacking;

	if (!e->limits.host)
		e->limits.host = host_new(e->job);
	lacking = put_in_force(e, wanted, &why);
	list_parts(&list, lacking);
	if (lacking && wanted->require) {
		diag_set(d, DIAG_LIMITS_REQUIRED, 0, NULL, "cannot keep %s: %s", buf_cstr(&list), buf_cstr(&why));
		put_in_force(e, &e->limits.now, &ignored);
		return false;
	}
	if (lacking & ~e->job->kept->limits_said) {
		diag_set(
			&warning, DIAG_LIMITS_NOT_KEPT, 0, NULL, "cannot keep %s: %s", buf_cstr(&list), buf_cstr(&why));
		engine_diag(e, &warning);
		e->job->kept->limits_said |= lacking;
	}
	if (e->limits.now.memory != wanted->memory || !e->workers.max)
		e->workers.max = process_limit(e, wanted);
	e->limits.now = *wanted;
	throttle_set_rate(e->limits.throttle, THROTTLE_READ, wanted->io_read);
	return true;
}

/* ---- who keeps what ---- */

static void bandwidth_keeper(const struct engine *e, struct buf *out)
{
	uint64_t rate = conf_bandwidth_now(e->job->conf);

	if (rate) {
		text_size(out, rate);
		buf_append_str(out, "/s now, by a rate that all processes share");
	} else if (e->job->conf->transfer.window_count) {
		buf_append_str(out, "no limit now");
	}
}

static void part_keeper(const struct engine *e, unsigned bit, struct buf *out)
{
	const struct host *h = e->limits.host;

	if (!(parts_of(&e->limits.now) & bit))
		return;
	if (!(h->held & bit)) {
		buf_append_str(out, "not kept");
		return;
	}
	if (bit == 1u << PART_PRESSURE)
		buf_append_str(out, "by yielding");
	if (bit == 1u << PART_IO_READ || (bit == 1u << PART_IO_WRITE && local(e)))
		buf_printf(out, "by a rate that all processes share%s", h->in_group & bit ? ", and " : "");
	if (h->in_group & bit)
		buf_printf(out, "by %s", group_name(h->group));
}

void limits_keeper(const struct engine *e, const char *name, struct buf *out)
{
	if (str_eq(name, "bandwidth"))
		bandwidth_keeper(e, out);
	else if ((str_eq(name, "target_cpu") && e->limits.now.target_cpu) ||
		(str_eq(name, "target_io") && e->limits.now.target_io))
		buf_append_str(out, "by the receivers");
	for (int i = 0; i < PARTS; i++)
		if (str_eq(name, part_names[i]))
			part_keeper(e, 1u << i, out);
}

/* ---- watching ---- */

static void say_pressure(struct engine *e, bool yields, enum pressure_of what, const double others[])
{
	struct host *h = e->limits.host;
	int64_t now = clock_mono_ns();

	if (yields && !h->said && (!h->said_ns || now - h->said_ns >= SAY_NS)) {
		engine_note(e, "yielding: others wait for %s %.0f%% of the time (pressure = %s:%u%%)",
			pressure_names[what], others[what], pressure_names[what], h->pressure.limit[what]);
		h->said = true;
		h->said_ns = now;
	} else if (!yields && h->said) {
		engine_note(e,
			h->pressure.slice_until > now ? "going on for a while: others have waited too long for us to"
						      : "going on: others wait no more");
		h->said = false;
	}
}

static void pressure_tick(struct engine *e)
{
	struct host *h = e->limits.host;
	const char *mount = NULL, *rel = h->group ? group_psi_dir(h->group, &mount) : NULL;
	bool was = h->pressure.yielding, yields;
	enum pressure_of what = PRESSURE_IO;
	double others[PRESSURES];

	if (!pressure_measure(&h->pressure, h->psi_root, mount, rel, others))
		return;
	yields = pressure_judge(&h->pressure, others, clock_mono_ns(), &what);
	if (yields == was)
		return;
	say_pressure(e, yields, what, others);
	engine_hold(e, HOLD_PRESSURE, yields);
}

void limits_tick(struct engine *e)
{
	struct group_usage u;
	int64_t now = clock_mono_ns();
	struct host *h = e->limits.host;

	if (now < h->next_ns)
		return;
	h->next_ns = now + TICK_NS;
	pressure_tick(e);
	memory_tick(e, &h->memory, e->limits.now.memory && h->group && group_usage(h->group, &u) ? u.unreclaimable : 0);
}

bool limits_crowded(const struct engine *e)
{
	return e->limits.host->memory.crowded;
}

bool limits_worker_ended(struct engine *e, bool retired)
{
	struct group_usage u = {};

	if (e->limits.now.memory && e->limits.host->group)
		group_usage(e->limits.host->group, &u);
	return memory_ended(e, &e->limits.host->memory, retired, u.oom_kills);
}

void limits_release(struct engine *e)
{
	if (e->limits.host)
		group_close(e->limits.host->group);
	free(STEAL(e->limits.host));
}
