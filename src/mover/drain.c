#include "mover/drain.h"
#include "mover/batch.h"
#include "mover/dir.h"
#include "mover/leave.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <unistd.h>

void dir_drain(struct mover *m, struct dir *d)
{
	if (d->state != DIR_STATE_DRAIN && d->slice + 1 >= d->slices)
		ipc_listed_send(&m->ipc, &(struct ipc_listed){.unit = d->unit});
	d->state = DIR_STATE_DRAIN;
	if (m->batch && m->batch->dir == d)
		batch_flush(m);
	if (d->pending)
		return;
	if (d->dead || !d->sent) { /* dry run: of what would be new the receiver knows nothing */
		dir_finish(m, d, !d->dead);
		return;
	}
	buf_clear(&m->msg);
	wr_u8(&m->msg, d->slice + 1 < d->slices || d->passage ? DIR_END_NO_META : 0);
	chan_send_buf(&m->wire, MSG_DIR_END, d->id, &m->msg);
	d->state = DIR_STATE_DONE;
}

void dir_pending_done(struct mover *m, struct dir *d)
{
	d->pending--;
	if (d->state == DIR_STATE_DRAIN)
		dir_drain(m, d);
}

void on_dir_done(struct mover *m, struct dir *d, const struct frame *f)
{
	struct msg_dir_done done;

	if (!msg_dir_done_get(f, &done) || d->state != DIR_STATE_DONE || d->batches)
		mover_protocol_error(m, "an unexpected DIR_DONE");
	if (diag_is_set(&done.diag))
		tell_failed(m, &done.diag);
	diag_release(&done.diag);
	if (++d->slice < d->slices) {
		dir_slice_release(m, d);
		lseek(d->fd, 0, SEEK_SET);
		d->state = DIR_STATE_SCAN;
		tasks_queue(&m->tasks, &d->task);
		return;
	}
	if (done.set && !(d->unit_flags & UNIT_NEW) && !d->passage) {
		m->count.metadata_updated++;
		tell_item(m, OP_METADATA, d->src, "", META_DIR, done.set, 0, NULL);
	}
	dir_finish(m, d, true);
}
