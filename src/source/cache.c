#include "source/private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct cachestat_range_ {
	uint64_t off, len;
};
struct cachestat_ {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/* Kernels before 6.5: mincore over a mapping. It looks at the first 64 MiB only, which tells cold from warm well
 * enough for the purpose. */
static bool cold_by_mincore(int fd, uint64_t size)
{
	unsigned char pages[16384];
	size_t len = (size_t)MIN(size, (uint64_t)64 << 20);
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	bool cold = true;

	if (map == MAP_FAILED)
		return false;
	if (mincore(map, len, pages) < 0)
		cold = false;
	for (size_t i = 0; cold && i < (len + 4095) / 4096; i++)
		cold = !(pages[i] & 1);
	munmap(map, len);
	return cold;
}

bool cache_is_cold(int fd, uint64_t size)
{
	struct cachestat_range_ range = {0, 0};
	struct cachestat_ st;

	if (size == 0)
		return false;
	if (syscall(SYS_cachestat, fd, &range, &st, 0) == 0)
		return st.cached == 0;
	if (errno != ENOSYS)
		return false;
	return cold_by_mincore(fd, size);
}

void cache_drop(int fd)
{
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}
