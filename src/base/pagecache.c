#include "base/pagecache.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#define NOWAIT 0x08 /* RWF_NOWAIT */

#define BLOCK (1u << 20)
#define PAGE_MIN 4096u
#define SAMPLES 4u

struct cachestat_range_ {
	uint64_t off, len;
};
struct cachestat_ {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

static uint64_t page_size(void)
{
	long n = sysconf(_SC_PAGESIZE);

	return n > 0 ? (uint64_t)n : PAGE_MIN;
}

static void add_cold(struct pagecache *p, uint64_t off, uint64_t end)
{
	struct pagecache_range *last = p->n ? &p->cold[p->n - 1] : NULL;

	if (last && last->end == off) {
		last->end = end;
		return;
	}
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 8;
		p->cold = xrealloc(p->cold, p->cap * sizeof(*p->cold));
	}
	p->cold[p->n++] = (struct pagecache_range){off, end};
}

/* ---- what is there ---- */

/* Linux 6.5. It counts; where some is there and some is not, halves are counted. False: the kernel does not tell. */
static bool by_cachestat(struct pagecache *p, uint64_t off, uint64_t end, uint64_t page)
{
	struct cachestat_range_ range = {off, end - off};
	uint64_t pages = (end - off + page - 1) / page, mid;
	struct cachestat_ cs;

	if (syscall(SYS_cachestat, p->fd, &range, &cs, 0u) < 0)
		return false;
	if (cs.cached == 0)
		add_cold(p, off, end);
	if (cs.cached == 0 || cs.cached >= pages)
		return true;
	mid = off + pages / 2 * page;
	return by_cachestat(p, off, mid, page) && by_cachestat(p, mid, end, page);
}

/* A read that must not wait (Linux 4.14). 1: it is there, 0: it is not, -1: no telling. */
static int there_at(int fd, uint64_t off)
{
#ifdef SYS_preadv2
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	unsigned long low = (unsigned long)off, high = sizeof(long) >= 8 ? 0 : (unsigned long)(off >> 32);
	long n = syscall(SYS_preadv2, fd, &iov, 1ul, low, high, NOWAIT);

	return n >= 0 ? 1 : errno == EAGAIN ? 0 : -1;
#else
	(void)fd;
	(void)off;
	return -1;
#endif
}

/* From the end: newer kernels begin to read ahead even for a read that must not wait. */
static bool nothing_by_samples(int fd, uint64_t off, uint64_t end)
{
	uint64_t step = (end - off) / SAMPLES;

	for (unsigned i = SAMPLES; i-- > 0;)
		if ((i == 0 || step >= PAGE_MIN) && there_at(fd, off + i * step) != 0)
			return false;
	return true;
}

/* Every kernel; but since 5.2 it says to all but owners and writers that everything is there. */
static void by_mincore(struct pagecache *p, uint64_t off, uint64_t end, uint64_t page)
{
	unsigned char in[BLOCK / PAGE_MIN];
	size_t pages = (size_t)((end - off + page - 1) / page), there = 0;
	void *map = mmap(NULL, (size_t)(end - off), PROT_READ, MAP_SHARED, p->fd, (off_t)off);
	bool told = map != MAP_FAILED && mincore(map, (size_t)(end - off), in) == 0;

	if (map != MAP_FAILED)
		munmap(map, (size_t)(end - off));
	for (size_t i = 0; told && i < pages; i++)
		there += in[i] & 1;
	if (!told || there == pages) {
		if (nothing_by_samples(p->fd, off, end))
			add_cold(p, off, end);
		return;
	}
	for (size_t i = 0; i < pages; i++)
		if (!(in[i] & 1))
			add_cold(p, off + i * page, MIN(off + (i + 1) * page, end));
}

static void look_at(struct pagecache *p, uint64_t off, uint64_t end)
{
	const uint64_t page = page_size();
	const size_t before = p->n;

	off -= off % page;
	if (!by_cachestat(p, off, end, page)) {
		p->n = MIN(p->n, before);
		by_mincore(p, off, end, page);
	}
	if (p->end <= BLOCK)
		return;
	for (size_t i = before ? before - 1 : 0; i < p->n; i++) {
		uint64_t from = MAX(p->cold[i].off, off);
		if (p->cold[i].end > from)
			posix_fadvise(p->fd, (off_t)from, (off_t)(p->cold[i].end - from), POSIX_FADV_WILLNEED);
	}
}

/* ---- the door ---- */

void pagecache_begin(struct pagecache *p, int fd, uint64_t off, uint64_t end)
{
	*p = (struct pagecache){.fd = fd, .end = end, .looked = off, .dropped = off};
	if (end > BLOCK)
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* that is: nothing is read ahead by itself */
}

void pagecache_look(struct pagecache *p, uint64_t off, uint64_t n)
{
	uint64_t end = MIN(off + n, p->end), ahead;

	if (p->fd < 0 || off >= end)
		return;
	if (off < p->dropped) {
		for (uint64_t at = off; at < end; at += BLOCK)
			look_at(p, at, MIN(at + BLOCK - at % BLOCK, end));
		return;
	}
	p->looked = MAX(p->looked, off);
	ahead = MIN(off + PAGECACHE_AHEAD, p->end);
	/* A block at a time once half of what is ahead has been used up. */
	if (p->looked >= end && p->looked >= MIN(off + PAGECACHE_AHEAD / 2, p->end))
		return;
	while (p->looked < ahead) {
		uint64_t to = MIN(p->looked - p->looked % BLOCK + BLOCK, p->end);
		look_at(p, p->looked, to);
		p->looked = to;
	}
}

void pagecache_drop(struct pagecache *p, uint64_t off)
{
	size_t kept = 0;

	if (p->fd < 0 || (off < p->end && off < p->dropped + BLOCK))
		return;
	off -= off < p->end ? off % BLOCK : 0;
	for (size_t i = 0; i < p->n; i++) {
		struct pagecache_range r = p->cold[i];

		if (r.off < off) {
			posix_fadvise(p->fd, (off_t)r.off, (off_t)(MIN(r.end, off) - r.off), POSIX_FADV_DONTNEED);
			r.off = MIN(r.end, off);
		}
		if (r.off < r.end)
			p->cold[kept++] = r;
	}
	p->n = kept;
	p->dropped = MAX(p->dropped, off);
}

void pagecache_end(struct pagecache *p)
{
	pagecache_drop(p, UINT64_MAX);
	free(p->cold);
	*p = (struct pagecache){.fd = -1};
}
