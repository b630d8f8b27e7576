#include "base/clock.h"
#include "engine/private.h"

#define TELL_EVERY_NS (200 * NS_PER_MS)

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
	if (e->holds & HOLD_USER)
		return "paused";
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

int64_t progress_elapsed_ns(const struct engine *e)
{
	int64_t now = clock_mono_ns();

	return now - e->started_ns - e->paused_ns - (e->paused_since ? now - e->paused_since : 0);
}

/* Whether all there is has been found: no directory is waiting, and of those under way what they hold is known. */
static bool walked(const struct engine *e)
{
	if (e->revisiting || e->ending)
		return true;
	if (!e->first_sent || e->queue.len || !e->workers)
		return false;
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		if (!e->mount_given[i])
			return false;
	for (const struct worker *w = e->workers; w; w = w->next)
		for (const struct unit *u = w->units; u; u = u->next)
			if (u->kind != UNIT_SEGMENT && !u->listed)
				return false;
	return true;
}

void progress_refresh(struct engine *e)
{
	struct progress *p = &e->progress;
	int64_t now = clock_mono_ns();
	uint64_t done = e->job->kind == JOB_VERIFY ? e->total.examined_bytes : e->total.done_bytes;
	bool paused = e->holds & HOLD_USER;

	if (paused) { /* that nothing was done in this time says nothing of the rate */
		e->rate_ns = now;
		e->rate_bytes = done;
	} else {
		update_rate(e, now, done);
	}
	p->files_examined = e->total.examined;
	p->files_transferred = e->total.transferred;
	p->bytes_done = done;
	p->bytes_sent = e->total.sent;
	p->bytes_received = e->total.received;
	p->rate = paused ? 0 : (uint64_t)e->rate;
	p->elapsed_ns = progress_elapsed_ns(e);
	p->movers = e->worker_count;
	p->phase = phase(e);
	/* Without a forecast, what the walk has found so far: it runs ahead of the transfer. */
	if (!e->forecast || walked(e)) {
		p->bytes_expected = e->total.examined_bytes;
		p->files_expected = e->total.examined;
	}
	/* The forecast of totals can be short: what has been seen is the least there is. */
	if (p->bytes_expected && p->bytes_expected < e->total.examined_bytes)
		p->bytes_expected = e->total.examined_bytes;
	if (p->files_expected && p->files_expected < p->files_examined)
		p->files_expected = p->files_examined;
	p->remaining_s =
		p->bytes_expected > done && e->rate > 1 ? (int64_t)((double)(p->bytes_expected - done) / e->rate) : -1;
}

void progress_update(struct engine *e, bool now_set)
{
	int64_t now = clock_mono_ns();

	progress_refresh(e);
	if (now_set && e->observer->progress_now) {
		e->observer->progress_now(e->observer->arg, &e->progress);
	} else if (now - e->progress_ns >= TELL_EVERY_NS) {
		e->progress_ns = now;
		if (e->observer->progress)
			e->observer->progress(e->observer->arg, &e->progress);
	}
}
