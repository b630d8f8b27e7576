/* Contents of large files: literal data, holes, chunk hashes with signatures of what differs, and deltas. */
#include "base/fd.h"
#include "receiver/answer.h"
#include "receiver/copy.h"
#include "receiver/file.h"
#include "receiver/handlers.h"
#include "receiver/state.h"

#include <errno.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)
#define SHORT_RUN (256u << 10) /* shorter runs of a file that kept its size need no window around them */
#define EQUAL_RANGES_MAX 1024u
#define AGAIN_MAX 65536u /* runs; a peer whose deltas all fail is not served for ever */

/* ---- DATA, HOLE ---- */

static bool write_at(struct session *s, struct file *f, const void *p, size_t n, uint64_t off)
{
	if (!file_materialise(s, f))
		return false;
	f->wrote = true;
	pace_io(&s->pace, n);
	if (fd_pwrite_full(f->fd, p, n, (off_t)off) == 0)
		return true;
	file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot write");
	return false;
}

bool on_data(struct session *s, const struct frame *fr)
{
	struct file *f = file_find(s, fr->id);
	struct msg_data m;

	if (!msg_data_get(fr, &m))
		return answer_malformed(s, "data");
	if (f && m.data.len)
		write_at(s, f, m.data.p, m.data.len, m.off);
	return true;
}

static void equal_add(struct file *f, uint64_t off, uint64_t len)
{
	uint64_t range[2] = {off, off + len}, last[2];

	if (f->equal.len) {
		memcpy(last, f->equal.data + f->equal.len - sizeof(last), sizeof(last));
		if (last[1] == off) {
			last[1] += len;
			memcpy(f->equal.data + f->equal.len - sizeof(last), last, sizeof(last));
			return;
		}
	}
	buf_append(&f->equal, range, sizeof(range));
}

static bool equal_has(const struct file *f, uint64_t off, uint64_t len)
{
	uint64_t range[2];

	for (size_t i = 0; i < f->equal.len; i += sizeof(range)) {
		memcpy(range, f->equal.data + i, sizeof(range));
		if (range[0] <= off && off + len <= range[1])
			return true;
	}
	return false;
}

/* Nothing to do: what is written to has a hole there, or what may stay as it is has one. */
static bool hole_is_there(struct session *s, struct file *f, uint64_t off, uint64_t len)
{
	if (f->fd >= 0)
		return copy_is_hole(f->fd, off, len);
	if (s->dry || f->basis_fd < 0 || off + len > f->basis_size || !copy_is_hole(f->basis_fd, off, len))
		return false;
	if (!equal_has(f, off, len))
		equal_add(f, off, len);
	return true;
}

bool on_hole(struct session *s, const struct frame *fr)
{
	struct file *f = file_find(s, fr->id);
	struct msg_data m;

	if (!msg_hole_get(fr, &m))
		return answer_malformed(s, "hole");
	if (!f || !m.len || hole_is_there(s, f, m.off, m.len) || !file_materialise(s, f))
		return true;
	f->wrote = true;
	if (copy_zero(f->fd, m.off, m.len) < 0)
		file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot write");
	return true;
}

/* ---- SEG_HASH ---- */

/* An answer under way: head, then runs. */
struct need_runs {
	struct session *s;
	struct file *f;
	uint64_t seg;
	size_t start;
	uint64_t off, len; /* the run that grows */
	bool literal; /* no signatures: the source has zeros */
};

static void runs_begin(struct need_runs *n)
{
	n->start = frame_begin(&n->s->out, MSG_SEG_NEED, n->f->id);
	wr_u64(&n->s->out, n->seg);
	wr_u8(&n->s->out, 0);
}

static void runs_end(struct need_runs *n, bool last)
{
	n->s->out.data[n->start + FRAME_HEADER + 8] = last ? MSG_LAST : 0;
	frame_end(&n->s->out, n->start);
}

/* The part of the basis that the run may have come from. Empty: nothing is there. */
static void window_of(const struct file *f, uint64_t off, uint64_t len, uint64_t *out_off, uint64_t *out_len)
{
	uint64_t begin = off, end = off + len;

	*out_off = *out_len = 0;
	if (off >= f->basis_size)
		return;
	if (len >= SHORT_RUN || f->basis_size != f->size) {
		begin -= MIN(begin, (uint64_t)WIRE_WINDOW_MARGIN);
		end += WIRE_WINDOW_MARGIN;
	}
	*out_off = begin;
	*out_len = MIN(end, f->basis_size) - begin;
}

static bool read_window(struct session *s, const struct file *f, uint64_t off, size_t len)
{
	buf_clear(&s->scratch.window);
	pace_io(&s->pace, len);
	if (fd_pread_full(f->basis_fd, buf_extend(&s->scratch.window, len), len, (off_t)off) == (ssize_t)len)
		return true;
	buf_clear(&s->scratch.window);
	return false;
}

static void run_emit(struct need_runs *n)
{
	struct session *s = n->s;
	AUTO_BUF sig = BUF_INIT;
	uint64_t window_off, window_len;
	struct seg_run run = {.off = n->off, .len = (uint32_t)n->len};

	if (!n->len)
		return;
	window_of(n->f, n->off, n->len, &window_off, &window_len);
	if (window_len && !n->literal && !s->dry && !(n->f->flags & FILE_COMPARE) &&
		read_window(s, n->f, window_off, (size_t)window_len) &&
		delta_signature(s->scratch.window.data, (size_t)window_len, 0, &sig)) {
		run.window_off = window_off;
		run.window_len = (uint32_t)window_len;
		run.sig = (struct bytes){sig.data, sig.len};
		pace_rest(&s->pace);
	}
	msg_seg_run_put(&s->out, &run);
	n->len = 0;
	if (s->out.len - n->start < FRAME_MAX / 4)
		return;
	runs_end(n, false);
	answer_push(s);
	runs_begin(n);
}

static void chunk_differs(struct need_runs *n, uint64_t off, uint64_t len)
{
	const uint64_t end = n->off + n->len, basis = n->f->basis_size;

	if (n->len && (end != off || n->len + len > WIRE_RUN_MAX || (off >= basis && n->off < basis)))
		run_emit(n);
	while (len > WIRE_RUN_MAX) { /* a chunk may be longer than a run */
		n->off = off;
		n->len = WIRE_RUN_MAX;
		off += WIRE_RUN_MAX;
		len -= WIRE_RUN_MAX;
		run_emit(n);
	}
	if (!n->len)
		n->off = off;
	n->len += len;
}

/* An equal chunk: kept in place, else noted to be copied when there is something to copy to. */
static void chunk_equal(struct session *s, struct file *f, uint64_t off, uint64_t len)
{
	if (f->inplace || f->cloned || s->dry || (f->flags & FILE_COMPARE) || diag_is_set(&f->failed))
		return;
	equal_add(f, off, len);
	if (f->equal.len >= EQUAL_RANGES_MAX * 2 * sizeof(uint64_t) && file_materialise(s, f))
		file_copy_equal(s, f);
}

static bool hash_equal(const struct session *s, const uint8_t *p, size_t n, const uint8_t *theirs)
{
	struct delta_hash h = delta_hash(&s->delta, p, n);
	struct rd r = rd_init(theirs, 16);
	uint64_t lo = rd_u64(&r), hi = rd_u64(&r);

	return h.lo == lo && h.hi == hi;
}

static void compare_chunks(struct session *s, struct file *f, const struct msg_seg_hash *m, struct need_runs *n)
{
	const size_t step = MAX((size_t)m->chunk, (size_t)READ_BYTES / m->chunk * m->chunk);
	AUTO_FREE uint8_t *p = xmalloc(MIN(step, (size_t)m->len));
	const uint8_t *theirs = m->hashes.p;

	for (uint64_t done = 0; done < m->len; done += step) {
		const size_t want = MIN((uint64_t)step, m->len - done);
		ssize_t got = 0;

		if (f->basis_fd >= 0 && m->off + done < f->basis_size)
			got = fd_pread_full(f->basis_fd, p, want, (off_t)(m->off + done));
		pace_io(&s->pace, got > 0 ? (uint64_t)got : 0);
		pace_rest(&s->pace);
		for (size_t at = 0; at < want; at += m->chunk, theirs += 16) {
			const size_t len = MIN((size_t)m->chunk, want - at);
			const uint64_t off = m->off + done + at;

			if (got >= 0 && at + len <= (size_t)got && hash_equal(s, p + at, len, theirs)) {
				chunk_equal(s, f, off, len);
			} else {
				/* Now it is certain that a new file is needed. */
				if (f->fd < 0 && !(f->flags & FILE_COMPARE))
					file_materialise(s, f);
				chunk_differs(n, off, len);
			}
		}
	}
	run_emit(n);
	if (f->fd >= 0)
		file_copy_equal(s, f);
}

bool on_seg_hash(struct session *s, const struct frame *fr)
{
	struct file *f = file_find(s, fr->id);
	struct need_runs n = {.s = s, .f = f};
	struct msg_seg_hash m;

	if (!msg_seg_hash_get(fr, &m))
		return answer_malformed(s, "hashes of a segment");
	if (!f)
		return true; /* it has failed, and that was said */
	n.seg = m.off;
	runs_begin(&n);
	if (!diag_is_set(&f->failed)) /* else nothing is wanted: FILE_END will be answered with the failure */
		compare_chunks(s, f, &m, &n);
	runs_end(&n, true);
	return true;
}

/* ---- SEG_ZERO ---- */

static bool all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* How far off..end is zeros, looking at what is there; the rest may be anything. */
static uint64_t zeros_until(struct session *s, const struct file *f, uint64_t off, uint64_t end)
{
	AUTO_FREE uint8_t *p = xmalloc(READ_BYTES);

	while (off < end) {
		const size_t want = MIN(end - off, (uint64_t)READ_BYTES);

		pace_io(&s->pace, want);
		pace_rest(&s->pace);
		if (fd_pread_full(f->basis_fd, p, want, (off_t)off) != (ssize_t)want || !all_zero(p, want))
			return off;
		off += want;
	}
	return end;
}

/*
 * Only what is no hole here is read. From the first byte that is no zero on, all up to the next multiple of the largest run
 * is wanted: that is one hole to be named, and bounds how many runs there are.
 */
static void compare_zeros(struct session *s, struct file *f, uint64_t off, uint64_t end, struct need_runs *n)
{
	while (off < end) {
		off_t data = lseek(f->basis_fd, (off_t)off, SEEK_DATA);
		uint64_t block, zero = data < 0 ? (errno == ENXIO ? end : off) : MIN((uint64_t)data, end);

		if (zero > off)
			chunk_equal(s, f, off, zero - off);
		off = zero;
		block = MIN(end, (off / WIRE_RUN_MAX + 1) * WIRE_RUN_MAX);
		zero = zeros_until(s, f, off, block);
		if (zero > off)
			chunk_equal(s, f, off, zero - off);
		if (zero < block) {
			if (f->fd < 0 && !(f->flags & FILE_COMPARE))
				file_materialise(s, f);
			chunk_differs(n, zero, block - zero);
		}
		off = block;
	}
	run_emit(n);
	if (f->fd >= 0)
		file_copy_equal(s, f);
}

bool on_seg_zero(struct session *s, const struct frame *fr)
{
	struct file *f = file_find(s, fr->id);
	struct need_runs n = {.s = s, .f = f, .literal = true};
	struct msg_data m;

	if (!msg_hole_get(fr, &m) || m.len > WIRE_ZERO_MAX)
		return answer_malformed(s, "zeros of a segment");
	if (!f)
		return true; /* it has failed, and that was said */
	n.seg = m.off;
	runs_begin(&n);
	if (!diag_is_set(&f->failed) && f->basis_fd >= 0)
		compare_zeros(s, f, m.off, MIN(m.off + m.len, f->basis_size), &n);
	runs_end(&n, true);
	return true;
}

/* ---- RUN ---- */

static bool run_apply(struct session *s, struct file *f, const struct msg_run *m)
{
	if (f->basis_fd < 0 || !m->window_len || !read_window(s, f, m->window_off, m->window_len))
		return false;
	buf_clear(&s->scratch.result);
	if (!delta_apply(m->delta.p, m->delta.len, s->scratch.window.data, s->scratch.window.len, m->len,
		    &s->scratch.result) ||
		s->scratch.result.len != m->len)
		return false;
	return hash_equal(s, s->scratch.result.data, s->scratch.result.len, m->hash);
}

bool on_run(struct session *s, const struct frame *fr)
{
	struct file *f = file_find(s, fr->id);
	struct msg_run m;

	if (!msg_run_get(fr, &m))
		return answer_malformed(s, "run");
	if (!f || s->dry || diag_is_set(&f->failed))
		return true;
	if (run_apply(s, f, &m)) {
		write_at(s, f, s->scratch.result.data, s->scratch.result.len, m.off);
		return true;
	}
	/* A weak hash that met its double, or a window changed by an earlier run: this one comes again,
	 * literally. */
	if (f->again.len / 12 >= AGAIN_MAX)
		file_fail(f, DIAG_RECEIVER_WRITE, EIO, "too many wrong deltas for");
	else
		msg_again_put(&f->again, m.off, m.len);
	return true;
}
