#include "receiver/fence.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#ifndef F_OFD_SETLK
#define F_OFD_SETLK 37
#endif

#define PATIENCE_NS (2 * NS_PER_S) /* mostly what stood there ends with its link */
#define AGAIN_NS (20 * NS_PER_MS)

static int set(int fd, short type, uint64_t off, uint64_t len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)off, .l_len = (off_t)len};

	return fcntl(fd, F_OFD_SETLK, &l);
}

/* Linux before 3.15 has locks on inodes only: parts are held in common, and none of them together with the whole. */
static int hold(int fd, bool writing, uint64_t off, uint64_t len)
{
	if (set(fd, writing ? F_WRLCK : F_RDLCK, off, len) == 0)
		return 0;
	return errno == EINVAL ? flock(fd, (len ? LOCK_SH : LOCK_EX) | LOCK_NB) : -1;
}

enum fence fence_take(int fd, bool writing, uint64_t off, uint64_t len)
{
	const struct timespec again = {.tv_nsec = AGAIN_NS};
	int64_t deadline = 0;

	while (hold(fd, writing, off, len) < 0) {
		int64_t now = clock_mono_ns();

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return FENCE_UNKNOWN;
		if (!deadline)
			deadline = now + PATIENCE_NS;
		if (now > deadline)
			return FENCE_BUSY;
		nanosleep(&again, NULL);
	}
	return FENCE_TAKEN;
}

void fence_release(int fd)
{
	if (set(fd, F_UNLCK, 0, 0) < 0)
		(void)flock(fd, LOCK_UN);
}
