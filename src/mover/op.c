#include "mover/op.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/leave.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

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
	free(op->to);
	free(op);
	if (d) {
		m->unacked--;
		dir_pending_done(m, d);
	}
}

void on_op_done(struct mover *m, struct op *op, const struct frame *f)
{
	struct msg_op_done done;

	if (op->type == MSG_DELETE || !msg_op_done_get(f, &done))
		mover_protocol_error(m, "a malformed answer to a request");
	if (op->type == MSG_SYNC)
		ipc_synced_send(&m->ipc, &(struct ipc_synced){.failed = done.failed, .diag = done.diag});
	else if (diag_is_set(&done.diag))
		tell_failed(m, &done.diag);
	if (op->type == MSG_LINK && !done.failed && done.changed) {
		m->count.links_made++;
		tell_item(m, OP_LINK, op->dir->src, op->name, op->entry_type, META_D_HARDLINK, 0, op->to);
	}
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
