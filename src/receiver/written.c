/* The file systems that the session writes to. */
#include "receiver/state.h"
#include "receiver/written.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void written_note(struct session *s, int fd, uint64_t dev)
{
	s->written.dirty = true;
	for (size_t i = s->written.fs_n; i-- > 0;) {
		if (s->written.fs[i].dev == dev)
			return;
	}
	if (s->written.fs_n == WRITTEN_MAX) { /* the oldest is brought to the disk now, and makes room */
		if (syncfs(s->written.fs[0].fd) < 0)
			s->written.err = errno;
		close(s->written.fs[0].fd);
		memmove(&s->written.fs[0], &s->written.fs[1], --s->written.fs_n * sizeof(s->written.fs[0]));
	}
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		s->written.fs[s->written.fs_n++] = (struct written_fs){.dev = dev, .fd = fd};
	else
		s->written.err = errno;
}

void written_release(struct written *w)
{
	for (size_t i = 0; i < w->fs_n; i++)
		close(w->fs[i].fd);
}
