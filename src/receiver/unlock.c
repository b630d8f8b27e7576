/* Names that are about to be changed or to go: what keeps that from them, and what must not be left of them. */
#include "receiver/dents.h"
#include "receiver/place.h"
#include "receiver/state.h"
#include "receiver/suspect.h"
#include "receiver/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Clears i and a of a file or directory. True when one was set. */
static bool unlock_name(int dirfd, const char *name)
{
	struct meta m = META_INIT;
	struct stat st;
	AUTO_CLOSE int fd = -1;
	bool locked;

	/* Never opens a device or a fifo, which have no flags either. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return false;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || meta_read_fd(fd, META_F_FLAGS | META_F_FLAGS_PRIV, &m) < 0)
		return false;
	locked = m.flags & META_FLAGS_PRIV;
	meta_release(&m);
	return locked && meta_unlock_fd(fd) == 0;
}

bool entry_unlock(struct session *s, struct place *at, const char *name, int err)
{
	bool did;

	if (s->dry || !s->is_root || (err != EPERM && err != EACCES)) {
		errno = err;
		return false;
	}
	did = place_unlock(s, at);
	if (name && unlock_name(at->fd, name))
		did = true;
	errno = err;
	return did;
}

void entry_unname(struct session *s, int dirfd, const char *name)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct meta m = META_INIT;
	struct stat st;

	if ((s->ready && !s->suspects.n) || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink < 2)
		return;
	m.type = type_of_mode(st.st_mode);
	m.size = (uint64_t)st.st_size;
	m.ctime_s = st.st_ctim.tv_sec;
	m.ctime_ns = (uint32_t)st.st_ctim.tv_nsec;
	if (m.type != META_REG || (s->ready && !suspect_matches(s, &m)))
		return;
	times[1].tv_sec = st.st_mtim.tv_sec - 1; /* neither what it is nor what it was before */
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0 && s->is_root && unlock_name(dirfd, name))
		(void)utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW);
}
