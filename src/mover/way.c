#include "mover/way.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/link.h"
#include "mover/op.h"
#include "mover/state.h"
#include "wire/msg.h"

static void send(struct mover *m, struct dir *d, uint32_t index, uint64_t budget)
{
	const struct listed *e = &d->scan.listing.entries[d->compare.listed_index[index]];
	struct op *op = op_new(m, MSG_DELETE, d, NULL);

	op->way = true;
	op->index = index;
	op->granted = budget;
	buf_clear(&m->msg);
	msg_delete_head_put(&m->msg, &(struct msg_delete_head){.dir = d->id, .flags = DELETE_WAY, .budget = budget});
	wr_str(&m->msg, listed_name(&d->scan.listing, e));
	chan_send_buf(&m->wire, MSG_DELETE, op->id, &m->msg);
}

/* With max_delete one after the other, for the next one's budget is what the last one leaves. */
enum step dir_way_step(struct mover *m, struct dir *d)
{
	struct dir_compare *c = &d->compare;

	for (; c->way_next < c->listed_len; c->way_next++) {
		if (c->needs[c->way_next].op != NEED_WAY)
			continue;
		if (m->unacked >= UNACKED_MAX)
			return STEP_BLOCKED;
		if (m->flags & IPC_MAX_DELETE) {
			if (c->way_asked)
				return STEP_WAIT;
			c->way_index = c->way_next;
			d->pending++;
			ipc_budget_send(&m->ipc, &(struct ipc_budget){.token = d->id});
		} else {
			send(m, d, c->way_next, UINT64_MAX);
		}
		c->way_asked++;
	}
	if (c->way_asked)
		return STEP_WAIT;
	d->state = DIR_STATE_WORK;
	return STEP_MORE;
}

void dir_way_granted(struct mover *m, struct dir *d, uint64_t budget)
{
	send(m, d, d->compare.way_index, budget);
}

void dir_way_answered(struct mover *m, struct dir *d, uint32_t index, bool ok)
{
	struct need_state *s = &d->compare.needs[index];
	struct link_wait *w = STEAL(s->link);

	if (!ok)
		s->op = NEED_FAILED;
	else if (!w)
		s->op = NEED_NEW;
	else
		s->op = 0;
	if (w && ok)
		link_state(m, w, &(struct need){.op = NEED_LINK_STATE});
	else if (w)
		link_failed(m, w);
	if (--d->compare.way_asked == 0)
		tasks_queue(&m->tasks, &d->task);
}
