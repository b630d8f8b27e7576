#include "engine/walk.h"
#include "base/path.h"
#include "engine/coordinator.h"
#include "engine/linking.h"
#include "engine/links.h"
#include "engine/shares.h"
#include "engine/space.h"

#include <string.h>

void walk_init(struct walk *w, char *spill_dir)
{
	w->spill_dir = spill_dir;
	w->next_unit = 1;
	queue_init(&w->queue, spill_dir);
	queue_init(&w->segments, NULL);
	queue_init(&w->deferred, spill_dir);
}

void walk_release(struct walk *w)
{
	queue_release(&w->queue);
	queue_release(&w->segments);
	queue_release(&w->deferred);
	free(STEAL(w->spill_dir));
	free(STEAL(w->mount_given));
}

void walk_add_mount(struct engine *e, size_t i, uint8_t flags)
{
	const struct mount *m = &e->plan.chosen[i];

	e->walk.mount_given[i] = true;
	queue_add(&e->walk.queue, UNIT_DIR, flags, (uint32_t)i, m->rel, m->target_rel);
}

/* Mounts that no walk has come across: their mount points lie in file systems that are not copied. */
static bool enqueue_unvisited(struct engine *e)
{
	bool any = false;

	for (size_t i = 0; i < e->plan.chosen_count; i++) {
		struct rules_verdict v;
		if (e->walk.mount_given[i])
			continue;
		e->walk.mount_given[i] = true;
		rules_match_path(e->rules, e->plan.chosen[i].rel, true, &v);
		if (v.hide)
			continue;
		walk_add_mount(e, i, UNIT_PARENTS);
		any = true;
	}
	return any;
}

void walk_anew(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	queue_release(&e->walk.queue);
	queue_release(&e->walk.segments);
	shares_clear(e);
	queue_release(&e->walk.deferred);
	if (!linking_begin(e, &d))
		engine_fatal(e, &d);
	memset(e->walk.mount_given, 0, e->plan.chosen_count * sizeof(*e->walk.mount_given));
	e->walk.begun = e->walk.revisiting = e->ending = e->synced = false;
	space_anew(e);
	e->totals.done_files = e->totals.done_bytes = 0;
	e->totals.counts.files_examined = e->totals.counts.bytes_total = e->totals.counts.bytes_done = 0;
}

static bool in_flight(const struct engine *e)
{
	for (const struct worker *w = e->workers.first; w; w = w->next)
		if (w->unit_count)
			return true;
	return false;
}

/* True when there is nothing more to hand out. */
bool walk_exhausted(struct engine *e)
{
	if (e->walk.queue.len || e->walk.segments.len || in_flight(e) || e->shares)
		return false;
	if ((e->job->kind != JOB_VERIFY || e->verify.whole) && enqueue_unvisited(e))
		return false;
	if (e->walk.deferred.len) { /* the one is empty, the other takes its place */
		struct queue empty = e->walk.queue;

		e->walk.revisiting = true;
		e->walk.queue = e->walk.deferred;
		e->walk.deferred = empty;
		return false;
	}
	return true;
}

/* Whether all there is has been found: no directory is waiting, and of those under way what they hold is known. */
bool walk_complete(const struct engine *e)
{
	if (e->walk.revisiting || e->ending)
		return true;
	if (!e->walk.begun || e->walk.queue.len || !e->workers.first)
		return false;
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		if (!e->walk.mount_given[i])
			return false;
	for (const struct worker *w = e->workers.first; w; w = w->next)
		for (const struct unit *u = w->units; u; u = u->next)
			if (u->kind != UNIT_SEGMENT && !u->listed)
				return false;
	return true;
}

/* What was to be remembered and is lost: nothing that follows could be trusted, deletions least of all. */
void walk_check_memory(struct engine *e)
{
	int err = e->walk.queue.packed.err ? e->walk.queue.packed.err : e->walk.deferred.packed.err;
	AUTO_DIAG d = DIAG_INIT;

	if (!err && e->links)
		err = links_error(e->links);
	if (!err)
		return;
	diag_set(&d, DIAG_ENGINE_ROOM, err, e->walk.spill_dir, "cannot keep what does not fit into memory in '%s'",
		e->walk.spill_dir ? e->walk.spill_dir : "memory");
	engine_fatal(e, &d);
}

/* ---- what workers say of it ---- */

/* Deeper than anything is ever meant to be: that directory's failure, and nobody else's. */
static void too_deep(struct engine *e, const char *dir, const struct bytes *name)
{
	AUTO_FREE char *path = path_join_n(dir, name->p, name->len);
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_DEEP, 0, path, "a directory is left out: its path has more than %u bytes",
		WALK_PATH_MAX);
	e->totals.failed_said++;
	engine_diag(e, &d);
}

static bool fits(const char *dir, const struct bytes *name)
{
	return strlen(dir) + 1 + name->len <= WALK_PATH_MAX;
}

static void give_mount(struct engine *e, const struct ipc_given *g)
{
	const struct mount *m = &e->plan.chosen[g->mount];
	AUTO_FREE char *dst = xmemdup(g->dst.p, g->dst.len);
	bool bare = g->flags & UNIT_BARE;

	if (!bare && e->walk.mount_given[g->mount])
		return;
	if (!bare)
		e->walk.mount_given[g->mount] = true;
	queue_add(&e->walk.queue, UNIT_DIR, g->flags & (UNIT_NEW | UNIT_PARENTS | UNIT_BARE), g->mount, m->rel,
		bare ? dst : m->target_rel);
}

void on_give(struct engine *e, struct worker *w, const struct ipc_give *m)
{
	struct rd r = rd_init(m->records.p, m->records.len);
	struct unit *u = worker_find_unit(w, m->unit);
	struct ipc_given g;

	if (!u) {
		engine_malformed(e, "unit");
		return;
	}
	while (ipc_given_get(&r, &g)) {
		if (g.other_mount) {
			if (g.mount >= e->plan.chosen_count) {
				engine_malformed(e, "mount");
				return;
			}
			give_mount(e, &g);
		} else if (!fits(u->src, &g.name) || !fits(u->dst, &g.name)) {
			too_deep(e, u->src, &g.name);
		} else if (!queue_unit_gave(u, &e->walk.name_key, g.name.p, g.name.len, e->walk.spill_dir)) {
			AUTO_FREE char *src = path_join_n(u->src, g.name.p, g.name.len);
			AUTO_FREE char *dst = path_join_n(u->dst, g.name.p, g.name.len);
			queue_add(&e->walk.queue, UNIT_DIR, g.flags & (UNIT_NEW | UNIT_BARE | UNIT_MEASURE), u->mount,
				src, dst);
		}
	}
	if (!rd_done(&r))
		engine_malformed(e, "give");
}

void on_unit_done(struct engine *e, struct worker *w, const struct ipc_unit_done *m)
{
	struct unit *u = worker_find_unit(w, m->unit);

	if (!u) {
		engine_malformed(e, "unit done");
		return;
	}
	if (u->share) {
		u->share->changed = u->share->changed || m->files;
		w->settled.done += u->len;
	} else {
		space_count(e, u->mount, m);
		e->totals.done_files += m->files;
		e->totals.done_bytes += m->bytes;
		w->settled.files += m->files;
		w->settled.bytes += m->bytes;
		w->settled.done += m->bytes;
	}
	link_state_used(&e->link);
	worker_take_unit(w, u);
	if (u->share)
		share_segment_done(e, u->share, m->ok);
	queue_unit_free(u);
}

void on_listed(struct engine *e, struct worker *w, const struct ipc_listed *m)
{
	struct unit *u = worker_find_unit(w, m->unit);

	if (u)
		u->listed = true;
}

/* Once, however often it is said, and also when the unit is done again. */
void on_defer(struct engine *e, struct worker *w, const struct ipc_defer *m)
{
	struct unit *u = worker_find_unit(w, m->unit);

	if (!u || u->deferred)
		return;
	u->deferred = true;
	queue_add(&e->walk.deferred, UNIT_DIR, UNIT_REVISIT, u->mount, u->src, u->dst);
}
