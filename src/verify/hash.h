/* Hashing one file in small steps: holes are not read, and the page cache is left as it was when asked for. */
#pragma once

#include "base/pagecache.h"
#include "verify/crc.h"

#include <sys/stat.h>

#define VERIFY_READ_BYTES (1u << 20)

struct verify_hasher {
	int fd; /* -1: nothing open */
	uint64_t off, size;
	uint64_t data_end; /* up to here there is data at off */
	uint64_t crc;
	uint64_t read; /* bytes, holes not counted */
	bool sparse;
	struct pagecache cache;
	struct stat before;
};

#define VERIFY_HASHER_INIT                     \
	{                                      \
		.fd = -1, .cache = {.fd = -1 } \
	}

/* Opens NAME in dirfd; false with errno. ENXIO: it is no regular file. */
bool verify_hasher_open(struct verify_hasher *h, int dirfd, const char *name, bool noatime, bool leave_cache);
/*
 * Hashes at most about `budget` bytes (holes count nothing), using buffer (VERIFY_READ_BYTES): 1 when the end
 * is reached, 0 when there is more, -1 with errno. out_bytes is increased by what was passed over, holes too.
 */
int verify_hasher_step(struct verify_hasher *h, verify_crc_fn crc, void *buffer, uint64_t budget, uint64_t *out_bytes);
/* After the end: whether the inode is as it was at the beginning (size, mtime, ctime). */
bool verify_hasher_undisturbed(const struct verify_hasher *h);
void verify_hasher_close(struct verify_hasher *h);
