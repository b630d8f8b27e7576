#include "mover/op.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/leave.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <errno.h>

struct op *op_new(struct mover *m, uint8_t type, struct dir *d, const char *name)
{
	struct op *op = xcalloc(1, sizeof(*op));

	op->type = type;
	op->dir = d;
	op->name = name ? xstrdup(name) : NULL;
	op->id = slots_add(&m->slots, SLOT_OP, op);
	if (d) {
		d->pending++;
		m->unacked++;
	}
	return op;
}

void op_free(struct mover *m, struct op *op)
{
	struct dir *d = op->dir;

	slots_remove(&m->slots, op->id);
	free(op->name);
	free(op);
	if (d) {
		m->unacked--;
		dir_pending_done(m, d);
	}
}

/* A link that cannot be made becomes a copy. */
static void link_answered(struct mover *m, struct op *op, const struct msg_op_done *done)
{
	const struct diag *d = &done->diag;
	bool refused = done->failed && (d->code == DIAG_RECEIVER_LINK || d->err == EMLINK);

	if (refused && link_regroup(m, op->link, d->err, done->dev)) {
		m->count.bytes_done -= op->link->size; /* it is counted again */
		return;
	}
	if (diag_is_set(d))
		tell_failed(m, d);
	if (!done->failed && done->changed) {
		m->count.links_made++;
		tell_item(m, OP_LINK, op->dir->src, op->name, op->entry_type, META_D_HARDLINK, 0, op->link->to);
	}
	link_release(m, op->link);
}

void on_op_done(struct mover *m, struct op *op, const struct frame *f)
{
	struct msg_op_done done;

	if (op->type == MSG_DELETE || !msg_op_done_get(f, &done))
		mover_protocol_error(m, "a malformed answer to a request");
	if (op->type == MSG_SYNC)
		ipc_synced_send(&m->ipc, &(struct ipc_synced){.failed = done.failed, .diag = done.diag});
	else if (op->type == MSG_LINK)
		link_answered(m, op, &done);
	else if (diag_is_set(&done.diag))
		tell_failed(m, &done.diag);
	if (op->type == MSG_META) {
		if (!done.failed && done.changed) {
			m->count.metadata_updated++;
			tell_item(m, OP_METADATA, op->dir->src, op->name, op->entry_type, done.why, 0, NULL);
		}
		if (op->link)
			link_committed(m, op->link, !done.failed, done.dev, done.ino);
	}
	diag_release(&done.diag);
	op_free(m, op);
}
