/* Copying between our own files: by reference where the file system can, else inside the kernel, else by
 * hand. */
#include "base/fd.h"
#include "receiver/copy.h"
#include "receiver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)
#endif
#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#endif

#define COPY_BUFFER (256u << 10)
#define BLOCK_MAX (64u << 10) /* of a file system */

int copy_clone(int from, int to)
{
	return ioctl(to, FICLONE, from);
}

static int copy_by_hand(struct session *s, int from, int to, uint64_t off, uint64_t len)
{
	AUTO_FREE char *p = xmalloc(COPY_BUFFER);

	while (len) {
		ssize_t n = fd_pread_full(from, p, MIN(len, (uint64_t)COPY_BUFFER), (off_t)off);
		if (n < 0)
			return -1;
		if (n == 0) {
			errno = EIO; /* it became shorter: somebody else writes to it */
			return -1;
		}
		if (fd_pwrite_full(to, p, (size_t)n, (off_t)off) < 0)
			return -1;
		off += (uint64_t)n;
		len -= (uint64_t)n;
		pace_io(&s->pace, 2 * (uint64_t)n);
		pace_rest(&s->pace);
	}
	return 0;
}

/* All of it, holes as zeros. */
static int copy_range(struct session *s, int from, int to, uint64_t off, uint64_t len)
{
#ifdef SYS_copy_file_range
	const uint64_t piece = pace_limited(&s->pace) ? PACE_PIECE : 1u << 30;

	while (len) {
		int64_t in = (int64_t)off, out = (int64_t)off;
		ssize_t n = syscall(SYS_copy_file_range, from, &in, to, &out, MIN(len, piece), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* not there, not between these file systems, or at an end the other way will name
			     */
			break;
		off += (uint64_t)n;
		len -= (uint64_t)n;
		pace_io(&s->pace, 2 * (uint64_t)n);
		pace_rest(&s->pace);
	}
#endif
	return copy_by_hand(s, from, to, off, len);
}

int copy_sparse(struct session *s, int from, int to, uint64_t off, uint64_t len)
{
	const uint64_t end = off + len;

	while (off < end) {
		off_t data = lseek(from, (off_t)off, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return 0; /* holes to the end */
		if (data < 0)
			return copy_range(s, from, to, off, end - off); /* the file system does not tell */
		if ((uint64_t)data >= end)
			return 0;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole <= data || (uint64_t)hole > end)
			hole = (off_t)end;
		if (copy_range(s, from, to, (uint64_t)data, (uint64_t)(hole - data)) < 0)
			return -1;
		off = (uint64_t)hole;
	}
	return 0;
}

int copy_whole(struct session *s, int from, int to, uint64_t size)
{
	if (copy_clone(from, to) == 0)
		return ftruncate(to, (off_t)size);
	if (ftruncate(to, (off_t)size) < 0)
		return -1;
	return copy_sparse(s, from, to, 0, size);
}

static bool no_data(int fd, uint64_t off, uint64_t end)
{
	const off_t data = off < end ? lseek(fd, (off_t)off, SEEK_DATA) : (off_t)end;

	return data < 0 ? errno == ENXIO : (uint64_t)data >= end;
}

/* Less than a block. */
static bool reads_zero(int fd, uint64_t off, uint64_t end)
{
	char p[4096];

	while (off < end) {
		const ssize_t n = pread(fd, p, MIN(end - off, (uint64_t)sizeof(p)), (off_t)off);

		if (n <= 0)
			return n == 0;
		for (ssize_t i = 0; i < n; i++)
			if (p[i])
				return false;
		off += (uint64_t)n;
	}
	return true;
}

bool copy_is_hole(int fd, uint64_t off, uint64_t len)
{
	const uint64_t end = off + len;
	uint64_t block, first, last;
	struct stat st;

	if (no_data(fd, off, end))
		return true;
	if (fstat(fd, &st) < 0)
		return false;
	/* Parts of a block cannot be holes here, whatever they are at the source. */
	block = st.st_blksize > 0 && st.st_blksize <= BLOCK_MAX ? (uint64_t)st.st_blksize : BLOCK_MAX;
	first = MIN((off + block - 1) / block * block, end);
	last = MAX(end / block * block, first);
	return no_data(fd, first, last) && reads_zero(fd, off, first) && reads_zero(fd, last, end);
}

int copy_zero(int fd, uint64_t off, uint64_t len)
{
	static const char zeros[65536];
	struct stat st;
	uint64_t punch;

	if (fstat(fd, &st) < 0)
		return -1;
	if (off >= (uint64_t)st.st_size)
		return 0; /* what is not there reads as zeros once the file is long enough */
	len = MIN(len, (uint64_t)st.st_size - off);
	/* A block goes only as a whole, the last one, too. */
	punch = off + len == (uint64_t)st.st_size ? len + BLOCK_MAX : len;
	if (len == 0 || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)punch) == 0)
		return 0;
	while (len) {
		size_t n = MIN(len, (uint64_t)sizeof(zeros));
		if (fd_pwrite_full(fd, zeros, n, (off_t)off) < 0)
			return -1;
		off += n;
		len -= n;
	}
	return 0;
}
