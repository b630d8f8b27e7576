/*
 * Is anything of a file in the page cache? Three ways, for none works everywhere: cachestat() (Linux 6.5; for
 * owners and writers only since 6.13), a read that must not wait (4.14; samples), mincore() (honest to
 * everybody before 5.2).
 */
#include "verify/hash.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#define NOWAIT 0x08 /* RWF_NOWAIT */
#define SAMPLES 16
#define MINCORE_BYTES (64u << 20) /* the first so many */

struct cachestat_range_ {
	uint64_t off, len;
};
struct cachestat_ {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

enum answer { EMPTY, CACHED, UNKNOWN };

static enum answer by_cachestat(int fd)
{
	struct cachestat_range_ range = {}; /* length 0: to the end */
	struct cachestat_ cs;

	if (syscall(SYS_cachestat, fd, &range, &cs, 0u) < 0)
		return UNKNOWN;
	return cs.cached ? CACHED : EMPTY;
}

static ssize_t read_nowait(int fd, uint64_t off)
{
#ifdef SYS_preadv2
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	unsigned long low = (unsigned long)off, high = sizeof(long) >= 8 ? 0 : (unsigned long)(off >> 32);

	return syscall(SYS_preadv2, fd, &iov, 1ul, low, high, NOWAIT);
#else
	errno = ENOSYS;
	return -1;
#endif
}

static enum answer by_samples(int fd, uint64_t size)
{
	unsigned count = size <= 4096 ? 1 : SAMPLES;

	/* From the end: newer kernels begin to read ahead even for a read that must not wait. */
	for (unsigned i = count; i-- > 0;) {
		uint64_t off = count == 1 ? 0 : (size - 1) / (count - 1) * i;
		ssize_t n = read_nowait(fd, off);

		if (n > 0)
			return CACHED;
		if (n < 0 && errno != EAGAIN)
			return UNKNOWN;
	}
	return EMPTY;
}

static enum answer by_mincore(int fd, uint64_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (size_t)MIN(size, (uint64_t)MINCORE_BYTES);
	size_t pages = (n + page - 1) / page;
	AUTO_FREE unsigned char *in = xmalloc(pages);
	void *p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	enum answer a = EMPTY;

	if (p == MAP_FAILED)
		return UNKNOWN;
	if (mincore(p, n, in) < 0)
		a = UNKNOWN;
	for (size_t i = 0; a == EMPTY && i < pages; i++)
		a = in[i] & 1 ? CACHED : EMPTY;
	munmap(p, n);
	return a;
}

bool verify_cache_empty(int fd, uint64_t size)
{
	enum answer a;

	if (size == 0)
		return false;
	a = by_cachestat(fd);
	if (a == UNKNOWN)
		a = by_samples(fd, size);
	if (a == UNKNOWN)
		a = by_mincore(fd, size);
	return a == EMPTY;
}
