#include "engine/totals.h"
#include "base/clock.h"
#include "engine/coordinator.h"

#define LASTED_NS (300 * NS_PER_S)

/*
 * A unit may take longer than a link lasts: what the target has confirmed is not done again. The rest is, so it counts
 * only when the link has lasted for a while; else what breaks it at once, whenever it comes to that, would be tried for ever.
 */
static bool of_use(const struct worker *w, const struct ipc_count *c)
{
	return c->transferred || c->deleted || c->metadata || c->links || c->dirs ||
		((c->examined || c->literal || c->matched || c->hashed) && clock_mono_ns() - w->ready_ns > LASTED_NS);
}

void on_count(struct engine *e, struct worker *w, const struct ipc_count *m)
{
#define X(name) e->totals.count.name += m->name;
	IPC_COUNTERS(X)
#undef X
	w->counted.files += m->examined;
	w->counted.bytes += m->examined_bytes;
	w->counted.done += m->done_bytes;
	if (of_use(w, m))
		link_state_used(&e->link);
}

static void take_back(uint64_t *total, uint64_t counted, uint64_t settled)
{
	*total -= MIN(*total, counted > settled ? counted - settled : 0);
}

void totals_uncount(struct engine *e, const struct worker *w)
{
	take_back(&e->totals.count.examined, w->counted.files, w->settled.files);
	take_back(&e->totals.count.examined_bytes, w->counted.bytes, w->settled.bytes);
	take_back(&e->totals.count.done_bytes, w->counted.done, w->settled.done);
}
