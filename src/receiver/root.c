/*
 * Making and removing the temporary directory changes the root's mtime, which may have been set already, or be another
 * receiver's to set: it is saved and given back under a lock that every receiver takes for this.
 */
#include "receiver/root.h"
#include "receiver/state.h"

#include <errno.h>
#include <sys/file.h>

void root_lock(struct session *s)
{
	while (s->root.fd >= 0 && flock(s->root.fd, LOCK_EX) < 0 && errno == EINTR)
		;
}

void root_unlock(struct session *s)
{
	if (s->root.fd >= 0)
		flock(s->root.fd, LOCK_UN);
}

void root_times_hold(struct session *s, struct root_times *t)
{
	struct stat st;

	root_lock(s);
	t->known = fstat(s->root.fd, &st) == 0;
	if (t->known)
		t->mtime = st.st_mtim;
}

void root_times_restore(struct session *s, const struct root_times *t)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, t->mtime};

	if (t->known)
		(void)futimens(s->root.fd, times);
	root_unlock(s);
}
