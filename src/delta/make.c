#include "delta/delta.h"
#include "delta/private.h"

#include "base/clock.h"

/*
 * Whoever writes a signature can give it weak sums that every position of the data has: the library then
 * hashes a whole block for each byte, some minutes a segment. An honest delta makes 80 MB/s at the least;
 * what is slower than a tenth of that, after a second, is given up, looked at between chunks of this many
 * bytes times the block length.
 */
#define BUDGET_NS NS_PER_S
#define BUDGET_NS_PER_BYTE 125
#define CHUNK_WORK (256u << 20)

/* Everything the library would believe: it trusts lengths and counts in a signature. */
static bool signature_valid(const uint8_t *sig, size_t sig_len, size_t window_len)
{
	uint32_t block_len, strong_len;
	size_t blocks;

	if (sig_len < SIG_HEADER || delta_get_be32(sig) != RS_RK_BLAKE2_SIG_MAGIC)
		return false;
	block_len = delta_get_be32(sig + 4);
	strong_len = delta_get_be32(sig + 8);
	if (block_len < BLOCK_MIN || block_len > BLOCK_MAX || strong_len < STRONG_MIN || strong_len > STRONG_MAX)
		return false;
	blocks = delta_blocks(window_len, block_len);
	return blocks <= BLOCKS_MAX && sig_len == SIG_HEADER + blocks * (SIG_WEAK + strong_len);
}

/* The whole as one literal: what there is to say without a basis. */
static void literal_make(const void *data, size_t n, struct buf *out)
{
	static const uint8_t magic[] = {0x72, 0x73, 0x02, 0x36};

	buf_append(out, magic, sizeof(magic));
	if (n) {
		buf_append_u8(out, 0x44);
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_append_u8(out, (uint8_t)((uint64_t)n >> shift));
		buf_append(out, data, n);
	}
	buf_append_u8(out, 0);
}

/* Loads a signature and indexes it; to be freed also when this fails. */
static bool sums_load(const void *sig, size_t sig_len, rs_signature_t **out_sums)
{
	rs_job_t *job = rs_loadsig_begin(out_sums);
	enum delta_job_end end = delta_job_run(job, sig, sig_len, sig_len, 0, NULL);

	rs_job_free(job);
	return end == DELTA_JOB_DONE && rs_build_hash_table(*out_sums) == RS_DONE;
}

static bool sums_match(
	rs_signature_t *sums, size_t chunk, const void *data, size_t n, struct buf *out, uint64_t *out_matched)
{
	rs_job_t *job = rs_delta_begin(sums);
	int64_t budget = BUDGET_NS + (int64_t)n * BUDGET_NS_PER_BYTE;
	size_t start = out->len;
	enum delta_job_end end = delta_job_run(job, data, n, chunk, budget, out);

	*out_matched = (uint64_t)rs_job_statistics(job)->copy_bytes;
	rs_job_free(job);
	if (end == DELTA_JOB_TOO_SLOW) {
		*out_matched = 0;
		out->len = start;
		literal_make(data, n, out);
	}
	return end != DELTA_JOB_FAILED;
}

bool delta_make(const void *sig, size_t sig_len, size_t window_len, const void *data, size_t n, struct buf *out_delta,
	uint64_t *out_matched)
{
	rs_signature_t *sums = NULL;
	bool ok;

	*out_matched = 0;
	if (!signature_valid(sig, sig_len, window_len))
		return false;
	if (window_len == 0 || n == 0) {
		literal_make(data, n, out_delta);
		return true;
	}
	rs_trace_to(NULL); /* nothing of the library's is for stderr */
	ok = sums_load(sig, sig_len, &sums);
	if (ok) {
		size_t chunk = CHUNK_WORK / delta_get_be32((const uint8_t *)sig + 4);

		ok = sums_match(sums, MIN(chunk, (size_t)131072), data, n, out_delta, out_matched);
	}
	rs_free_sumset(sums);
	return ok;
}
