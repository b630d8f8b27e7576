/* A directory that is open to be worked in. */
#include "base/text.h"
#include "receiver/place.h"
#include "receiver/state.h"
#include "receiver/written.h"

#include <fcntl.h>
#include <unistd.h>

bool meta_is_plain(const struct meta *m)
{
	struct meta_xattr x;
	size_t pos = 0;

	if (m->flags)
		return false;
	while (meta_xattr_next(&m->xattrs, &pos, &x)) {
		if (str_eq(x.name, "system.posix_acl_default") || strncmp(x.name, "security.", 9) == 0)
			return false;
	}
	return true;
}

int place_enter(struct session *s, int fd)
{
	if (s->cwd == fd)
		return 0;
	s->cwd = fchdir(fd) < 0 ? -1 : fd;
	return s->cwd < 0 ? -1 : 0;
}

void place_modify(struct session *s, struct place *at)
{
	s->written.dirty = true;
	if (at->modified)
		return;
	at->modified = true;
	written_note(s, at->fd, at->dev);
}

bool place_unlock(struct session *s, struct place *at)
{
	struct meta m = META_INIT;
	bool locked = meta_read_fd(at->fd, META_F_FLAGS | META_F_FLAGS_PRIV, &m) == 0 && (m.flags & META_FLAGS_PRIV);

	meta_release(&m);
	if (!locked || meta_unlock_fd(at->fd) < 0)
		return false;
	at->unlocked = true;
	return true;
}

void place_relock(struct place *at)
{
	struct meta now = META_INIT, want = META_INIT;
	const unsigned fields = META_F_FLAGS | META_F_FLAGS_PRIV;

	if (meta_read_fd(at->fd, fields, &now) == 0) {
		want.type = META_DIR;
		want.flags = (now.flags & ~META_FLAGS_PRIV) | (at->have.flags & META_FLAGS_PRIV);
		(void)meta_apply_fd(at->fd, &want, &now, fields); /* an attempt to leave it as it was */
	}
	meta_release(&now);
}

/* What our work has changed of a directory whose metadata are to be left alone goes back to what it was. */
void place_put_back(struct place *at)
{
	if (at->fd < 0)
		return;
	if (at->widened)
		(void)fchmod(at->fd, at->have.mode);
	if (at->modified && !at->made) {
		struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
			{.tv_sec = (time_t)at->have.mtime_s, .tv_nsec = (long)at->have.mtime_ns}};
		(void)futimens(at->fd, times);
	}
	if (at->unlocked)
		place_relock(at);
}

void place_release(struct session *s, struct place *at)
{
	if (at->fd >= 0) {
		if (s->cwd == at->fd)
			s->cwd = -1;
		close(at->fd);
	}
	meta_release(&at->have);
	free(at->src);
	free(at->dst);
	at->src = at->dst = NULL;
}
