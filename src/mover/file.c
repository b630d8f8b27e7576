/*
 * The life of a large file, or of a segment.
 *
 *	START  -> SHARE         FILE is sent, and it is so large that others may help
 *	START  -> STREAM        FILE is sent, and there is no basis
 *	START  -> HASH          FILE is sent, and there is a basis
 *	SHARE  -> SHARED        FILE_OK: the coordinator is told where its segments are to be written
 *	SHARED -> END           IPC_SHARE_DONE: all segments are there, or one has failed
 *	STREAM -> END           everything is sent
 *	HASH   -> HOLES         every segment is hashed, every run is answered, and the file is sparse
 *	HASH   -> END           ... and it is not
 *	HOLES  -> END           every hole is named
 *	END    -> HASH          FILE_DONE (FILE_AGAIN): runs are wanted once more, literally
 *	END    -> freed         FILE_DONE
 *	any    -> freed         FILE_DONE: it has failed at the receiver
 *
 * Entering END sends FILE_END. What cannot be read goes the same way, with FILE_END_ABANDON. A segment never is in SHARE or
 * SHARED; one that is no longer there at the source is freed at START.
 */
#include "mover/file.h"
#include "base/clock.h"
#include "mover/batch.h"
#include "mover/dir.h"
#include "mover/names.h"
#include "mover/drain.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct file *file_alloc(struct mover *m, uint64_t size)
{
	struct file *f = xcalloc(1, sizeof(*f));

	f->task.kind = TASK_FILE;
	f->size = f->end = size;
	f->fd = f->cache.fd = -1;
	f->id = slots_add(&m->slots, SLOT_FILE, f);
	m->files++;
	return f;
}

bool file_is_open(const struct dir *d, const char *name)
{
	const struct file *f = d->large;

	while (f && !str_eq(f->name, name))
		f = f->next_large;
	return f;
}

static void unlist(struct dir *d, const struct file *f)
{
	struct file **p = &d->large;

	while (*p != f)
		p = &(*p)->next_large;
	*p = f->next_large;
}

void file_free(struct mover *m, struct file *f)
{
	struct dir *d = f->dir;

	if (d)
		unlist(d, f);
	slots_remove(&m->slots, f->id);
	m->files--;
	if (f->fd >= 0) {
		pagecache_end(&f->cache);
		close(f->fd);
	}
	buf_release(&f->packed);
	buf_release(&f->hashes);
	buf_release(&f->sigs);
	free(f->runs);
	free(f->name);
	free(f->src);
	free(f->path);
	free(f->basis_path);
	free(f);
	if (d)
		dir_pending_done(m, d);
}

void file_announce(struct mover *m, struct file *f)
{
	struct msg_file msg = {.size = f->size};

	msg.flags = (f->update ? FILE_UPDATE : 0) | (f->shared ? FILE_SHARED : 0) | (f->segment ? FILE_SEGMENT : 0) |
		(f->brk ? FILE_BREAK : 0) | (f->compare ? FILE_COMPARE : 0);
	if (f->segment) {
		msg.path = (struct bytes){(uint8_t *)f->path, strlen(f->path)};
		msg.basis_path = (struct bytes){(uint8_t *)f->basis_path, strlen(f->basis_path)};
		msg.off = f->seg_start;
		msg.len = f->end - f->seg_start;
	} else {
		msg.dir = f->dir->id;
		msg.name = (struct bytes){(uint8_t *)f->name, strlen(f->name)};
	}
	msg.meta = (struct bytes){f->packed.data, f->packed.len};
	buf_clear(&m->msg);
	msg_file_put(&m->msg, &msg);
	chan_send_buf(&m->wire, MSG_FILE, f->id, &m->msg);
}

void file_begin(struct mover *m, struct file *f)
{
	f->seg_off = f->off;
	f->state = f->update ? FILE_STATE_HASH : FILE_STATE_STREAM;
	tasks_queue(&m->tasks, &f->task);
}

void file_advise(const struct mover *m, struct file *f)
{
	if (m->flags & IPC_LEAVE_CACHE)
		pagecache_begin(&f->cache, f->fd, f->off, f->end);
	else
		posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

void file_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, int fd,
	const struct content_request *r)
{
	struct file *f = file_alloc(m, meta->size);

	f->dir = d;
	d->pending++;
	f->next_large = d->large;
	d->large = f;
	f->name = xstrdup(name);
	meta_pack(&f->packed, meta, m->fields);
	f->fd = fd;
	f->update = r->basis != UINT64_MAX && !(m->flags & IPC_NO_DELTA);
	f->basis = f->update ? r->basis : 0;
	f->sparse = meta->blocks * 512 < meta->size;
	f->brk = r->brk;
	f->again = r->again;
	f->compare = m->dry_run;
	f->link = r->link;
	f->why = r->why;
	f->item_op = r->op;
	f->mtime_ns = clock_file_key(meta->mtime_s, meta->mtime_ns);
	f->ctime_ns = clock_file_key(meta->ctime_s, meta->ctime_ns);
	f->ino = meta->ino;
	f->shared = MIN(meta->size, meta->blocks * 512) >= IPC_SHARE_MIN && (m->flags & IPC_SHARING) && !m->dry_run;
	file_advise(m, f);
	if (m->batch && m->batch->has_dir)
		batch_flush(m);
	file_announce(m, f);
	if (f->shared)
		f->state = FILE_STATE_SHARE;
	else
		file_begin(m, f);
}

/* ---- reading ---- */

void file_source_failed(struct mover *m, struct file *f, int err)
{
	if (!err)
		f->shrunk = true;
	else if (f->dir)
		tell_source_error(m, f->dir->src, f->name, err, "read");
	f->abandoned = true;
	f->off = f->end;
	f->run_next = f->run_len;
}

ssize_t file_read_at(struct mover *m, struct file *f, void *buf, size_t n, uint64_t off)
{
	ssize_t got;

	pagecache_look(&f->cache, off, n);
	got = mover_pread(m, f->fd, buf, n, off);
	if (got < 0 && errno == ESTALE && f->dir && names_reopen(f->dir->fd, f->name, f->ino, f->fd))
		got = mover_pread(m, f->fd, buf, n, off);
	return got;
}

uint64_t file_hole_at(const struct file *f, uint64_t off, uint64_t end)
{
	off_t data;

	if (!f->sparse || off < f->data_end)
		return 0;
	data = lseek(f->fd, (off_t)off, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? end - off : 0;
	return (uint64_t)data > off ? MIN((uint64_t)data, end) - off : 0;
}

uint64_t file_data_until(struct file *f, uint64_t off, uint64_t end)
{
	off_t hole;

	if (!f->sparse)
		return end;
	if (off >= f->data_end) {
		hole = lseek(f->fd, (off_t)off, SEEK_HOLE);
		f->data_end = hole > (off_t)off ? (uint64_t)hole : end;
	}
	return MIN(end, f->data_end);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

void file_send_hole(struct mover *m, struct file *f, uint64_t off, uint64_t len)
{
	buf_clear(&m->msg);
	msg_hole_put(&m->msg, off, len);
	chan_send_buf(&m->wire, MSG_HOLE, f->id, &m->msg);
}

uint32_t file_send_piece(struct mover *m, struct file *f, uint64_t off, uint32_t len)
{
	ssize_t got;

	buf_clear(&m->msg);
	msg_data_head_put(&m->msg, off);
	got = file_read_at(m, f, buf_reserve(&m->msg, len), len, off);
	if (got <= 0) {
		file_source_failed(m, f, got < 0 ? errno : 0);
		return 0;
	}
	if (f->sparse && all_zero(m->msg.data + m->msg.len, (size_t)got)) {
		file_send_hole(m, f, off, (uint64_t)got);
		return (uint32_t)got;
	}
	m->msg.len += (size_t)got;
	mover_send_content(m, MSG_DATA, f->id, &m->msg);
	f->literal += (uint64_t)got;
	m->count.bytes_literal += (uint64_t)got;
	return (uint32_t)got;
}

/* ---- the end ---- */

bool file_source_changed(const struct file *f)
{
	struct stat st;

	return fstat(f->fd, &st) < 0 || st.st_size != (off_t)f->size || clock_file_ns(&st.st_mtim) != f->mtime_ns;
}

void file_send_end(struct mover *m, struct file *f)
{
	struct msg_file_end msg = {};

	if (f->abandoned)
		msg.flags |= FILE_END_ABANDON;
	else if (f->update && !f->any_run && f->size == f->basis)
		msg.flags |= FILE_END_UNCHANGED;
	if (!f->segment)
		msg.meta = (struct bytes){f->packed.data, f->packed.len};
	buf_clear(&m->msg);
	msg_file_end_put(&m->msg, &msg);
	chan_send_buf(&m->wire, MSG_FILE_END, f->id, &m->msg);
	f->state = FILE_STATE_END;
}

void file_segment_done(struct mover *m, struct file *f, bool ok)
{
	ipc_unit_done_send(
		&m->ipc, &(struct ipc_unit_done){.unit = f->unit, .ok = ok, .files = f->any_run || !f->update});
	file_free(m, f);
}
