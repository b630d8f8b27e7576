/* Shared by the files of this room: the layout of librsync's signatures and the loop around its jobs. */
#pragma once

#include "base/buf.h"

#include <librsync.h>

#define SIG_HEADER 12 /* magic, block length, strong length: u32 each, big endian */
#define SIG_WEAK 4 /* in front of each strong sum */
#define BLOCK_MIN 64
#define BLOCK_MAX 65536
#define STRONG_MIN 4
#define STRONG_MAX 32
/* Blocks of one window: the hash table of a signature whose weak sums are all the same is built in square time. */
#define BLOCKS_MAX 8192

static inline size_t delta_blocks(size_t window_len, size_t block_len)
{
	return window_len / block_len + (window_len % block_len != 0);
}

static inline uint32_t delta_get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

enum delta_job_end { DELTA_JOB_DONE, DELTA_JOB_FAILED, DELTA_JOB_TOO_SLOW };

/* Runs a job over in memory, input handed to it `chunk` bytes at a time; what it writes is appended to out,
 * which may be NULL for a job that writes nothing. Failed when the library refuses or makes no progress; too
 * slow when it used more than budget_ns (0: any) of this thread's processor time. */
enum delta_job_end delta_job_run(
	rs_job_t *job, const void *in, size_t n, size_t chunk, int64_t budget_ns, struct buf *out);
