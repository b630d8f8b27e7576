#include "engine/target_limits.h"
#include "base/clock.h"
#include "engine/coordinator.h"

#define DIVIDE_EVERY_NS (250 * NS_PER_MS)
#define MORE 1.1 /* than was used: it may be about to want it */
#define REST_MOST 0.95 /* of the time: who rests longer wants everything */

void target_limits_divide(double total, const double *want, double *out, size_t n)
{
	const double least = total / 50 / (double)n; /* so that one who has been idle can begin */
	double left = total;
	size_t open = n;

	for (size_t i = 0; i < n; i++)
		out[i] = 0;
	/* Who wants less than an even part of what is left gets it, and the others share what it does not need. */
	for (bool any = true; any && open;) {
		const double even = left / (double)open;

		any = false;
		for (size_t i = 0; i < n; i++)
			if (out[i] == 0 && want[i] < even) {
				out[i] = want[i] > least ? want[i] : least;
				left -= out[i];
				open--;
				any = true;
			}
	}
	for (size_t i = 0; i < n; i++) {
		if (open && out[i] == 0)
			out[i] = left / (double)open;
		else if (!open)
			out[i] += left / (double)n;
	}
}

/* What it would have used, had it not rested. */
static double wanted(double used, double rested, double elapsed)
{
	const double rest = rested / elapsed;

	return rest >= REST_MOST ? 1e300 : MORE * used / elapsed / (1 - rest);
}

void on_used(struct engine *e, struct worker *w, const struct ipc_used *m)
{
	const struct pace_used *u = &m->used;
	int64_t now = clock_mono_ns();
	double s = (double)(now - w->pace.at) / 1e9;

	if (w->pace.at && now - w->pace.at < DIVIDE_EVERY_NS / 2)
		return; /* too short to say anything */
	if (w->pace.at) {
		const struct pace_used *o = &w->pace.used;
		w->pace.want_cpu =
			wanted((double)(u->cpu_us - o->cpu_us), (double)(u->cpu_rest_us - o->cpu_rest_us) / 1e6, s);
		w->pace.want_io = wanted((double)(u->io - o->io), (double)(u->io_rest_us - o->io_rest_us) / 1e6, s);
	}
	w->pace.at = now;
	w->pace.used = *u;
}

/* Not told again for a trifle. */
static bool differs(double a, double b)
{
	return (a == 0) != (b == 0) || a > b * 1.02 || a < b * 0.98;
}

static void tell(struct worker *w, double cpu, double io)
{
	if (!differs(cpu, w->pace.cpu) && !differs(io, w->pace.io))
		return;
	w->pace.cpu = cpu;
	w->pace.io = io;
	worker_send_limits(w,
		&(struct ipc_limits){
			.cpu = cpu > 0 && cpu < 1 ? 1 : (uint32_t)cpu, .io = io > 0 && io < 1 ? 1 : (uint64_t)io});
}

void target_limits_tick(struct engine *e)
{
	const double cpu = e->limits.now.target_cpu * (PACE_ALL / 100.0), io = (double)e->limits.now.target_io;
	double want_cpu[WORKERS_MAX * 2], want_io[WORKERS_MAX * 2], cpus[WORKERS_MAX * 2] = {},
										       ios[WORKERS_MAX * 2] = {};
	int64_t now = clock_mono_ns();
	bool new = false;
	size_t n = 0, i = 0;

	for (struct worker *w = e->workers.first; w; w = w->next) {
		if (w->state < WORKER_READY || w->state > WORKER_SYNCED || n == WORKERS_MAX * 2)
			continue;
		new = new || (w->pace.cpu == 0 && cpu > 0) || (w->pace.io == 0 && io > 0);
		want_cpu[n] = w->pace.at ? w->pace.want_cpu : 1e300;
		want_io[n++] = w->pace.at ? w->pace.want_io : 1e300;
	}
	if (!n || (!new &&now - e->limits.divided_ns < DIVIDE_EVERY_NS))
		return;
	e->limits.divided_ns = now;
	if (cpu > 0)
		target_limits_divide(cpu, want_cpu, cpus, n);
	if (io > 0)
		target_limits_divide(io, want_io, ios, n);
	for (struct worker *w = e->workers.first; w; w = w->next)
		if (w->state >= WORKER_READY && w->state <= WORKER_SYNCED && i < n) {
			tell(w, cpus[i], ios[i]);
			i++;
		}
}
