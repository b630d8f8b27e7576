#include "mover/need.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/give.h"
#include "mover/leave.h"
#include "mover/link.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

static void count_need(struct mover *m, struct dir *d, const struct need *n, struct listed *e)
{
	const char *name = listed_name(&d->scan.listing, e);

	switch (n->op) {
	case NEED_CREATED:
		if (e->type == META_DIR) {
			m->count.dirs_created++;
			e->needs = true; /* new: its content streams */
		}
		tell_item(m, OP_CREATE, d->src, name, e->type, n->why, 0, NULL);
		break;
	case NEED_UPDATED:
		tell_item(m, OP_UPDATE, d->src, name, e->type, n->why, 0, NULL);
		if (e->type == META_DIR)
			e->needs = true;
		break;
	case NEED_METADATA:
		/* Only separated from other names of the target, of which deletions may take some first: whether that is
		 * needed cannot be foretold, and nothing of the file itself changes. */
		if (n->why == META_D_HARDLINK)
			break;
		m->count.metadata_updated++;
		tell_item(m, OP_METADATA, d->src, name, e->type, n->why, 0, NULL);
		break;
	default:
		break;
	}
}

static void need_one(struct mover *m, struct dir *d, const struct need *n)
{
	struct listed *e;
	struct need_state *s;

	if (n->index >= d->compare.listed_len)
		mover_protocol_error(m, "a need for an entry that was not listed");
	e = &d->scan.listing.entries[d->compare.listed_index[n->index]];
	s = &d->compare.needs[n->index];
	count_need(m, d, n, e);
	switch (n->op) {
	case NEED_NEW:
	case NEED_UPDATE:
		if (e->type != META_REG || e->linked)
			mover_protocol_error(m, "content was asked for of something that has none");
		s->op = n->op;
		s->why = n->why;
		s->basis = n->basis;
		break;
	case NEED_LINK_STATE: {
		struct link_wait *w = STEAL(s->link);
		if (!w)
			mover_protocol_error(m, "the state of a link that was not asked for");
		s->op = n->op;
		link_state(m, w, n);
		break;
	}
	case NEED_WAY: /* what a link waits for is said when it is done */
		s->op = n->op;
		s->why = n->why;
		break;
	case NEED_FAILED:
		if (s->link) { /* nobody will say more of it */
			struct link_wait *w = STEAL(s->link);
			link_failed(m, w);
		}
		s->op = n->op;
		tell_failed(m, &n->diag);
		break;
	default:
		break;
	}
}

void dir_maybe_work(struct mover *m, struct dir *d)
{
	bool wants_extra = m->flags & IPC_DELETE;

	if (!d->compare.need_done || (wants_extra && !d->delete.extra_done))
		return;
	for (uint32_t i = 0; i < d->compare.listed_len; i++) {
		const struct listed *e = &d->scan.listing.entries[d->compare.listed_index[i]];
		if (d->compare.needs[i].link && d->compare.needs[i].op != NEED_WAY)
			mover_protocol_error(m, "no state of a link");
		if (d->compare.needs[i].op == 0 && !e->linked)
			m->count.bytes_done += e->size;
	}
	dir_give_listed(m, d);
	d->state = DIR_STATE_WAY;
	tasks_queue(&m->tasks, &d->task);
}

void on_need(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t flags = rd_u8(&r);
	struct need n = {};

	if (d->state != DIR_STATE_NEED || d->compare.need_done || flags > MSG_LAST)
		mover_protocol_error(m, "an unexpected NEED");
	while (msg_need_get(&r, &n)) {
		need_one(m, d, &n);
		diag_release(&n.diag);
	}
	if (!rd_done(&r))
		mover_protocol_error(m, "a malformed NEED");
	if (flags & MSG_LAST) {
		d->compare.need_done = true;
		dir_maybe_work(m, d);
	}
}
