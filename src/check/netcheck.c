/* netcheck in the coordinator: which measurements, in which order, and what is made of them. */
#include "check/netcheck.h"
#include "check/disks.h"
#include "check/line.h"
#include "check/tcp.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/pack.h"
#include "base/text.h"
#include "mounts/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PING_MS 3000
#define STEADY_MS 2000
#define WARM_MS 1000 /* at least, and this many round trips, */
#define WARM_TRIPS 10
#define WARM_MAX_MS 3000 /* but no more */
#define SLOW_MBIT 2.0 /* SSH's packets take so long that shares of a connection cannot be told */
#define LIMIT_REACHED 0.9 /* of the rate that [transfer] bandwidth allows */
/* What a disk is taken to give, since nothing is read from it: Mbit/s. */
#define DISK_ROTATING 1200
#define DISK_SOLID 4000

struct run {
	const struct netcheck_options *o;
	struct netcheck *out;
	struct lines lines;
	struct sysload_files load;
	struct sysload source, target; /* at the last look */
	bool source_known, target_known;
	double loaded_rtt_sum;
	unsigned loaded_rtts;
	bool sending;
};

static void note(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void note(struct run *r, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (r->o->note)
		r->o->note(r->o->arg, text);
}

/* ---- the load of both ends ---- */

static double busy(const struct sysload *from, const struct sysload *to)
{
	uint64_t total = to->total - from->total;

	/* Another host's figures need not make sense. */
	if (to->total <= from->total || to->busy < from->busy)
		return 0;
	return MIN((double)(to->busy - from->busy) / (double)total, 1.0);
}

static void host_look(struct netcheck_host *h, const struct sysload *from, const struct sysload *to, bool loaded)
{
	double cpu = busy(from, to);

	h->known = true;
	h->cpus = to->cpus;
	h->memory_bytes = to->mem_total;
	if (loaded) {
		h->cpu_loaded = MAX(h->cpu_loaded, cpu);
		return;
	}
	h->cpu = cpu;
	h->memory = 1 - (double)to->mem_available / (double)to->mem_total;
}

enum look { LOOK_FIRST, LOOK_IDLE, LOOK_LOADED };

/* Looks at both hosts; what has happened since the last look is their load in that time. */
static bool look(struct run *r, enum look what, struct diag *d)
{
	struct sysload now;
	const struct sysload *theirs = &r->lines.line[0].load;
	bool known = sysload_read(&r->load, &now);

	if (!lines_ask(&r->lines, 1, PROBE_LOAD, NULL, d))
		return false;
	if (what != LOOK_FIRST && r->source_known && known)
		host_look(&r->out->source, &r->source, &now, what == LOOK_LOADED);
	if (what != LOOK_FIRST && r->target_known && theirs->cpus && theirs->mem_total)
		host_look(&r->out->target, &r->target, theirs, what == LOOK_LOADED);
	r->source = now;
	r->source_known = known;
	r->target = *theirs;
	r->target_known = theirs->cpus > 0;
	return true;
}

/* ---- round trips ---- */

static void sum_up_pings(struct netcheck *out, const struct line *l)
{
	double sum = 0, steps = 0, last = 0;

	for (size_t i = 0; i < l->rtt_count; i++) {
		double ms = (double)l->rtts[i] / NS_PER_MS;

		out->rtt_min = i ? MIN(out->rtt_min, ms) : ms;
		out->rtt_max = MAX(out->rtt_max, ms);
		sum += ms;
		if (i)
			steps += ms > last ? ms - last : last - ms;
		last = ms;
	}
	out->pings = (unsigned)l->rtt_count;
	out->rtt = sum / (double)l->rtt_count;
	out->jitter = l->rtt_count > 1 ? steps / (double)(l->rtt_count - 1) : 0;
}

static bool measure_pings(struct run *r, struct diag *d)
{
	struct netcheck *out = r->out;
	struct tcp_counts tcp;
	AUTO_BUF b = BUF_INIT;

	note(r, "measuring round trips");
	wr_u32(&b, PINGS_MAX);
	wr_u32(&b, PING_MS);
	if (!look(r, LOOK_FIRST, d) || !lines_ask(&r->lines, 1, PROBE_PING, &b, d))
		return false;
	sum_up_pings(out, &r->lines.line[0]);
	if (r->lines.line[0].conn.tcp_fd < 0)
		out->no_tcp = transport_kind(r->lines.transport) == TRANSPORT_LOCAL
			? "there is no network in between"
			: "another program makes the connection";
	else if (!tcp_read(r->lines.line[0].conn.tcp_fd, &tcp))
		out->no_tcp = "the kernel does not tell";
	else {
		out->tcp_rtt = tcp.rtt;
		out->tcp_rtt_var = tcp.rtt_var;
	}
	return look(r, LOOK_IDLE, d);
}

/* ---- throughput ---- */

static void tick(void *arg)
{
	struct run *r = arg;
	struct tcp_counts tcp;

	if (!r->sending || r->lines.n != 1 || !tcp_read(r->lines.line[0].conn.tcp_fd, &tcp))
		return;
	r->loaded_rtt_sum += tcp.rtt;
	r->loaded_rtts++;
}

static double mbit(const struct lines *l)
{
	double sum = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->line[i].filled_ns)
			sum += (double)l->line[i].filled * 8e3 / (double)l->line[i].filled_ns;
	return sum;
}

static bool measure_rate(struct run *r, struct diag *d)
{
	struct netcheck *out = r->out;
	double trips = WARM_TRIPS * out->rtt;
	AUTO_BUF b = BUF_INIT;
	bool ok;

	note(r, "measuring throughput with %zu connection%s", r->lines.n, r->lines.n == 1 ? "" : "s");
	wr_u32(&b, (uint32_t)MAX((double)WARM_MS, MIN(trips, (double)WARM_MAX_MS)));
	wr_u32(&b, STEADY_MS);
	wr_u32(&b, (uint32_t)MIN(out->rtt, (double)WARM_MAX_MS));
	r->sending = true;
	ok = lines_ask(&r->lines, r->lines.n, PROBE_FILL, &b, d) && look(r, LOOK_LOADED, d);
	r->sending = false;
	if (ok)
		out->rates[out->rate_count++] = (struct netcheck_rate){(unsigned)r->lines.n, mbit(&r->lines)};
	return ok;
}

/* Another measurement pays while the last one did. */
static bool more_may_pay(struct run *r)
{
	struct netcheck *out = r->out;
	size_t n = out->rate_count;

	if (out->limit && out->rates[n - 1].mbit >= LIMIT_REACHED * (double)out->limit * 8e-6) {
		out->limited = true;
		out->stopped = "the bandwidth limit is reached";
		return false;
	}
	if (out->rates[n - 1].mbit < SLOW_MBIT) {
		out->stopped = "too slow to compare with more";
		return false;
	}
	return n < ARRAY_LEN(out->rates) && netcheck_paying(out->rates, n) == out->rates[n - 1].connections;
}

static bool add_lines(struct run *r, size_t wanted)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF text = BUF_INIT;

	while (r->lines.n < wanted)
		if (!lines_add(&r->lines, &d)) {
			diag_format(&text, &d);
			note(r, "no further connection: %s", buf_cstr(&text));
			r->out->stopped = "a further connection was refused";
			return false;
		}
	return true;
}

static bool measure_rates(struct run *r, struct diag *d)
{
	if (!measure_rate(r, d))
		return false;
	while (more_may_pay(r) && add_lines(r, 2 * r->lines.n))
		if (!measure_rate(r, d))
			return false;
	return true;
}

static void count_segments(struct run *r)
{
	struct netcheck *out = r->out;
	struct tcp_counts tcp;

	for (size_t i = 0; i < r->lines.n; i++)
		if (tcp_read(r->lines.line[i].conn.tcp_fd, &tcp)) {
			out->segments += tcp.segments;
			out->retransmitted += tcp.retransmitted;
		}
	if (r->loaded_rtts)
		out->tcp_rtt_loaded = r->loaded_rtt_sum / r->loaded_rtts;
}

/* ---- the source, and the conclusions ---- */

static bool look_at_source(struct run *r, struct diag *d)
{
	const struct conf *c = r->o->conf;
	struct mounts_options mo = {.one_file_system = r->o->one_file_system, .root_always = r->o->adhoc};
	AUTO_CLOSE int sys = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct netcheck *out = r->out;
	struct mount_plan plan = {};
	AUTO_BUF names = BUF_INIT;
	struct disks disks = {};

	if (!mounts_select(c, &mo, &plan, d)) {
		mount_plan_release(&plan);
		return false;
	}
	for (size_t i = 0; i < plan.chosen_count; i++) {
		const struct mount *m = &plan.chosen[i];

		out->bytes += m->used_bytes;
		buf_append_str(&names, i ? ", " : "");
		text_escape(&names, m->path, strlen(m->path));
	}
	if (sys >= 0)
		disks_find(sys, &plan, &disks);
	out->mounts = buf_detach(&names);
	out->whole = !mounts_whole(c->source.root);
	out->disks = disks.count;
	out->rotational = disks.rotational;
	out->disk_mbit = disks.count && disks.rotational == disks.count ? DISK_ROTATING : DISK_SOLID;
	mount_plan_release(&plan);
	return true;
}

static void conclude(struct run *r)
{
	struct netcheck *out = r->out;

	out->paying = netcheck_paying(out->rates, out->rate_count);
	for (size_t i = 0; i < out->rate_count; i++)
		if (out->rates[i].connections == out->paying)
			out->mbit = out->rates[i].mbit;
	out->feeding = netcheck_feeding(MAX(out->disks, 1u), out->mbit, out->disk_mbit);
	out->processes = MIN(MAX(out->paying, out->feeding), NETCHECK_PROCESSES_MAX);
	out->forecast_mbit = netcheck_limited(r->o->conf, out->mbit);
	out->hours_best = netcheck_hours(out->bytes, out->forecast_mbit, NETCHECK_USE_BEST);
	out->hours_worst = netcheck_hours(out->bytes, out->forecast_mbit, NETCHECK_USE_WORST);
}

static bool prepare(struct run *r, struct diag *d)
{
	struct lines *l = &r->lines;

	if (!look_at_source(r, d) || !transport_resolve(r->o->conf, r->o->batch, &l->transport, d))
		return false;
	transport_want_socket(l->transport);
	l->throttle = throttle_new(&l->throttle_fd);
	if (!l->throttle) {
		diag_set(d, DIAG_CHECK_PROCESS, errno, NULL, "cannot get shared memory");
		return false;
	}
	r->out->limit = conf_bandwidth_now(r->o->conf);
	throttle_set_rate(l->throttle, THROTTLE_SEND, r->out->limit);
	return true;
}

bool netcheck_run(const struct netcheck_options *o, struct netcheck *out, struct diag *d)
{
	struct run r = {.o = o, .out = out, .lines = {.conf = o->conf, .throttle_fd = -1, .tick = tick}};
	int64_t began = clock_mono_ns();
	bool ok;

	*out = (struct netcheck){};
	r.lines.arg = &r;
	sysload_open(&r.load);
	ok = prepare(&r, d);
	if (ok)
		note(&r, "connecting to %s", transport_name(r.lines.transport));
	ok = ok && lines_add(&r.lines, d) && measure_pings(&r, d) && measure_rates(&r, d);
	if (ok) {
		const char *why = transport_note(r.lines.transport);

		count_segments(&r);
		conclude(&r);
		out->where = xstrdup(transport_name(r.lines.transport));
		out->note = why ? xstrdup(why) : NULL;
	}
	lines_end(&r.lines);
	throttle_unmap(r.lines.throttle);
	cleanup_close(&r.lines.throttle_fd);
	transport_free(r.lines.transport);
	sysload_close(&r.load);
	out->seconds = (double)(clock_mono_ns() - began) / NS_PER_S;
	return ok;
}

void netcheck_release(struct netcheck *n)
{
	free(n->where);
	free(n->note);
	free(n->mounts);
	*n = (struct netcheck){};
}
