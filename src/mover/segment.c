#include "mover/segment.h"
#include "mover/file.h"
#include "mover/leave.h"
#include "mover/send.h"
#include "mover/state.h"
#include "wire/msg.h"

#include <errno.h>

#define ZERO_MIN (1u << 20) /* shorter holes are hashed with what is around them */
/* Of a segment ahead there are no more runs than chunks, of one of zeros than blocks of the largest run; and no signature is
 * as long as what it describes. */
#define RUNS_MAX (2 * SEGMENTS_AHEAD * (uint32_t)(WIRE_ZERO_MAX / WIRE_RUN_MAX + 2))
#define SIGS_MAX (2 * SEGMENTS_AHEAD * SEGMENT)

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

/* A long hole is a segment of its own, which costs neither side more than to look for it. */
static void send_zeros(struct mover *m, struct file *f, uint64_t hole)
{
	uint64_t len = MIN(hole, WIRE_ZERO_MAX);

	if (f->off + len < f->end)
		len -= len % WIRE_CHUNK;
	buf_clear(&m->msg);
	msg_hole_put(&m->msg, f->off, len);
	chan_send_buf(&m->wire, MSG_SEG_ZERO, f->id, &m->msg);
	f->seg_off = f->off += len;
	f->outstanding++;
}

/* Hashes the next piece of the segment; chunks within a hole cost no reading. */
void file_hash_piece(struct mover *m, struct file *f)
{
	uint64_t seg_end = MIN(f->seg_off + SEGMENT, f->end);
	uint32_t n = (uint32_t)MIN(seg_end - f->off, (uint64_t)FILE_READ);
	uint64_t hole;
	ssize_t got;

	f->data_end = 0;
	hole = file_hole_at(f, f->off, f->end);
	if (hole >= ZERO_MIN) {
		if (f->off > f->seg_off)
			send_hashes(m, f);
		else
			send_zeros(m, f, hole);
		return;
	}
	hole = MIN(hole, seg_end - f->off);
	if (hole >= WIRE_CHUNK) {
		n = (uint32_t)(hole / WIRE_CHUNK * WIRE_CHUNK);
		for (uint32_t i = 0; i < n; i += WIRE_CHUNK)
			add_hash(&f->hashes, &m->zero_hash);
	} else {
		got = file_read_at(m, f, m->read_buf, n, f->off);
		if (got != (ssize_t)n) {
			file_source_failed(m, f, got < 0 ? errno : 0);
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
		uint64_t hole = file_hole_at(f, off, off + len);
		uint32_t n = (uint32_t)hole;
		if (hole)
			file_send_hole(m, f, off, hole);
		else
			n = file_send_piece(m, f, off,
				(uint32_t)MIN(file_data_until(f, off, off + len) - off, (uint64_t)FILE_READ));
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

	if (file_read_at(m, f, buf_reserve(&data, r->len), r->len, r->off) != (ssize_t)r->len)
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
	m->count.bytes_literal += r->len - matched;
	m->count.bytes_matched += matched;
	return true;
}

/* A delta brings zeros where the source has holes: they are made holes again. */
static void send_holes(struct mover *m, struct file *f, uint64_t off, uint64_t end)
{
	f->data_end = 0;
	while (f->sparse && off < end) {
		uint64_t hole = file_hole_at(f, off, end);
		if (hole)
			file_send_hole(m, f, off, hole);
		off = hole ? off + hole : file_data_until(f, off, end);
	}
	f->data_end = 0;
}

void file_send_run(struct mover *m, struct file *f)
{
	struct file_run r = f->runs[f->run_next++];

	if (f->compare) { /* a dry run: how much of it a delta would save is not asked */
		m->count.bytes_literal += r.len;
		f->literal += r.len;
		m->count.bytes_done += r.len;
	} else {
		if (!r.sig_len || !run_delta(m, f, &r))
			run_literal(m, f, r.off, r.len);
		else
			send_holes(m, f, r.off, r.off + r.len);
		m->count.bytes_done += r.len;
	}
	if (f->run_next == f->run_len) {
		f->run_next = f->run_len = 0;
		buf_clear(&f->sigs);
	}
}

struct file_run *file_add_run(struct file *f)
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
		struct file_run *fr_ = file_add_run(f);
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
	tasks_queue(&m->tasks, &f->task);
}
