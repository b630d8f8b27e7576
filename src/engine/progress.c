#include "engine/progress.h"
#include "base/clock.h"
#include "engine/coordinator.h"

#define TELL_EVERY_NS (200 * NS_PER_MS)

static void update_rate(struct engine *e, int64_t now, uint64_t done)
{
	double seconds = (double)(now - e->progress.rate_ns) / 1e9, last;

	if (seconds < 0.5)
		return;
	last = (double)(done - e->progress.rate_bytes) / seconds;
	e->progress.rate = e->progress.rate > 0 ? e->progress.rate * 0.7 + last * 0.3 : last;
	e->progress.rate_bytes = done;
	e->progress.rate_ns = now;
}

static const char *phase(const struct engine *e)
{
	bool syncing = false, ready = false;

	for (const struct worker *w = e->workers.first; w; w = w->next) {
		syncing = syncing || w->state >= WORKER_SYNCING;
		ready = ready || w->state >= WORKER_READY;
	}
	if (e->hold.why & HOLD_USER)
		return "paused";
	if (!ready)
		return e->link.ever ? "waiting for the link" : "connecting";
	if (e->job->kind == JOB_VERIFY)
		return "verifying";
	if (syncing)
		return "writing to disk";
	if (e->walk.revisiting)
		return "deleting";
	return e->job->kind == JOB_COPY ? "copying" : "syncing";
}

int64_t progress_elapsed_ns(const struct engine *e)
{
	int64_t now = clock_mono_ns();

	return now - e->started_ns - e->hold.paused_ns - (e->hold.since ? now - e->hold.since : 0);
}

void progress_refresh(struct engine *e)
{
	struct progress *p = &e->progress.now;
	int64_t now = clock_mono_ns();
	uint64_t done = e->job->kind == JOB_VERIFY ? e->totals.counts.bytes_total : e->totals.counts.bytes_done;
	bool paused = e->hold.why & HOLD_USER;

	if (paused) { /* that nothing was done in this time says nothing of the rate */
		e->progress.rate_ns = now;
		e->progress.rate_bytes = done;
	} else {
		update_rate(e, now, done);
	}
	p->files_examined = e->totals.counts.files_examined;
	p->files_transferred = e->totals.counts.files_transferred;
	p->bytes_done = done;
	p->bytes_sent = e->totals.counts.bytes_sent;
	p->bytes_received = e->totals.counts.bytes_received;
	p->rate = paused ? 0 : (uint64_t)e->progress.rate;
	p->elapsed_ns = progress_elapsed_ns(e);
	p->processes = e->workers.count;
	p->phase = phase(e);
	/* Without a forecast, what the walk has found so far: it runs ahead of the transfer. */
	if (!e->progress.forecast || walk_complete(e)) {
		p->bytes_expected = e->totals.counts.bytes_total;
		p->files_expected = e->totals.counts.files_examined;
	}
	/* The forecast of totals can be short: what has been seen is the least there is. */
	if (p->bytes_expected && p->bytes_expected < e->totals.counts.bytes_total)
		p->bytes_expected = e->totals.counts.bytes_total;
	if (p->files_expected && p->files_expected < p->files_examined)
		p->files_expected = p->files_examined;
	p->remaining_s = p->bytes_expected > done && e->progress.rate > 1
		? (int64_t)((double)(p->bytes_expected - done) / e->progress.rate)
		: -1;
}

void progress_update(struct engine *e, bool now_set)
{
	int64_t now = clock_mono_ns();

	progress_refresh(e);
	if (now_set && e->observer->progress_now) {
		e->observer->progress_now(e->observer->arg, &e->progress.now);
	} else if (now - e->progress.told_ns >= TELL_EVERY_NS) {
		e->progress.told_ns = now;
		if (e->observer->progress)
			e->observer->progress(e->observer->arg, &e->progress.now);
	}
}
