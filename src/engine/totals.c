#include "engine/totals.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/coordinator.h"

#include <inttypes.h>

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

void on_lost(struct engine *e, struct worker *w, const struct ipc_lost *m)
{
	AUTO_FREE char *path = NULL;
	AUTO_BUF what = BUF_INIT;

	if (m->why >= LOST_WHY_END || m->what.len == 0 || m->what.len > LOST_WHAT_MAX) {
		engine_malformed(e, "lost");
		return;
	}
	text_escape(&what, m->what.p, m->what.len);
	path = xmemdup(m->path.p, m->path.len);
	lost_add(&e->totals.lost, (enum lost_why)m->why, buf_cstr(&what), m->files, path, "");
}

void totals_say_lost(struct engine *e)
{
	struct lost *l = &e->totals.lost;

	for (size_t i = 0; i < l->n; i++) {
		const struct lost_kind *k = &l->all[i];
		const char *first = *k->first ? k->first : ".";
		AUTO_FREE char *shown = text_escaped(first);
		AUTO_DIAG d = DIAG_INIT;

		if (k->why == LOST_RECENT)
			continue; /* since_say() */
		if (k->why == LOST_FUTURE)
			diag_set(&d, DIAG_ENGINE_CLOCK, 0, first, "%s: %" PRIu64 " entries that differ, first '%s'",
				k->what, k->files, shown);
		else if (k->why == LOST_TARGET)
			diag_set(&d, DIAG_ENGINE_TARGET_HOLDS, 0, first,
				"the target's file system does not hold %s: %" PRIu64 " files, first '%s'", k->what,
				k->files, shown);
		else
			diag_set(&d, DIAG_ENGINE_NOT_KEPT, 0, first, "%s is not kept: %" PRIu64 " files, first '%s'",
				k->what, k->files, shown);
		engine_diag(e, &d);
	}
	lost_clear(l);
}
