/*
 * The target root as what it is besides a directory: what is made and removed in it by us must not change its mtime, which
 * may have been set already, or be another receiver's to set. It is saved and given back under a lock that every receiver
 * takes for this.
 */
#include "receiver/private.h"

#include <errno.h>
#include <sys/file.h>

void root_lock(struct session *s)
{
	while (s->root_fd >= 0 && flock(s->root_fd, LOCK_EX) < 0 && errno == EINTR)
		;
}

void root_unlock(struct session *s)
{
	if (s->root_fd >= 0)
		flock(s->root_fd, LOCK_UN);
}

void root_times_hold(struct session *s, struct root_times *t)
{
	struct stat st;

	root_lock(s);
	t->known = fstat(s->root_fd, &st) == 0;
	if (t->known)
		t->mtime = st.st_mtim;
}

void root_times_restore(struct session *s, const struct root_times *t)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, t->mtime};

	if (t->known)
		(void)futimens(s->root_fd, times);
	root_unlock(s);
}
