#include "delta/delta.h"
#include "delta/private.h"

#include "base/clock.h"

/*
 * Four bytes with the four of the weak sum: 8 MiB of positions against a thousand blocks meet by accident once in
 * 2^31 runs, and a wrong result is found by the keyed XXH3-128 of the whole run, which costs a literal resend and
 * nothing else. Longer sums would only make every signature longer.
 */
#define STRONG_LEN 4

#define OUT_ROOM 4096 /* librsync wants room for a command and is fastest with more */

enum delta_job_end delta_job_run(
	rs_job_t *job, const void *in, size_t n, size_t chunk, int64_t budget_ns, struct buf *out)
{
	int64_t end_ns = budget_ns ? clock_ns(CLOCK_THREAD_CPUTIME_ID) + budget_ns : 0;
	rs_buffers_t b = {.next_in = (char *)in}; /* the interface lacks a const; input is only read */
	size_t left = n;

	for (;;) {
		size_t before_in, before_out;
		rs_result r;

		if (b.avail_in == 0 && left) {
			b.avail_in = MIN(chunk, left);
			left -= b.avail_in;
		}
		b.eof_in = left == 0;
		if (out) {
			b.next_out = (char *)buf_reserve(out, OUT_ROOM);
			b.avail_out = out->cap - out->len;
		}
		before_in = b.avail_in;
		before_out = b.avail_out;
		r = rs_job_iter(job, &b);
		if (out)
			out->len += before_out - b.avail_out;
		if (r == RS_DONE)
			return DELTA_JOB_DONE;
		if (r != RS_BLOCKED || (b.eof_in && b.avail_in == before_in && b.avail_out == before_out))
			return DELTA_JOB_FAILED;
		if (end_ns && clock_ns(CLOCK_THREAD_CPUTIME_ID) > end_ns)
			return DELTA_JOB_TOO_SLOW;
	}
}

/* 2 KiB to 1 MiB, 4 KiB to 4 MiB, 8 KiB above, more when there would be too many blocks. Where all is shifted, a run
 * costs a block of literal data at its ends and eight bytes for each block of the window: least when a block is the
 * root of eight times the window. */
static uint32_t block_len_choose(size_t n)
{
	size_t len = n <= (1u << 20) ? 2048 : n <= (4u << 20) ? 4096 : 8192;

	while (len < BLOCK_MAX && delta_blocks(n, len) > BLOCKS_MAX)
		len *= 2;
	return (uint32_t)len;
}

bool delta_signature(const void *basis, size_t n, uint32_t block_len, struct buf *out_sig)
{
	rs_job_t *job;
	bool ok;

	if (block_len == 0)
		block_len = block_len_choose(n);
	if (block_len < BLOCK_MIN || block_len > BLOCK_MAX || delta_blocks(n, block_len) > BLOCKS_MAX)
		return false;
	buf_reserve(out_sig, SIG_HEADER + delta_blocks(n, block_len) * (SIG_WEAK + STRONG_LEN) + OUT_ROOM);
	rs_trace_to(NULL); /* it warns on stderr of short strong sums */
	job = rs_sig_begin(block_len, STRONG_LEN, RS_RK_BLAKE2_SIG_MAGIC);
	ok = delta_job_run(job, basis, n, n, 0, out_sig) == DELTA_JOB_DONE;
	rs_job_free(job);
	return ok;
}

size_t delta_signature_bound(size_t window_len)
{
	size_t blocks = MIN(delta_blocks(window_len, BLOCK_MIN), (size_t)BLOCKS_MAX);

	return SIG_HEADER + blocks * (SIG_WEAK + STRONG_MAX);
}
