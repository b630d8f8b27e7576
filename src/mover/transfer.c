#include "mover/transfer.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/file.h"
#include "mover/leave.h"
#include "mover/send.h"
#include "mover/segment.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <dirent.h>
#include <unistd.h>

#define HOLES_STEP 256

/* ---- steps ---- */

/* What lies before this is not read again: of the segments that are hashed runs may still be wanted. */
static uint64_t settled(const struct file *f)
{
	uint64_t off = f->seg_off, ahead = (uint64_t)f->outstanding * SEGMENT;

	if (f->state == FILE_STATE_STREAM)
		return f->off;
	off -= MIN(off, ahead);
	return f->run_next < f->run_len ? MIN(off, f->runs[f->run_next].off) : off;
}

static void stream_piece(struct mover *m, struct file *f)
{
	uint64_t hole = file_hole_at(f, f->off, f->end);
	uint32_t n;

	if (hole) {
		file_send_hole(m, f, f->off, hole);
		f->off += hole;
		m->count.bytes_done += hole;
		return;
	}
	n = (uint32_t)MIN(file_data_until(f, f->off, f->end) - f->off, (uint64_t)FILE_READ);
	n = file_send_piece(m, f, f->off, n);
	f->off += n;
	m->count.bytes_done += n;
	pagecache_drop(&f->cache, settled(f));
}

/*
 * Chunks that are equal may be zeros there and a hole here: they are made holes, too, when everything else is there; what
 * is punched in place may be the basis of a delta. In a long file many short holes would cost more to name than they save.
 */
static bool holes_step(struct mover *m, struct file *f)
{
	const uint64_t least = f->size > SEGMENT ? WIRE_CHUNK : 1;

	f->data_end = 0;
	for (int i = 0; i < HOLES_STEP && f->holes_off < f->end; i++) {
		uint64_t hole = file_hole_at(f, f->holes_off, f->end);
		if (hole >= least)
			file_send_hole(m, f, f->holes_off, hole);
		f->holes_off = hole ? f->holes_off + hole : file_data_until(f, f->holes_off, f->end);
	}
	return f->holes_off < f->end;
}

static enum step hash_step(struct mover *m, struct file *f)
{
	if (f->run_next < f->run_len) {
		file_send_run(m, f);
		return STEP_MORE;
	}
	pagecache_drop(&f->cache, settled(f));
	if (f->off < f->end && f->outstanding < SEGMENTS_AHEAD) {
		file_hash_piece(m, f);
		return STEP_MORE;
	}
	if (f->off < f->end || f->outstanding)
		return STEP_WAIT;
	if (f->sparse && !f->compare && !f->abandoned) {
		f->state = FILE_STATE_HOLES;
		f->holes_off = f->seg_start;
		return STEP_MORE;
	}
	file_send_end(m, f);
	return STEP_WAIT;
}

enum step file_step(struct mover *m, struct file *f)
{
	switch (f->state) {
	case FILE_STATE_STREAM:
		if (f->off < f->end) {
			stream_piece(m, f);
			return STEP_MORE;
		}
		file_send_end(m, f);
		return STEP_WAIT;
	case FILE_STATE_HASH:
		return hash_step(m, f);
	case FILE_STATE_HOLES:
		if (holes_step(m, f))
			return STEP_MORE;
		file_send_end(m, f);
		return STEP_WAIT;
	default:
		return STEP_WAIT;
	}
}

/* ---- the end ---- */

static void again(struct mover *m, struct file *f, const struct msg_file_done *done)
{
	struct rd r = rd_init(done->runs.p, done->runs.len);
	uint64_t off;
	uint32_t len;

	if (f->state != FILE_STATE_END)
		mover_protocol_error(m, "an unexpected FILE_DONE");
	while (msg_again_get(&r, &off, &len)) {
		if (off > f->size || len > f->size - off)
			mover_protocol_error(m, "a run beyond the end of the file");
		*file_add_run(f) = (struct file_run){.off = off, .len = len};
	}
	if (!rd_done(&r) || !f->run_len || !f->update)
		mover_protocol_error(m, "a malformed FILE_DONE");
	f->state = FILE_STATE_HASH; /* with nothing left to hash: sends the runs, then FILE_END again */
	tasks_queue(&m->tasks, &f->task);
}

static void committed(struct mover *m, struct file *f, const struct msg_file_done *done)
{
	/* Of what was asked for, the receiver may have found that it cannot be set. */
	const uint32_t why = (f->why & META_D_HARDLINK) | done->why;
	bool changed = f->any_run || !f->update || f->size != f->basis;

	if (f->update && f->size > f->literal + f->matched && !f->shared)
		m->count.bytes_matched += f->size - f->literal - f->matched;
	if (f->abandoned)
		return;
	if (changed) {
		m->count.files_transferred++;
		tell_item(m, f->item_op, f->dir->src, f->name, META_REG, f->why | META_D_CONTENT, f->size, NULL);
	} else if (why) {
		m->count.metadata_updated++;
		tell_item(m, OP_METADATA, f->dir->src, f->name, META_REG, why, 0, NULL);
	}
}

/* It has shrunk while it was read: as it is now. What the receiver has of it is the basis. False: not once more. */
static bool once_more(struct mover *m, struct file *f)
{
	struct content_request r = {.op = f->item_op, .why = f->why, .brk = f->brk, .again = true, .link = f->link};
	struct meta meta = META_INIT;
	bool ok = false;
	int fd = -1;

	if (!f->again && !f->compare) {
		mover_chdir(m, f->dir->fd);
		r.basis = f->update ? f->basis : 0;
		ok = meta_read(f->dir->fd, f->name, DT_REG, m->fields, &meta, &fd) == 0 && fd >= 0 &&
			meta.type == META_REG && meta.ino == f->ino;
	}
	if (ok)
		file_new(m, f->dir, f->name, &meta, fd, &r);
	else
		tell_changed(m, f->dir->src, f->name);
	if (!ok && fd >= 0)
		close(fd);
	meta_release(&meta);
	return ok;
}

void on_file_done(struct mover *m, struct file *f, const struct frame *fr)
{
	struct msg_file_done done;
	bool ok;

	if (!msg_file_done_get(fr, &done))
		mover_protocol_error(m, "a malformed FILE_DONE");
	if (done.status == FILE_AGAIN) {
		again(m, f, &done);
		diag_release(&done.diag);
		return;
	}
	ok = done.status == FILE_COMMITTED && !f->abandoned;
	if (diag_is_set(&done.diag) && f->segment)
		tell_diag(m, &done.diag); /* the file, of which this is a part, is counted by its owner */
	else if (diag_is_set(&done.diag) && !f->abandoned)
		tell_failed(m, &done.diag);
	diag_release(&done.diag);
	if (f->segment) {
		if (f->update && ok && f->end - f->seg_start > f->literal + f->matched)
			m->count.bytes_matched += f->end - f->seg_start - f->literal - f->matched;
		tasks_unlist(&m->tasks, &f->task);
		file_segment_done(m, f, ok);
		return;
	}
	if (done.status == FILE_COMMITTED) {
		if (!f->abandoned && file_source_changed(f))
			tell_note(m, "changed while it was read: '%s/%s'; the next sync sees to it", f->dir->src,
				f->name);
		committed(m, f, &done);
	}
	if (f->shrunk && once_more(m, f))
		f->link = NULL;
	if (f->link && f->compare) {
		bool same = ok && !f->any_run && !f->brk; /* broken, it becomes an inode of its own */
		link_committed(m, f->link, ok, same ? f->link->tdev : 0, same ? f->link->tino : 0);
	} else if (f->link) {
		link_committed(m, f->link, ok, done.dev, done.ino);
	}
	tasks_unlist(&m->tasks, &f->task); /* it may have failed in the middle of its steps */
	file_free(m, f);
}
