/* LINK: a further name of an inode that is there. */
#include "receiver/answer.h"
#include "receiver/dir.h"
#include "receiver/entry.h"
#include "receiver/fail.h"
#include "receiver/handlers.h"
#include "receiver/place.h"
#include "receiver/resolve.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/tmp.h"
#include "receiver/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct source { /* the existing name */
	int dirfd;
	const char *name;
	uint64_t dev, ino;
	int locked_fd; /* its i and a were cleared: -1, or where to set them again */
	struct meta flags;
};

static bool is_inode(const struct stat *st, const struct source *from)
{
	return (uint64_t)st->st_dev == from->dev && (uint64_t)st->st_ino == from->ino;
}

static bool points_to(int dirfd, const char *name, const struct source *from)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_inode(&st, from);
}

/* An inode with i or a gets no further link: they go for the moment. */
static bool unlock_source(struct session *s, struct source *from)
{
	struct stat st;

	if (!s->is_root || from->locked_fd >= 0 || fstatat(from->dirfd, from->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode))
		return false;
	from->locked_fd = openat(from->dirfd, from->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return from->locked_fd >= 0 && fstat(from->locked_fd, &st) == 0 && is_inode(&st, from) &&
		meta_read_fd(from->locked_fd, META_F_FLAGS | META_F_FLAGS_PRIV, &from->flags) == 0 &&
		(from->flags.flags & META_FLAGS_PRIV) && meta_unlock_fd(from->locked_fd) == 0;
}

static void relock_source(struct source *from, struct diag *diag, struct place *at, const char *name)
{
	if (from->locked_fd < 0)
		return;
	if (from->flags.flags & META_FLAGS_PRIV)
		fail_metadata(diag,
			meta_apply_fd(from->locked_fd, &from->flags, NULL, META_F_FLAGS | META_F_FLAGS_PRIV), errno, at,
			name);
	close(from->locked_fd);
	meta_release(&from->flags);
}

/* Over what is there, by a temporary name. 0, -1, or -2: again. */
static int link_over(struct session *s, struct source *from, struct place *at, const char *name, struct diag *diag)
{
	struct tmpname t;
	int ret;

	tmp_place(s, at, &t);
	if (linkat(from->dirfd, from->name, t.dirfd, t.name, 0) < 0) {
		if (errno == EXDEV && !t.beside) {
			at->beside = true;
			return -2;
		}
		if (errno == EEXIST || errno == ENOENT || entry_unlock(s, at, NULL, errno) || unlock_source(s, from))
			return -2;
		fail_entry(diag, DIAG_RECEIVER_LINK, errno, at, name, "cannot link");
		return -1;
	}
	ret = entry_commit(s, &t, at, name, diag);
	if (ret != 0)
		tmp_discard(&t);
	return ret;
}

static int link_make(struct session *s, struct source *from, struct place *at, const char *name, struct diag *diag)
{
	struct stat st;

	for (int tries = 0; tries < 6; tries++) {
		if (linkat(from->dirfd, from->name, at->fd, name, 0) == 0)
			return 0;
		if (errno == EEXIST) {
			int ret = fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)
				? entry_clear_way(s, at, name, diag)
				: link_over(s, from, at, name, diag);
			if (ret == -1)
				return -1;
			if (ret == 0 && points_to(at->fd, name, from))
				return 0;
			continue;
		}
		if ((errno == EPERM || errno == EACCES) && (entry_unlock(s, at, NULL, errno) || unlock_source(s, from)))
			continue;
		break;
	}
	fail_entry(diag, DIAG_RECEIVER_LINK, errno, at, name, "cannot link");
	return -1;
}

static void link_one(struct session *s, struct place *at, const char *name, const char *existing,
	const struct msg_link *m, struct msg_op_done *done)
{
	struct source from = {.dev = m->dev, .ino = m->ino, .locked_fd = -1};
	AUTO_CLOSE int parent = resolve_parent(s, existing, &from.name);
	struct stat st;

	from.dirfd = parent;
	done->why = META_D_HARDLINK;
	if (s->dry) {
		done->changed = at->fd < 0 || !points_to(at->fd, name, &from);
		return;
	}
	if (scope_reserved(at, name) || scope_hidden(s, at->dst, name)) {
		fail_entry(&done->diag, DIAG_RECEIVER_RESERVED, 0, at, name, "cannot use the name");
		return;
	}
	if (parent < 0 || fstatat(parent, from.name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_inode(&st, &from) ||
		S_ISDIR(st.st_mode)) {
		fail_entry(&done->diag, DIAG_RECEIVER_CHANGED, 0, at, name, "the first name is no longer there for");
		return;
	}
	done->dev = m->dev;
	done->ino = m->ino;
	if (points_to(at->fd, name, &from)) {
		done->why = 0;
		return;
	}
	place_modify(s, at);
	done->changed = link_make(s, &from, at, name, &done->diag) == 0;
	if (!done->changed)
		done->dev = at->dev; /* where it would have been */
	relock_source(&from, &done->diag, at, name);
	/* The name that was linked may have become another inode's between the look and the call. */
	if (done->changed && !points_to(at->fd, name, &from)) {
		(void)unlinkat(at->fd, name, 0);
		fail_entry(&done->diag, DIAG_RECEIVER_CHANGED, 0, at, name, "the first name has changed for");
	}
}

bool on_link(struct session *s, const struct frame *f)
{
	struct msg_op_done done = {};
	struct msg_link m;
	struct dir *d;
	size_t start;

	if (!msg_link_get(f, &m))
		return answer_malformed(s, "link");
	d = dir_find(s, m.dir);
	{
		AUTO_FREE char *name = xmemdup(m.name.p, m.name.len);
		AUTO_FREE char *existing = xmemdup(m.existing.p, m.existing.len);

		if (d)
			link_one(s, &d->at, name, existing, &m, &done);
		else
			fail_entry(&done.diag, DIAG_RECEIVER_DIR, 0, NULL, name, "no directory for");
	}
	done.failed = diag_is_set(&done.diag);
	start = frame_begin(&s->out, MSG_OP_DONE, f->id);
	msg_op_done_put(&s->out, &done);
	frame_end(&s->out, start);
	diag_release(&done.diag);
	return true;
}
