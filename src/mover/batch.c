#include "mover/batch.h"
#include "mover/dir.h"
#include "mover/send.h"
#include "mover/state.h"
#include "wire/msg.h"

struct batch *batch_open(struct mover *m, struct dir *d)
{
	if (m->batch && m->batch->dir != d)
		batch_flush(m);
	if (!m->batch) {
		struct batch *b = xcalloc(1, sizeof(*b));
		b->dir = d;
		d->batches++;
		b->id = slots_add(&m->slots, SLOT_BATCH, b);
		wr_u32(&b->payload, d->id);
		m->batch = b;
	}
	return m->batch;
}

void batch_free(struct mover *m, struct batch *b)
{
	struct dir *d = b->dir;

	slots_remove(&m->slots, b->id);
	buf_release(&b->payload);
	buf_release(&b->names);
	free(b->recs);
	free(b);
	d->batches--;
	if (d->state == DIR_STATE_ENDED)
		dir_finish(m, d, d->ended_ok);
}

struct batch_rec *batch_add(struct batch *b, const char *name)
{
	struct batch_rec *r;

	if (b->len == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 32;
		b->recs = xrealloc(b->recs, b->cap * sizeof(*b->recs));
	}
	r = &b->recs[b->len++];
	*r = (struct batch_rec){.name = (uint32_t)b->names.len};
	buf_append(&b->names, name, strlen(name) + 1);
	return r;
}

void batch_flush(struct mover *m)
{
	struct batch *b = STEAL(m->batch);

	if (!b)
		return;
	if (b->len == 0) {
		batch_free(m, b);
		return;
	}
	mover_send_content(m, MSG_PUT, b->id, &b->payload);
	buf_release(&b->payload);
}
