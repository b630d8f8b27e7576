#include "base/fd.h"
#include "mover/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Large files, one step at a time. New ones stream; those with a basis go segment by segment: hashes over, runs that
 * differ back, deltas or literal data over. Very large ones are shared: every mover takes segments, the one that began
 * the file ends it.
 */

#define SEGMENT (8u << 20) /* bytes of one SEG_HASH: small enough that both ends soon work at the same time */
#define SEGMENTS_AHEAD 3
#define HOLES_STEP 256
/* Of the segments ahead there are no more runs than chunks, and no signature is as long as what it describes. */
#define RUNS_MAX (2 * SEGMENTS_AHEAD * SEGMENT / WIRE_CHUNK)
#define SIGS_MAX (2 * SEGMENTS_AHEAD * SEGMENT)

static void file_queue(struct mover *m, struct file *f)
{
	mover_queue(m, &f->task);
}

static struct file *file_alloc(struct mover *m, uint64_t size)
{
	struct file *f = xcalloc(1, sizeof(*f));

	f->task.kind = TASK_FILE;
	f->size = f->end = size;
	f->fd = f->cache.fd = -1;
	f->id = slots_add(&m->slots, SLOT_FILE, f);
	m->files++;
	return f;
}

static void file_free(struct mover *m, struct file *f)
{
	struct dir *d = f->dir;

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

static void send_file(struct mover *m, struct file *f)
{
	struct msg_file msg = {.size = f->size};

	msg.flags = (f->update ? FILE_UPDATE : 0) | (f->shared ? FILE_SHARED : 0) | (f->segment ? FILE_SEGMENT : 0) |
		(f->brk ? FILE_BREAK : 0) | (f->compare ? FILE_COMPARE : 0);
	if (f->segment) {
		msg.path = (struct bytes){(uint8_t *)f->path, strlen(f->path)};
		msg.basis_path = (struct bytes){(uint8_t *)f->basis_path, strlen(f->basis_path)};
	} else {
		msg.dir = f->dir->id;
		msg.name = (struct bytes){(uint8_t *)f->name, strlen(f->name)};
	}
	msg.meta = (struct bytes){f->packed.data, f->packed.len};
	buf_clear(&m->msg);
	msg_file_put(&m->msg, &msg);
	chan_send_buf(&m->wire, MSG_FILE, f->id, &m->msg);
}

static void begin(struct mover *m, struct file *f)
{
	f->seg_off = f->off;
	f->state = f->update ? FILE_STATE_HASH : FILE_STATE_STREAM;
	file_queue(m, f);
}

static void advise(const struct mover *m, struct file *f)
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
	f->name = xstrdup(name);
	meta_pack(&f->packed, meta, m->fields);
	f->fd = fd;
	f->update = r->basis != UINT64_MAX && (m->dry_run || !(m->flags & IPC_NO_DELTA));
	f->basis = f->update ? r->basis : 0;
	f->sparse = meta->blocks * 512 < meta->size;
	f->brk = r->brk;
	f->compare = m->dry_run;
	f->link = r->link;
	f->why = r->why;
	f->item_op = r->op;
	f->mtime_ns = meta->mtime_s * INT64_C(1000000000) + meta->mtime_ns;
	f->ctime_ns = meta->ctime_s * INT64_C(1000000000) + meta->ctime_ns;
	f->ino = meta->ino;
	f->shared = meta->size >= IPC_SHARE_MIN && (m->flags & IPC_SHARING) && !m->dry_run;
	advise(m, f);
	send_file(m, f);
	if (f->shared)
		f->state = FILE_STATE_SHARE;
	else
		begin(m, f);
}

static char *bytes_str(const struct bytes *b)
{
	return xmemdup(b->p, b->len);
}

static void segment_done(struct mover *m, struct file *f, bool ok)
{
	buf_clear(&m->msg);
	wr_u32(&m->msg, f->unit);
	wr_u8(&m->msg, ok);
	wr_u64(&m->msg, f->any_run || !f->update); /* of a segment: whether anything differed */
	wr_u64(&m->msg, 0);
	chan_send_buf(&m->ipc, IPC_UNIT_DONE, 0, &m->msg);
	file_free(m, f);
}

void file_new_segment(struct mover *m, const struct ipc_unit *u)
{
	struct file *f = file_alloc(m, u->size);
	const char *slash, *below;
	struct stat st;
	size_t rel;
	int dirfd;

	f->segment = true;
	f->unit = u->id;
	f->src = bytes_str(&u->src);
	f->path = bytes_str(&u->path);
	f->basis_path = bytes_str(&u->basis_path);
	f->off = f->seg_start = u->off;
	f->end = u->off + u->len;
	f->update = *f->basis_path != '\0';
	f->basis = u->basis;
	rel = strlen(m->mounts[u->mount].rel);
	below = strlen(f->src) > rel ? f->src + rel + (rel > 0) : "";
	slash = strrchr(below, '/');
	AUTO_FREE char *dir = xmemdup(below, slash ? (size_t)(slash - below) : 0);
	dirfd = listing_open_path(m->mounts[u->mount].fd, dir);
	if (dirfd >= 0) {
		f->fd = openat(dirfd, slash ? slash + 1 : below, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		close(dirfd);
	}
	/* It must still be the file that was announced; if not, the file as a whole is not finished in this run. */
	if (f->fd < 0 || fstat(f->fd, &st) < 0 || st.st_ino != u->ino || (uint64_t)st.st_size != u->size ||
		(uint64_t)(st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec) != u->mtime_ns) {
		segment_done(m, f, false);
		return;
	}
	f->sparse = (uint64_t)st.st_blocks * 512 < u->size;
	advise(m, f);
	send_file(m, f);
	begin(m, f);
}

/* ---- reading ---- */

static void source_failed(struct mover *m, struct file *f, int err)
{
	if (f->dir)
		tell_source_error(m, f->dir->src, f->name, err, "read");
	f->abandoned = true;
	f->off = f->end;
	f->run_next = f->run_len;
}

static ssize_t read_at(struct mover *m, struct file *f, void *buf, size_t n, uint64_t off)
{
	pagecache_look(&f->cache, off, n);
	return mover_pread(m, f->fd, buf, n, off);
}

/* What lies before this is not read again: of the segments that are hashed runs may still be wanted. */
static uint64_t settled(const struct file *f)
{
	uint64_t off = f->seg_off, ahead = (uint64_t)f->outstanding * SEGMENT;

	if (f->state == FILE_STATE_STREAM)
		return f->off;
	off -= MIN(off, ahead);
	return f->run_next < f->run_len ? MIN(off, f->runs[f->run_next].off) : off;
}

/* In a sparse file: how far the hole at off reaches (0: there is none). */
static uint64_t hole_at(const struct file *f, uint64_t off, uint64_t end)
{
	off_t data;

	if (!f->sparse || off < f->data_end)
		return 0;
	data = lseek(f->fd, (off_t)off, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? end - off : 0;
	return (uint64_t)data > off ? MIN((uint64_t)data, end) - off : 0;
}

/* The data at off ends at the latest here. */
static uint64_t data_until(struct file *f, uint64_t off, uint64_t end)
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

static void send_hole(struct mover *m, struct file *f, uint64_t off, uint64_t len)
{
	buf_clear(&m->msg);
	msg_hole_put(&m->msg, off, len);
	chan_send_buf(&m->wire, MSG_HOLE, f->id, &m->msg);
}

/* Reads a piece of up to FILE_READ bytes at off into a DATA payload; returns the bytes sent, 0 on failure. */
static uint32_t send_piece(struct mover *m, struct file *f, uint64_t off, uint32_t len)
{
	ssize_t got;

	buf_clear(&m->msg);
	msg_data_head_put(&m->msg, off);
	got = read_at(m, f, buf_reserve(&m->msg, len), len, off);
	if (got <= 0) {
		/* End of file: it has shrunk since it was opened. Its times have changed: the next sync sees to it. */
		source_failed(m, f, got < 0 ? errno : EAGAIN);
		return 0;
	}
	if (f->sparse && all_zero(m->msg.data + m->msg.len, (size_t)got)) {
		send_hole(m, f, off, (uint64_t)got);
		return (uint32_t)got;
	}
	m->msg.len += (size_t)got;
	mover_send_content(m, MSG_DATA, f->id, &m->msg);
	f->literal += (uint64_t)got;
	m->count.literal += (uint64_t)got;
	return (uint32_t)got;
}

static void stream_piece(struct mover *m, struct file *f)
{
	uint64_t hole = hole_at(f, f->off, f->end);
	uint32_t n;

	if (hole) {
		send_hole(m, f, f->off, hole);
		f->off += hole;
		m->count.done_bytes += hole;
		return;
	}
	n = (uint32_t)MIN(data_until(f, f->off, f->end) - f->off, (uint64_t)FILE_READ);
	n = send_piece(m, f, f->off, n);
	f->off += n;
	m->count.done_bytes += n;
	pagecache_drop(&f->cache, settled(f));
}

/* ---- hashing ---- */

static void add_hash(struct buf *b, const struct delta_hash *h)
{
	wr_u64(b, h->lo);
	wr_u64(b, h->hi);
}

static void send_hashes(struct mover *m, struct file *f)
{
	struct msg_seg_hash msg = {.off = f->seg_off, .len = (uint32_t)(f->off - f->seg_off), .chunk = WIRE_CHUNK};

	msg.hashes = (struct bytes){f->hashes.data, f->hashes.len};
	buf_clear(&m->msg);
	msg_seg_hash_put(&m->msg, &msg);
	chan_send_buf(&m->wire, MSG_SEG_HASH, f->id, &m->msg);
	buf_clear(&f->hashes);
	f->seg_off = f->off;
	f->outstanding++;
}

/* Hashes the next piece of the segment; chunks within a hole cost no reading. */
static void hash_piece(struct mover *m, struct file *f)
{
	uint64_t seg_end = MIN(f->seg_off + SEGMENT, f->end);
	uint32_t n = (uint32_t)MIN(seg_end - f->off, (uint64_t)FILE_READ);
	uint64_t hole;
	ssize_t got;

	f->data_end = 0;
	hole = hole_at(f, f->off, seg_end);

	if (hole >= WIRE_CHUNK) {
		n = (uint32_t)(hole / WIRE_CHUNK * WIRE_CHUNK);
		for (uint32_t i = 0; i < n; i += WIRE_CHUNK)
			add_hash(&f->hashes, &m->zero_hash);
	} else {
		got = read_at(m, f, m->read_buf, n, f->off);
		if (got != (ssize_t)n) {
			source_failed(m, f, got < 0 ? errno : EAGAIN);
			return;
		}
		for (uint32_t i = 0; i < n; i += WIRE_CHUNK) {
			struct delta_hash h =
				delta_hash(&m->delta_key, m->read_buf + i, MIN(n - i, (uint32_t)WIRE_CHUNK));
			add_hash(&f->hashes, &h);
		}
	}
	f->off += n;
	if (f->off == seg_end)
		send_hashes(m, f);
}

/* ---- runs ---- */

static void run_literal(struct mover *m, struct file *f, uint64_t off, uint32_t len)
{
	f->data_end = 0; /* runs come in any order */
	while (len && !f->abandoned) {
		uint64_t hole = hole_at(f, off, off + len);
		uint32_t n = (uint32_t)hole;
		if (hole)
			send_hole(m, f, off, hole);
		else
			n = send_piece(
				m, f, off, (uint32_t)MIN(data_until(f, off, off + len) - off, (uint64_t)FILE_READ));
		off += n;
		len -= n;
	}
	f->data_end = 0;
}

static bool run_delta(struct mover *m, struct file *f, const struct file_run *r)
{
	AUTO_BUF data = BUF_INIT;
	AUTO_BUF delta = BUF_INIT;
	struct msg_run msg = {.off = r->off, .len = r->len, .window_off = r->window_off, .window_len = r->window_len};
	struct delta_hash h;
	uint64_t matched = 0;
	AUTO_BUF payload = BUF_INIT;

	if (read_at(m, f, buf_reserve(&data, r->len), r->len, r->off) != (ssize_t)r->len)
		return false;
	data.len = r->len;
	if (!delta_make(f->sigs.data + r->sig, r->sig_len, r->window_len, data.data, data.len, &delta, &matched))
		return false;
	if (delta.len > r->len - r->len / 8)
		return false;
	h = delta_hash(&m->delta_key, data.data, data.len);
	for (int i = 0; i < 8; i++) {
		msg.hash[i] = (uint8_t)(h.lo >> (8 * i));
		msg.hash[8 + i] = (uint8_t)(h.hi >> (8 * i));
	}
	msg.delta = (struct bytes){delta.data, delta.len};
	msg_run_put(&payload, &msg);
	mover_send_content(m, MSG_RUN, f->id, &payload);
	f->literal += r->len - matched;
	f->matched += matched;
	m->count.literal += r->len - matched;
	m->count.matched += matched;
	return true;
}

/* A delta brings zeros where the source has holes: they are made holes again. */
static void send_holes(struct mover *m, struct file *f, uint64_t off, uint64_t end)
{
	f->data_end = 0;
	while (f->sparse && off < end) {
		uint64_t hole = hole_at(f, off, end);
		if (hole)
			send_hole(m, f, off, hole);
		off = hole ? off + hole : data_until(f, off, end);
	}
	f->data_end = 0;
}

static void send_run(struct mover *m, struct file *f)
{
	struct file_run r = f->runs[f->run_next++];

	if (!f->compare) { /* in a dry run that it differs is all that is asked */
		if (!r.sig_len || !run_delta(m, f, &r))
			run_literal(m, f, r.off, r.len);
		else
			send_holes(m, f, r.off, r.off + r.len);
		m->count.done_bytes += r.len;
	}
	if (f->run_next == f->run_len) {
		f->run_next = f->run_len = 0;
		buf_clear(&f->sigs);
	}
}

static struct file_run *add_run(struct file *f)
{
	if (f->run_len == f->run_cap) {
		f->run_cap = f->run_cap ? f->run_cap * 2 : 16;
		f->runs = xrealloc(f->runs, f->run_cap * sizeof(*f->runs));
	}
	return &f->runs[f->run_len++];
}

void on_seg_need(struct mover *m, struct file *f, const struct frame *fr)
{
	struct rd r = rd_init(fr->payload, fr->len);
	struct seg_run run;
	uint8_t flags;

	rd_u64(&r);
	flags = rd_u8(&r);
	if (!f->outstanding || flags > MSG_LAST)
		mover_protocol_error(m, "an unexpected SEG_NEED");
	while (msg_seg_run_get(&r, &run)) {
		struct file_run *fr_ = add_run(f);
		if (run.off > f->size || run.len > f->size - run.off || f->run_len > RUNS_MAX ||
			f->sigs.len + run.sig.len > SIGS_MAX)
			mover_protocol_error(m, "a run beyond the end of the file, or too many");
		*fr_ = (struct file_run){.off = run.off,
			.len = run.len,
			.window_off = run.window_off,
			.window_len = run.window_len,
			.sig = (uint32_t)f->sigs.len,
			.sig_len = (uint32_t)run.sig.len};
		buf_append(&f->sigs, run.sig.p, run.sig.len);
		f->any_run = true;
	}
	if (!rd_done(&r))
		mover_protocol_error(m, "a malformed SEG_NEED");
	if (flags & MSG_LAST)
		f->outstanding--;
	file_queue(m, f);
}

/* ---- the end ---- */

static bool source_changed(const struct file *f)
{
	struct stat st;

	return fstat(f->fd, &st) < 0 || st.st_size != (off_t)f->size ||
		st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec != f->mtime_ns;
}

static void send_end(struct mover *m, struct file *f)
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

void on_file_ok(struct mover *m, struct file *f, const struct frame *fr)
{
	struct msg_file_ok ok;
	struct ipc_share share = {.file = f->id, .size = f->size, .ino = f->ino, .mtime_ns = (uint64_t)f->mtime_ns};
	AUTO_FREE char *src = NULL;

	if (f->state != FILE_STATE_SHARE || !msg_file_ok_get(fr, &ok))
		mover_protocol_error(m, "an unexpected FILE_OK");
	src = mover_path(f->dir->src, f->name);
	share.unit = f->dir->unit;
	share.src = (struct bytes){(uint8_t *)src, strlen(src)};
	share.mount = f->dir->mount;
	share.path = ok.path;
	share.basis_path = ok.basis_path;
	share.basis = ok.basis;
	buf_clear(&m->msg);
	ipc_share_put(&m->msg, &share);
	chan_send_buf(&m->ipc, IPC_SHARE, 0, &m->msg);
	f->state = FILE_STATE_SHARED;
}

static void part_failed(struct mover *m, struct file *f)
{
	AUTO_FREE char *path = mover_path(f->dir->src, f->name);
	AUTO_DIAG d = DIAG_INIT;

	if (source_changed(f)) {
		tell_source_error(m, f->dir->src, f->name, EAGAIN, "read");
		return;
	}
	diag_set(&d, DIAG_MOVER_READ, 0, path, "cannot transfer a part of '%s'", path);
	tell_failed(m, &d);
}

void file_share_done(struct mover *m, struct file *f, bool ok, bool changed)
{
	if (f->state != FILE_STATE_SHARED)
		return;
	f->abandoned = !ok;
	f->any_run = changed;
	if (!ok)
		part_failed(m, f);
	send_end(m, f);
}

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
		*add_run(f) = (struct file_run){.off = off, .len = len};
	}
	if (!rd_done(&r) || !f->run_len || !f->update)
		mover_protocol_error(m, "a malformed FILE_DONE");
	f->state = FILE_STATE_HASH; /* with nothing left to hash: sends the runs, then FILE_END again */
	file_queue(m, f);
}

static void committed(struct mover *m, struct file *f, const struct msg_file_done *done)
{
	bool changed = f->any_run || !f->update || f->size != f->basis;

	if (f->update && f->size > f->literal + f->matched && !f->shared)
		m->count.matched += f->size - f->literal - f->matched;
	if (f->abandoned)
		return;
	if (changed) {
		m->count.transferred++;
		tell_item(m, f->item_op, f->dir->src, f->name, META_REG, f->why | META_D_CONTENT, f->size, NULL);
	} else if (f->why || done->why) {
		m->count.metadata++;
		tell_item(m, OP_METADATA, f->dir->src, f->name, META_REG, f->why | done->why, 0, NULL);
	}
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
			m->count.matched += f->end - f->seg_start - f->literal - f->matched;
		mover_unlist(m, &f->task);
		segment_done(m, f, ok);
		return;
	}
	if (done.status == FILE_COMMITTED) {
		if (!f->abandoned && source_changed(f))
			tell_note(m, "changed while it was read: '%s/%s'; the next sync sees to it", f->dir->src,
				f->name);
		committed(m, f, &done);
	}
	if (f->link && f->compare) {
		bool same = ok && !f->any_run;
		link_committed(m, f->link, ok, same ? f->link->tdev : 0, same ? f->link->tino : 0);
	} else if (f->link) {
		link_committed(m, f->link, ok, done.dev, done.ino);
	}
	mover_unlist(m, &f->task); /* it may have failed in the middle of its steps */
	file_free(m, f);
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
		uint64_t hole = hole_at(f, f->holes_off, f->end);
		if (hole >= least)
			send_hole(m, f, f->holes_off, hole);
		f->holes_off = hole ? f->holes_off + hole : data_until(f, f->holes_off, f->end);
	}
	return f->holes_off < f->end;
}

static enum step hash_step(struct mover *m, struct file *f)
{
	if (f->run_next < f->run_len) {
		send_run(m, f);
		return STEP_MORE;
	}
	pagecache_drop(&f->cache, settled(f));
	if (f->off < f->end && f->outstanding < SEGMENTS_AHEAD) {
		hash_piece(m, f);
		return STEP_MORE;
	}
	if (f->off < f->end || f->outstanding)
		return STEP_WAIT;
	if (f->sparse && !f->compare && !f->abandoned) {
		f->state = FILE_STATE_HOLES;
		f->holes_off = f->seg_start;
		return STEP_MORE;
	}
	send_end(m, f);
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
		send_end(m, f);
		return STEP_WAIT;
	case FILE_STATE_HASH:
		return hash_step(m, f);
	case FILE_STATE_HOLES:
		if (holes_step(m, f))
			return STEP_MORE;
		send_end(m, f);
		return STEP_WAIT;
	default:
		return STEP_WAIT;
	}
}
