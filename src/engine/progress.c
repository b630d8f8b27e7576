#include "base/clock.h"
#include "engine/private.h"

#define TELL_EVERY_NS (200 * NS_PER_MS)
#define STATUS_EVERY_NS NS_PER_S

static void update_rate(struct engine *e, int64_t now, uint64_t done)
{
	double seconds = (double)(now - e->rate_ns) / 1e9, last;

	if (seconds < 0.5)
		return;
	last = (double)(done - e->rate_bytes) / seconds;
	e->rate = e->rate > 0 ? e->rate * 0.7 + last * 0.3 : last;
	e->rate_bytes = done;
	e->rate_ns = now;
}

static const char *phase(const struct engine *e)
{
	bool syncing = false, ready = false;

	for (const struct worker *w = e->workers; w; w = w->next) {
		syncing = syncing || w->state >= WORKER_SYNCING;
		ready = ready || w->state >= WORKER_READY;
	}
	if (!ready)
		return e->ever_linked ? "waiting for the link" : "connecting";
	if (e->job->kind == JOB_VERIFY)
		return "verifying";
	if (syncing)
		return "writing to disk";
	if (e->revisiting)
		return "deleting";
	return e->job->kind == JOB_COPY ? "copying" : "syncing";
}

void progress_update(struct engine *e, bool now_set)
{
	struct progress *p = &e->progress;
	int64_t now = clock_mono_ns();
	uint64_t done = e->job->kind == JOB_VERIFY ? e->total.examined_bytes : e->total.done_bytes;

	update_rate(e, now, done);
	if (!now_set && now - e->progress_ns < TELL_EVERY_NS)
		return;
	e->progress_ns = now;
	p->files_examined = e->total.examined;
	p->files_transferred = e->total.transferred;
	p->bytes_done = done;
	p->bytes_sent = e->total.sent;
	p->bytes_received = e->total.received;
	p->rate = (uint64_t)e->rate;
	p->elapsed_ns = now - e->started_ns;
	p->movers = e->worker_count;
	p->phase = phase(e);
	/* Without a forecast, what the walk has found so far: it runs ahead of the transfer. */
	if (!e->forecast) {
		p->bytes_expected = e->total.examined_bytes;
		p->files_expected = e->total.examined;
	}
	/* The forecast of totals can be short: what has been seen is the least there is. */
	if (p->bytes_expected && p->bytes_expected < e->total.examined_bytes)
		p->bytes_expected = e->total.examined_bytes;
	if (p->files_expected && p->files_expected < p->files_examined)
		p->files_expected = p->files_examined;
	p->remaining_s = p->bytes_expected > done && e->rate > 1 ?
		(int64_t)((double)(p->bytes_expected - done) / e->rate) : -1;
	if (now_set && e->observer->progress_now)
		e->observer->progress_now(e->observer->arg, p);
	else if (e->observer->progress)
		e->observer->progress(e->observer->arg, p);
	if (!e->job->dry_run && now - e->status_ns >= STATUS_EVERY_NS) {
		e->status_ns = now;
		status_write(e->job, p, e->started_real);
	}
}
