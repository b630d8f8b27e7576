/*
 * Making and removing the temporary directory changes the root's mtime, which may have been set already, or be another
 * receiver's to set: it is saved and given back under a lock that every receiver takes for this.
 */
#include "receiver/root.h"
#include "receiver/place.h"
#include "receiver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int widen(struct session *s)
{
	struct stat st;

	if (s->dry || s->is_root || s->root.fd < 0 || fstat(s->root.fd, &st) < 0 || (st.st_mode & 0700) == 0700 ||
		fchmod(s->root.fd, (st.st_mode & 07777) | 0700) < 0)
		return -1;
	return (int)(st.st_mode & 07777);
}

static void narrow(struct session *s, int mode)
{
	if (mode >= 0)
		(void)fchmod(s->root.fd, (mode_t)mode);
}

int root_widen(struct session *s)
{
	int mode;

	if (s->dry || s->is_root)
		return -1;
	root_lock(s);
	mode = widen(s);
	if (mode < 0)
		root_unlock(s);
	return mode;
}

void root_narrow(struct session *s, int mode)
{
	if (mode < 0)
		return;
	narrow(s, mode);
	root_unlock(s);
}

void root_times_hold(struct session *s, struct root_times *t)
{
	struct stat st;

	root_lock(s);
	t->known = fstat(s->root.fd, &st) == 0;
	if (t->known)
		t->mtime = st.st_mtim;
	t->mode = widen(s);
}

static int put(struct session *s, const struct root_times *t)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, t->mtime};

	return t->known ? futimens(s->root.fd, times) : 0;
}

/* Without i and a, which it may have been given meanwhile: removes the directory of that name, and gives the time back. */
static void without_flags(struct session *s, const struct root_times *t, const char *remove)
{
	struct place root = {.fd = s->root.fd};

	if (meta_read_fd(root.fd, META_F_FLAGS | META_F_FLAGS_PRIV, &root.have) == 0 && place_unlock(s, &root)) {
		if (remove)
			(void)unlinkat(root.fd, remove, AT_REMOVEDIR);
		(void)put(s, t);
		place_relock(&root);
	}
	meta_release(&root.have);
}

void root_times_restore(struct session *s, const struct root_times *t)
{
	if (put(s, t) < 0 && errno == EPERM)
		without_flags(s, t, NULL);
	narrow(s, t->mode);
	root_unlock(s);
}

void root_remove_dir(struct session *s, const char *name)
{
	struct root_times times;

	root_times_hold(s, &times);
	if (unlinkat(s->root.fd, name, AT_REMOVEDIR) < 0 && errno == EPERM)
		without_flags(s, &times, name);
	root_times_restore(s, &times);
}
