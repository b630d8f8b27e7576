#include "engine/totals.h"
#include "base/clock.h"
#include "engine/coordinator.h"

#define LASTED_NS (300 * NS_PER_S)

/*
 * A unit may take longer than a link lasts: what the target has confirmed is not done again. The rest is, so it counts
 * only when the link has lasted for a while; else what breaks it at once, whenever it comes to that, would be tried for ever.
 */
static bool of_use(const struct worker *w, const struct counts *c)
{
	return c->files_transferred || c->files_deleted || c->metadata_updated || c->links_made || c->dirs_created ||
		((c->files_examined || c->bytes_literal || c->bytes_matched || c->bytes_hashed) &&
			clock_mono_ns() - w->ready_ns > LASTED_NS);
}

void on_count(struct engine *e, struct worker *w, const struct ipc_count *m)
{
	counts_add(&e->totals.counts, &m->counts);
	w->counted.files += m->counts.files_examined;
	w->counted.bytes += m->counts.bytes_total;
	w->counted.done += m->counts.bytes_done;
	if (of_use(w, &m->counts))
		link_state_used(&e->link);
}

static void take_back(uint64_t *total, uint64_t counted, uint64_t settled)
{
	*total -= MIN(*total, counted > settled ? counted - settled : 0);
}

void totals_uncount(struct engine *e, const struct worker *w)
{
	take_back(&e->totals.counts.files_examined, w->counted.files, w->settled.files);
	take_back(&e->totals.counts.bytes_total, w->counted.bytes, w->settled.bytes);
	take_back(&e->totals.counts.bytes_done, w->counted.done, w->settled.done);
}
