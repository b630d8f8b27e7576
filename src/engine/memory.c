#include "engine/memory.h"
#include "base/clock.h"
#include "engine/coordinator.h"

#include <signal.h>

#define HELD_NS (5 * NS_PER_S) /* for what is under way */
#define TRY_NS (30 * NS_PER_S) /* below the limit, but not well below: then something new is tried */
#define CALM_NS (300 * NS_PER_S) /* what was before is forgotten */
#define ALONE_MAX 3

static void retire_one(struct engine *e)
{
	struct worker *w = e->workers.first; /* the youngest */

	if (!w || w->retired)
		return;
	w->retired = true;
	kill(w->pid, SIGKILL);
}

static void let_go(struct engine *e, struct memory_watch *m)
{
	if (m->since)
		engine_hold(e, HOLD_MEMORY, false);
	m->since = 0;
}

static void near_limit(struct engine *e, struct memory_watch *m, int64_t now)
{
	if (!m->since) {
		engine_note(e, "near the limit of memory: waiting for what is under way");
		engine_hold(e, HOLD_MEMORY, true);
		m->since = now;
	} else if (now - m->since > HELD_NS) {
		retire_one(e);
		m->since = now;
	}
}

void memory_tick(struct engine *e, struct memory_watch *m, uint64_t used)
{
	uint64_t limit = e->limits.now.memory;
	int64_t now = clock_mono_ns();
	bool calm = !limit || used < limit - limit / 4;

	m->crowded = limit && used > limit - limit * 3 / 8;
	m->calm_since = !calm ? 0 : m->calm_since ? m->calm_since : now;
	if (calm && now - m->calm_since > CALM_NS)
		m->alone = 0;
	if (calm || !e->workers.first) /* without workers, only a new one can help */
		let_go(e, m);
	else if (used > limit - limit / 8)
		near_limit(e, m, now);
	else if (now - m->since > TRY_NS)
		let_go(e, m);
}

bool memory_ended(struct engine *e, struct memory_watch *m, bool retired, uint64_t kills)
{
	AUTO_DIAG d = DIAG_INIT;
	bool killed = kills > m->kills;

	m->kills = MAX(m->kills, kills);
	if (!killed && !retired)
		return false;
	if (!e->workers.first) /* what held them is gone with them */
		let_go(e, m);
	e->workers.max = MAX(e->workers.count, 1u);
	e->link.retry_at = clock_mono_ns() + NS_PER_S;
	if (e->workers.first || ++m->alone < ALONE_MAX) {
		engine_note(e, "a process %s at the limit of memory (%llu MiB); going on with %u",
			killed ? "was killed by the kernel" : "was ended",
			(unsigned long long)(e->limits.now.memory >> 20), e->workers.max);
		return true;
	}
	diag_set(&d, DIAG_LIMITS_MEMORY, 0, NULL,
		"a single process needs more than %llu MiB of memory, together with what starts it",
		(unsigned long long)(e->limits.now.memory >> 20));
	engine_fatal(e, &d);
	return true;
}
