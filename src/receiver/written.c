/* The file systems that the session writes to. */
#include "receiver/private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void written_note(struct session *s, int fd, uint64_t dev)
{
	s->epoch.dirty = true;
	for (size_t i = s->fs_n; i-- > 0;) {
		if (s->fs[i].dev == dev)
			return;
	}
	if (s->fs_n == WRITTEN_MAX) { /* the oldest is brought to the disk now, and makes room */
		if (syncfs(s->fs[0].fd) < 0)
			s->sync_errno = errno;
		close(s->fs[0].fd);
		memmove(&s->fs[0], &s->fs[1], --s->fs_n * sizeof(s->fs[0]));
	}
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		s->fs[s->fs_n++] = (struct fsref){.dev = dev, .fd = fd};
	else
		s->sync_errno = errno;
}
