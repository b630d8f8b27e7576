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

bool copy_is_hole(int fd, uint64_t off, uint64_t len)
{
	off_t data = lseek(fd, (off_t)off, SEEK_DATA);

	return data < 0 ? errno == ENXIO : (uint64_t)data >= off + len;
}

int copy_zero(int fd, uint64_t off, uint64_t len)
{
	static const char zeros[65536];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (off >= (uint64_t)st.st_size)
		return 0; /* what is not there reads as zeros once the file is long enough */
	len = MIN(len, (uint64_t)st.st_size - off);
	if (len == 0 || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len) == 0)
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
