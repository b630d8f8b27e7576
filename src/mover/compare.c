#include "mover/compare.h"
#include "mover/dir.h"
#include "mover/give.h"
#include "mover/leave.h"
#include "mover/list.h"
#include "mover/state.h"
#include "mover/stream.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <unistd.h>

static void add_done_bytes(struct mover *m, struct dir *d)
{
	for (uint32_t i = 0; i < d->scan.listing.len; i++)
		if (!d->scan.listing.entries[i].linked && !d->scan.listing.entries[i].doubt)
			m->count.bytes_done += d->scan.listing.entries[i].size;
}

/* What this slice has counted is counted again. */
static void uncount_slice(struct mover *m, struct dir *d)
{
	if (d->counted)
		return;
	for (uint32_t i = 0; i < d->scan.listing.len; i++) {
		m->count.bytes_total -= d->scan.listing.entries[i].size;
		d->bytes -= d->scan.listing.entries[i].size;
	}
	m->count.files_examined -= d->scan.listing.len;
	d->files -= d->scan.listing.len;
	dir_space_begin(d);
}

void on_dir_equal(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint32_t set = rd_u32(&r);

	if (!rd_done(&r) || d->state != DIR_STATE_DIGEST)
		mover_protocol_error(m, "an unexpected DIR_EQUAL");
	add_done_bytes(m, d);
	if (d->scan.more) {
		dir_start_list(m, d);
		return;
	}
	if (set && !d->passage) {
		m->count.metadata_updated++;
		tell_item(m, OP_METADATA, d->src, "", META_DIR, set, 0, NULL);
	}
	dir_give_listed(m, d);
	dir_finish(m, d, true);
}

void on_dir_diff(struct mover *m, struct dir *d, const struct frame *f)
{
	struct msg_dir_diff diff;

	if (!msg_dir_diff_get(f, &diff) || d->state != DIR_STATE_DIGEST ||
		(!diff.empty && diff.buckets.len != (size_t)d->scan.buckets * 8))
		mover_protocol_error(m, "an unexpected DIR_DIFF");
	if (diff.empty && !(d->unit_flags & UNIT_BARE) && !m->checksum) {
		d->is_new = true;
		if (d->slices == 1)
			d->counted = true;
		else /* the whole directory is streamed */
			uncount_slice(m, d);
		d->slice = 0;
		d->slices = 1;
		dir_slice_release(m, d);
		lseek(d->fd, 0, SEEK_SET);
		dir_start_stream(m, d);
		tasks_queue(&m->tasks, &d->task);
		return;
	}
	d->compare.bitmap = xcalloc(d->scan.buckets / 8 + 1, 1);
	for (uint32_t i = 0; i < d->scan.buckets; i++) {
		struct rd r = rd_init(diff.empty ? NULL : diff.buckets.p + (size_t)i * 8, diff.empty ? 0 : 8);
		if (m->checksum || diff.empty || rd_u64(&r) != d->scan.bucket_sums[i])
			d->compare.bitmap[i / 8] |= (uint8_t)(1u << (i % 8));
	}
	for (uint32_t i = 0; i < d->scan.listing.len; i++) {
		const struct listed *e = &d->scan.listing.entries[i];
		if (!e->linked && !e->doubt && !(d->compare.bitmap[e->bucket / 8] & (1u << (e->bucket % 8))))
			m->count.bytes_done += e->size;
	}
	dir_start_list(m, d);
}

void on_dir_split(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint32_t slices = rd_u32(&r);

	if (!rd_done(&r) || d->state != DIR_STATE_DIGEST || slices <= d->slices || slices > (1u << 20) || d->slice != 0)
		mover_protocol_error(m, "an unexpected DIR_SPLIT");
	uncount_slice(m, d);
	dir_slice_release(m, d);
	d->slices = slices;
	lseek(d->fd, 0, SEEK_SET);
	d->state = DIR_STATE_SCAN;
	tasks_queue(&m->tasks, &d->task);
}

void on_dir_fail(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	AUTO_DIAG diag = DIAG_INIT;

	bool asked = d->state == DIR_STATE_DIGEST ||
		(d->is_new && d->sent &&
			(d->state == DIR_STATE_STREAM || d->state == DIR_STATE_DRAIN || d->state == DIR_STATE_DONE));

	if (!rd_diag(&r, &diag) || !rd_done(&r) || !asked || d->dead)
		mover_protocol_error(m, "an unexpected DIR_FAIL");
	tell_failed(m, &diag);
	d->dead = true;
	if (d->state == DIR_STATE_DIGEST || d->state == DIR_STATE_DONE)
		dir_finish(m, d, false);
	/* Otherwise a new directory is being streamed: it ends when its own steps have noticed. */
}
