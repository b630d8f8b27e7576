#include "verify/hash.h"
#include "verify/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define HOLE_WORTH (1u << 20) /* shorter holes are read like data */
#define SECTOR 512

bool verify_hasher_open(struct verify_hasher *h, int dirfd, const char *name, bool noatime, bool leave_cache)
{
	*h = (struct verify_hasher){.fd = -1, .cache = {.fd = -1}};
	if (fstatat(dirfd, name, &h->before, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (!S_ISREG(h->before.st_mode)) { /* the other side asks for it: a device must not even be opened */
		errno = ENXIO; /* ESTALE is what a server says whose handle is none any more, and no change */
		return false;
	}
	h->fd = verify_open(dirfd, name, 0, noatime);
	if (h->fd < 0) {
		if (errno == ELOOP || errno == ENXIO)
			errno = ENXIO;
		return false;
	}
	if (fstat(h->fd, &h->before) < 0 || !S_ISREG(h->before.st_mode)) {
		verify_hasher_close(h);
		errno = ENXIO;
		return false;
	}
	h->size = (uint64_t)h->before.st_size;
	h->sparse = (uint64_t)h->before.st_blocks * SECTOR + HOLE_WORTH <= h->size;
	if (leave_cache)
		pagecache_begin(&h->cache, h->fd, 0, h->size);
	else if (h->size > VERIFY_READ_BYTES)
		posix_fadvise(h->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return true;
}

void verify_hasher_close(struct verify_hasher *h)
{
	pagecache_end(&h->cache);
	cleanup_close(&h->fd);
	h->fd = -1;
}

/* Finds how far the data reaches from off; passes over a long hole. What the file system does not know is data. */
static void look_for_hole(struct verify_hasher *h, uint64_t *out_bytes)
{
	off_t data = lseek(h->fd, (off_t)h->off, SEEK_DATA), hole;
	uint64_t next = data >= 0 ? (uint64_t)data : h->size;

	h->data_end = h->size;
	if (data < 0 && errno != ENXIO)
		return;
	next = MIN(next, h->size);
	if (next >= h->off + HOLE_WORTH) {
		h->crc = verify_crc_zeros(h->crc, next - h->off);
		*out_bytes += next - h->off;
		h->off = next;
	}
	if (data < 0 || next == h->size)
		return;
	hole = lseek(h->fd, data, SEEK_HOLE);
	/* At least one step forward, whatever a file system that is being written to says. */
	if (hole > data)
		h->data_end = MIN((uint64_t)hole, h->size);
}

static ssize_t read_some(struct verify_hasher *h, void *buffer)
{
	uint64_t left = h->data_end - h->off;
	ssize_t n;

	pagecache_look(&h->cache, h->off, MIN(left, (uint64_t)VERIFY_READ_BYTES));
	do {
		n = pread(h->fd, buffer, (size_t)MIN(left, (uint64_t)VERIFY_READ_BYTES), (off_t)h->off);
	} while (n < 0 && errno == EINTR);
	return n;
}

int verify_hasher_step(struct verify_hasher *h, verify_crc_fn crc, void *buffer, uint64_t budget, uint64_t *out_bytes)
{
	uint64_t used = 0;
	int result = 0;

	while (used < budget) {
		ssize_t n;

		if (h->off >= h->data_end && h->off < h->size) {
			if (h->sparse)
				look_for_hole(h, out_bytes);
			else
				h->data_end = h->size;
		}
		if (h->off >= h->size) {
			result = 1;
			break;
		}
		n = read_some(h, buffer);
		if (n < 0)
			return -1;
		if (n == 0) { /* it has become shorter */
			h->size = h->off;
			continue;
		}
		h->crc = crc(h->crc, buffer, (size_t)n);
		h->off += (uint64_t)n;
		used += (uint64_t)n;
		h->read += (uint64_t)n;
		*out_bytes += (uint64_t)n;
	}
	pagecache_drop(&h->cache, h->off);
	return result;
}

bool verify_hasher_undisturbed(const struct verify_hasher *h)
{
	const struct stat *b = &h->before;
	struct stat now;

	return fstat(h->fd, &now) == 0 && now.st_size == b->st_size && h->size == (uint64_t)b->st_size &&
		now.st_mtim.tv_sec == b->st_mtim.tv_sec && now.st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		now.st_ctim.tv_sec == b->st_ctim.tv_sec && now.st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}
