#include "engine/feed.h"
#include "base/clock.h"
#include "engine/coordinator.h"
#include "engine/shares.h"

#define QUEUE_DEEP 16 /* units waiting beyond what movers hold, before another mover is started */
#define START_AGAIN_NS (30 * NS_PER_S) /* after this host could start no process more */
#define SEGMENTS_EACH 2 /* segments of large files one worker holds: the others are for the others */

/*
 * Directories may wait for the shared files in them, and those for their segments: so segments have places of their own,
 * and come first.
 */
static struct unit *next_unit(struct engine *e, const struct worker *w)
{
	struct unit *u = NULL;

	if (w->segment_count < SEGMENTS_EACH)
		u = queue_pop(&e->walk.segments);
	if (!u && !(e->hold.why & HOLD_MEMORY) && w->unit_count - w->segment_count < IPC_UNITS_MAX)
		u = queue_pop(&e->walk.queue);
	return u;
}

/* Which of its files are compared by their contents. */
static void name_doubts(const struct engine *e, const struct unit *u, struct ipc_unit *m, struct buf *names)
{
	const struct doubts *d = &e->doubts;

	if (u->kind == UNIT_SEGMENT)
		return;
	if (d->all || (u->kind == UNIT_PATH && doubts_has(d, u->src)) || !doubts_in(d, u->src, names))
		m->flags |= UNIT_DOUBT;
	else
		m->doubts = (struct bytes){names->data, names->len};
}

static void send_unit(struct engine *e, struct worker *w, struct unit *u)
{
	struct ipc_unit m = {.kind = u->kind,
		.flags = u->flags,
		.mount = u->mount,
		.size = u->size,
		.off = u->off,
		.len = u->len,
		.basis = u->basis,
		.ino = u->ino,
		.mtime_ns = u->mtime_ns};
	AUTO_BUF names = BUF_INIT;

	if (!u->id)
		u->id = e->walk.next_unit++;
	m.id = u->id;
	m.src = (struct bytes){(uint8_t *)u->src, strlen(u->src)};
	m.dst = (struct bytes){(uint8_t *)u->dst, strlen(u->dst)};
	if (u->kind == UNIT_SEGMENT) {
		m.path = (struct bytes){(uint8_t *)u->path, strlen(u->path)};
		m.basis_path = (struct bytes){(uint8_t *)u->basis_path, strlen(u->basis_path)};
	}
	name_doubts(e, u, &m, &names);
	worker_send_unit(w, &m);
	worker_add_unit(w, u);
}

static void feed_worker(struct engine *e, struct worker *w)
{
	struct unit *u;

	while (w->state == WORKER_READY && (u = next_unit(e, w))) {
		/* Its file begins anew with another mover, or is given up. */
		if (u->share && (u->share->orphan || u->share->failed)) {
			share_segment_done(e, STEAL(u->share), false);
			queue_unit_free(u);
			continue;
		}
		send_unit(e, w, u);
	}
}

static bool first_units(struct engine *e, struct diag *d)
{
	if (e->walk.begun)
		return true;
	e->walk.begun = true;
	if (e->job->kind == JOB_VERIFY)
		return verifyjob_units(e, d);
	/* The source root's own file system may be left out: then the first mount's parents are not there. */
	walk_add_mount(e, 0, *e->plan.chosen[0].rel ? UNIT_PARENTS : 0);
	return true;
}

void feed(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;
	bool starting = false, room = false;
	struct worker *w;

	for (w = e->workers.first; w; w = w->next) {
		starting = starting || w->state == WORKER_STARTING;
		if (w->state == WORKER_READY && !e->ending) {
			if (!first_units(e, &d)) {
				engine_fatal(e, &d);
				return;
			}
			feed_worker(e, w);
			room = room || w->unit_count == 0;
		}
	}
	walk_check_memory(e);
	/* Handshakes come one after the other: sshd refuses many at once. */
	if (starting || room || e->workers.count >= e->workers.max || e->workers.count == 0)
		return;
	if (!e->walk.segments.len && e->walk.queue.len < QUEUE_DEEP)
		return;
	if (e->hold.why || limits_crowded(e) || e->link.retry_at > clock_mono_ns())
		return;
	if (!worker_start(e, &d)) {
		AUTO_BUF text = BUF_INIT;

		diag_format(&text, &d);
		engine_note(e, "%s; those that work go on", buf_cstr(&text));
		e->link.retry_at = clock_mono_ns() + START_AGAIN_NS;
	}
}
