/*
 * Near the limit of memory: first all workers are held, so that what is under way is done and nothing new begins; when that does not
 * help, one worker ends and gives its work back; when the last one has ended so a few times, the run ends. A worker that
 * the kernel kills at the limit counts like one that was ended. The page cache is no matter: the kernel takes it back.
 */
#include "base/clock.h"
#include "engine/private.h"

#include <signal.h>

#define HELD_NS (5 * NS_PER_S) /* for what is under way */
#define ALONE_MAX 3

static void retire_one(struct engine *e)
{
	struct worker *w = e->workers; /* the youngest */

	if (!w || w->retired)
		return;
	w->retired = true;
	kill(w->pid, SIGKILL);
}

void memory_tick(struct engine *e, struct memory_watch *m, uint64_t used)
{
	uint64_t limit = e->limits.memory;
	int64_t now = clock_mono_ns();

	m->crowded = used > limit - limit * 3 / 8;
	if (used > limit - limit / 8) {
		if (!m->since) {
			engine_note(e, "near the limit of memory: waiting for what is under way");
			engine_hold(e, HOLD_MEMORY, true);
			m->since = now;
		} else if (now - m->since > HELD_NS) {
			retire_one(e);
			m->since = now;
		}
	} else if (m->since && used < limit - limit / 4) {
		engine_hold(e, HOLD_MEMORY, false);
		m->since = 0;
	}
}

bool memory_ended(struct engine *e, struct memory_watch *m, bool retired, uint64_t kills)
{
	AUTO_DIAG d = DIAG_INIT;
	bool killed = kills > m->kills;

	m->kills = MAX(m->kills, kills);
	if (!killed && !retired)
		return false;
	if (m->since && !e->workers) { /* what held them is gone with them */
		engine_hold(e, HOLD_MEMORY, false);
		m->since = 0;
	}
	e->worker_max = MAX(e->worker_count, 1u);
	e->retry_at = clock_mono_ns() + NS_PER_S;
	if (e->workers || ++m->alone < ALONE_MAX) {
		engine_note(e, "a worker %s at the limit of memory (%llu MiB); going on with %u",
			killed ? "was killed by the kernel" : "was ended", (unsigned long long)(e->limits.memory >> 20), e->worker_max);
		return true;
	}
	diag_set(&d, DIAG_LIMITS_MEMORY, 0, NULL, "a single worker needs more than %llu MiB of memory, together with what starts it",
		(unsigned long long)(e->limits.memory >> 20));
	engine_fatal(e, &d);
	return true;
}
