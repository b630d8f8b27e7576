/*
 * The life of a directory.
 *
 *	OPEN   -> SCAN          it is open, and the receiver may have something to compare
 *	OPEN   -> STREAM        it is open, and this run has made it
 *	OPEN   -> MEASURE       the rules leave it out, and what it takes is asked for
 *	MEASURE -> finished     all names have been looked at
 *	OPEN   -> finished      it cannot be opened
 *	SCAN   -> DIGEST        the listing (of one slice) is complete: DIR is sent. Too long: it begins again, in slices
 *	DIGEST -> finished      DIR_EQUAL, and there is nothing more to say; DIR_FAIL
 *	DIGEST -> LIST          DIR_DIFF; DIR_EQUAL, but names have several links or there are further slices
 *	DIGEST -> STREAM        DIR_DIFF: the receiver's is empty
 *	DIGEST -> SCAN          DIR_SPLIT: it wants smaller slices
 *	LIST   -> NEED          the unequal part of the listing is sent
 *	NEED   -> WAY           the last NEED has come, and the last EXTRA where there is deleting
 *	WAY    -> WORK          nothing is in anything's way any more, or it has failed
 *	WORK   -> DRAIN         all contents have been begun
 *	STREAM -> DRAIN         all entries have been sent or begun; the receiver has given up (dead)
 *	DRAIN  -> DONE          nothing is pending: DIR_END is sent
 *	DRAIN  -> finished      nothing is pending, and the receiver does not hold it (dead; a dry run)
 *	DONE   -> SCAN          DIR_DONE, and there is a further slice
 *	DONE   -> finished      DIR_DONE; DIR_FAIL
 *
 *	finished: freed; while batches are unanswered ENDED, and freed with the last of them
 */
#include "mover/dir.h"
#include "mover/leave.h"
#include "mover/send.h"
#include "mover/state.h"

#include <unistd.h>

static char *copy_path(const struct bytes *b)
{
	return xmemdup(b->p, b->len);
}

void dir_new(struct mover *m, const struct ipc_unit *u)
{
	struct dir *d = xcalloc(1, sizeof(*d));

	d->task.kind = TASK_DIR;
	d->unit = u->id;
	d->unit_flags = u->flags;
	d->mount = u->mount;
	d->src = copy_path(&u->src);
	d->dst = copy_path(&u->dst);
	d->src_len = u->src.len;
	d->dst_len = u->dst.len;
	d->fd = -1;
	d->slices = 1;
	d->is_new = u->flags & UNIT_NEW;
	d->counted = u->flags & UNIT_REVISIT;
	d->doubts.all = u->flags & UNIT_DOUBT;
	if (!nameset_take(&d->doubts, u->doubts.p, u->doubts.len))
		mover_ipc_error(m, "names that are not sorted");
	d->id = slots_add(&m->slots, SLOT_DIR, d);
	m->dirs++;
	tasks_queue(&m->tasks, &d->task);
}

const char *dir_below_mount(const struct mover *m, const struct dir *d)
{
	size_t n = strlen(m->mounts[d->mount].rel);

	if (strlen(d->src) <= n)
		return "";
	return d->src + n + (n > 0);
}

void dir_space_begin(struct dir *d)
{
	memset(&d->space, 0, sizeof(d->space));
	if (!d->counted && !(d->unit_flags & UNIT_BARE))
		d->space.taken = d->meta.blocks * 512;
}

/* An inode of several names is shared among them. */
static void add_space(struct dir *d, const struct meta *meta, uint64_t size)
{
	const uint64_t taken = meta->blocks * 512, names = MAX(meta->nlink, UINT64_C(1));

	d->space.taken += taken / names;
	d->space.holes += size > taken ? (size - taken) / names : 0;
}

void dir_count(struct mover *m, struct dir *d, const struct meta *meta)
{
	const uint64_t size = meta->type == META_REG ? meta->size : 0;

	if (d->counted)
		return;
	d->files++;
	d->bytes += size;
	if (meta->type != META_DIR)
		add_space(d, meta, size);
	m->count.files_examined++;
	m->count.bytes_total += size;
}

void dir_slice_release(struct mover *m, struct dir *d)
{
	listing_release(m, &d->scan.listing);
	names_release(&d->names);
	names_release(&d->late);
	d->lease = (struct lease){};
	free(d->scan.bucket_sums);
	free(d->compare.bitmap);
	free(d->compare.listed_index);
	free(d->compare.needs);
	d->scan.bucket_sums = NULL;
	d->compare.bitmap = NULL;
	d->compare.listed_index = NULL;
	d->compare.needs = NULL;
	d->compare.listed_len = d->compare.list_next = d->compare.work_next = d->compare.late = 0;
	d->compare.way_next = d->compare.way_asked = 0;
	d->compare.list_begun = d->compare.need_done = d->delete.extra_done = d->delete.deleting = false;
	buf_clear(&d->delete.extra);
}

void dir_finish(struct mover *m, struct dir *d, bool ok)
{
	if (d->batches) { /* their answers name it, and may hand on directories */
		d->state = DIR_STATE_ENDED;
		d->ended_ok = ok;
		return;
	}
	ipc_unit_done_send(&m->ipc,
		&(struct ipc_unit_done){.unit = d->unit,
			.ok = ok,
			.files = d->unit_flags & UNIT_REVISIT ? 0 : d->files,
			.bytes = d->unit_flags & UNIT_REVISIT ? 0 : d->bytes,
			.space = d->space.taken,
			.holes = d->space.holes,
			.left_out = d->space.left_out});
	dir_slice_release(m, d);
	slots_remove(&m->slots, d->id);
	if (d->fd >= 0) {
		mover_forget_cwd(m, d->fd);
		close(d->fd);
	}
	buf_release(&d->packed);
	buf_release(&d->delete.extra);
	meta_release(&d->meta);
	nameset_release(&d->doubts);
	free(d->src);
	free(d->dst);
	free(d);
	m->dirs--;
}
