/* One name in an open directory: making, replacing, opening, and giving metadata. */
#include "receiver/copy.h"
#include "receiver/dents.h"
#include "receiver/entry.h"
#include "receiver/fail.h"
#include "receiver/lease.h"
#include "receiver/place.h"
#include "receiver/resolve.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/tmp.h"
#include "receiver/unlock.h"
#include "receiver/written.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TRIES 4 /* of a call that is repeated after something in its way was removed */

const struct meta *entry_fresh(struct meta *room, const struct stat *st, bool plain)
{
	if (!plain)
		return NULL;
	*room = (struct meta)META_INIT;
	room->type = type_of_mode(st->st_mode);
	room->mode = st->st_mode & 07777;
	room->uid = st->st_uid;
	room->gid = st->st_gid;
	return room;
}

int entry_open(struct session *s, struct place *at, const char *name, int flags)
{
	const int how = flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;
	int fd, err;

	if (fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) { /* a device must not even be opened */
		errno = EINVAL;
		return -1;
	}
	do
		fd = openat(at->fd, name, how);
	while (fd < 0 && lease_pause(s));
	if (fd < 0 && entry_unlock(s, at, name, errno))
		fd = openat(at->fd, name, how);
	err = errno;
	if (fd < 0 && err == EACCES && !s->dry && !s->is_root && st.st_uid == geteuid() &&
		meta_chmod(at->fd, name, (st.st_mode & 0777) | 0600) == 0)
		fd = openat(at->fd, name, how);
	else
		errno = err;
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

/* ---- what is in the way ---- */

bool entry_may_become(struct session *s, struct place *at, const char *name, uint8_t type, struct diag *diag)
{
	struct stat st;

	if (!s->scope.kept.n || type == META_DIR || at->fd < 0 || fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		type_of_mode(st.st_mode) == type || !scope_kept(s, at->dst, name))
		return true;
	fail_entry(diag, DIAG_RECEIVER_PROTECTED, 0, at, name, "cannot replace");
	return false;
}

int entry_clear_way(struct session *s, struct place *at, const char *name, struct diag *diag)
{
	struct stat st;

	if (fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if (scope_foreign(s, at, name) || scope_kept(s, at->dst, name) || scope_lost_found(at, name, true)) {
		fail_entry(diag, DIAG_RECEIVER_PROTECTED, 0, at, name, "cannot replace the directory");
		return -1;
	}
	if (unlinkat(at->fd, name, AT_REMOVEDIR) == 0)
		return 0;
	fail_entry(diag, errno == EBUSY ? DIAG_RECEIVER_MOUNT : DIAG_RECEIVER_OBSTRUCTED, errno, at, name,
		"cannot replace the directory");
	return -1;
}

int entry_commit(struct session *s, struct tmpname *t, struct place *at, const char *name, struct diag *diag)
{
	struct stat st;

	place_modify(s, at);
	if (s->scope.kept.n && fstatat(t->dirfd, t->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		!entry_may_become(s, at, name, type_of_mode(st.st_mode), diag))
		return -1;
	entry_unname(s, at->fd, name);
	for (int tries = 0; tries < TRIES; tries++) {
		if (renameat(t->dirfd, t->name, at->fd, name) == 0) {
			t->dirfd = -1;
			return 0;
		}
		if (errno == EXDEV && !t->beside) {
			at->beside = true;
			return -2;
		}
		if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST) {
			if (entry_clear_way(s, at, name, diag) < 0)
				return -1;
		} else if (!entry_unlock(s, at, name, errno)) {
			break;
		}
	}
	fail_entry(diag, DIAG_RECEIVER_CREATE, errno, at, name, "cannot replace");
	return -1;
}

void entry_make_passage(int fd)
{
	const struct meta want = {.type = META_DIR, .mode = 0755, .uid = geteuid(), .gid = getegid()};

	(void)meta_apply_fd(fd, &want, NULL, META_F_OWNER | META_F_ACL | META_F_MODE);
}

int entry_mkdir(struct session *s, struct place *at, const char *name, bool passage, bool *out_made, struct diag *diag)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	*out_made = false;
	for (int tries = 0; tries < TRIES; tries++) {
		if (mkdirat(at->fd, name, 0700) == 0) {
			place_modify(s, at);
			*out_made = true;
			if (passage && (fd = resolve_child(s, at->fd, name, true)) >= 0)
				entry_make_passage(fd);
			return 0;
		}
		if (errno != EEXIST) {
			if (entry_unlock(s, at, NULL, errno))
				continue;
			break;
		}
		if (fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			return 0;
		if (scope_hidden(s, at->dst, name)) {
			fail_entry(diag, DIAG_RECEIVER_PROTECTED, 0, at, name, "cannot replace by a directory");
			return -1;
		}
		place_modify(s, at);
		entry_unname(s, at->fd, name);
		if (unlinkat(at->fd, name, 0) < 0 && errno != ENOENT && !entry_unlock(s, at, name, errno))
			break;
	}
	fail_entry(diag, DIAG_RECEIVER_CREATE, errno, at, name, "cannot make the directory");
	return -1;
}

/* ---- links, devices, fifos, sockets ---- */

static int special_create(int dirfd, const char *name, const struct meta *m)
{
	const dev_t dev = makedev(m->rdev_major, m->rdev_minor);
	AUTO_FREE char *link = NULL;

	switch (m->type) {
	case META_LNK:
		link = xmemdup(m->link.data, m->link.len);
		return symlinkat(link, dirfd, name);
	case META_CHR:
		return mknodat(dirfd, name, S_IFCHR | 0600, dev);
	case META_BLK:
		return mknodat(dirfd, name, S_IFBLK | 0600, dev);
	case META_FIFO:
		return mknodat(dirfd, name, S_IFIFO | 0600, 0);
	case META_SOCK:
		return mknodat(dirfd, name, S_IFSOCK | 0600, 0);
	}
	errno = EINVAL;
	return -1;
}

/* Metadata of what was just made as dirfd/as; messages call it at/name. */
static void special_apply(struct session *s, int dirfd, const char *as, bool plain, struct place *at, const char *name,
	const struct meta *m, struct diag *diag, struct stat *st)
{
	struct meta room;
	unsigned failed = META_D_TYPE;

	if (fstatat(dirfd, as, st, AT_SYMLINK_NOFOLLOW) == 0 && place_enter(s, dirfd) == 0)
		failed = meta_apply_name(dirfd, as, m, entry_fresh(&room, st, plain), s->fields);
	fail_metadata(diag, failed, errno, at, name);
}

static int special_replace(
	struct session *s, struct place *at, const char *name, const struct meta *m, struct diag *diag, struct stat *st)
{
	for (int tries = 0; tries < TRIES; tries++) {
		struct tmpname t;
		int ret;

		tmp_place(s, at, &t);
		if (special_create(t.dirfd, t.name, m) < 0) {
			if (errno == EEXIST || errno == ENOENT || (t.beside && entry_unlock(s, at, NULL, errno)))
				continue;
			break;
		}
		diag_release(diag);
		special_apply(s, t.dirfd, t.name, tmp_is_plain(s, at, &t), at, name, m, diag, st);
		if (diag_is_set(diag)) {
			AUTO_DIAG other = DIAG_INIT;
			ret = entry_commit(s, &t, at, name, &other);
			if (ret == -1)
				diag_move(diag, &other);
		} else {
			ret = entry_commit(s, &t, at, name, diag);
		}
		if (ret == 0)
			return 0;
		tmp_discard(&t);
		if (ret == -1)
			return -1;
	}
	fail_entry(diag, DIAG_RECEIVER_CREATE, errno, at, name, "cannot make");
	return -1;
}

int entry_make_special(struct session *s, struct place *at, const char *name, const struct meta *m, bool is_new,
	struct diag *diag, struct stat *out_st)
{
	place_modify(s, at);
	if (!is_new)
		return special_replace(s, at, name, m, diag, out_st);
	for (int tries = 0; tries < TRIES; tries++) {
		if (special_create(at->fd, name, m) == 0) {
			special_apply(s, at->fd, name, at->plain, at, name, m, diag, out_st);
			return 0;
		}
		if (errno == EEXIST)
			return special_replace(s, at, name, m, diag, out_st);
		if (!entry_unlock(s, at, NULL, errno))
			break;
	}
	fail_entry(diag, DIAG_RECEIVER_CREATE, errno, at, name, "cannot make");
	return -1;
}

/* ---- metadata, and an inode of its own ---- */

unsigned entry_give(struct session *s, struct place *at, const char *name, int fd, const struct meta *m,
	const struct meta *have, uint32_t ctime_ns, struct diag *diag)
{
	struct meta fits = *m; /* only what is no buffer of it is changed, or a buffer of its own */
	struct held held;
	unsigned failed;

	fits.xattrs = (struct buf)BUF_INIT;
	buf_append(&fits.xattrs, m->xattrs.data, m->xattrs.len);
	hold_fit(s, at, &fits, NULL, &held);
	hold_look(s, at, &held, m, ctime_ns);
	failed = hold_apply(s, fd, &fits, have, &held);
	fail_metadata(diag, failed, errno, at, name);
	hold_say(s, at, name, &held);
	buf_release(&fits.xattrs);
	return hold_beyond(&held);
}

int entry_apply(struct session *s, struct place *at, const char *name, int fd, const struct meta *m,
	const struct meta *have, struct held *held, struct diag *diag)
{
	AUTO_CLOSE int opened = -1;
	unsigned failed;

	written_note(s, at->fd, at->dev);
	if (fd < 0 && m->type == META_REG) {
		fd = opened = entry_open(s, at, name, O_RDONLY);
		if (fd < 0) {
			fail_entry(diag, DIAG_RECEIVER_METADATA, errno, at, name, "cannot open");
			return -1;
		}
		have = NULL; /* opening it may have changed flags or mode */
	}
	if (fd >= 0)
		failed = hold_apply(s, fd, m, have, held);
	else if (place_enter(s, at->fd) < 0)
		failed = META_D_MTIME;
	else
		failed = meta_apply_name(at->fd, name, m, have, s->fields);
	fail_metadata(diag, failed, errno, at, name);
	return failed ? -1 : 0;
}

struct meta entry_movable(const struct meta *m)
{
	struct meta movable = *m;

	movable.flags &= ~META_FLAGS_PRIV;
	return movable;
}

void entry_lock(struct session *s, struct place *at, const char *name, int fd, const struct meta *m, struct diag *diag)
{
	const unsigned fields = s->fields & (META_F_FLAGS | META_F_FLAGS_PRIV);
	AUTO_DIAG failed = DIAG_INIT;

	if (!(m->flags & META_FLAGS_PRIV) || !(fields & META_F_FLAGS_PRIV))
		return;
	fail_metadata(&failed, meta_apply_fd(fd, m, NULL, fields), errno, at, name);
	if (diag_is_set(&failed) && !diag_is_set(diag))
		diag_move(diag, &failed);
}

static int break_regular(struct session *s, struct place *at, const char *name, const struct meta *m, struct diag *diag)
{
	AUTO_CLOSE int from = entry_open(s, at, name, O_RDONLY);
	const struct meta movable = entry_movable(m);
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0) {
		fail_entry(diag, DIAG_RECEIVER_WRITE, errno, at, name, "cannot open");
		return -1;
	}
	for (int tries = 0; tries < TRIES; tries++) {
		AUTO_DIAG other = DIAG_INIT;
		struct tmpname t;
		AUTO_CLOSE int to = tmp_create(s, at, &t);
		int ret;

		if (to < 0)
			break;
		meta_apply_creation_flags(to, m, s->fields);
		if (copy_whole(s, from, to, (uint64_t)st.st_size) < 0) {
			tmp_discard(&t);
			break;
		}
		diag_release(diag);
		entry_give(s, at, name, to, &movable, NULL, 1, diag);
		ret = entry_commit(s, &t, at, name, &other);
		if (ret == 0) {
			entry_lock(s, at, name, to, m, diag);
			return diag_is_set(diag) ? -1 : 0;
		}
		tmp_discard(&t);
		if (ret == -1) {
			diag_move(diag, &other);
			return -1;
		}
	}
	fail_entry(diag, DIAG_RECEIVER_WRITE, errno, at, name, "cannot make a copy of its own for");
	return -1;
}

int entry_break(struct session *s, struct place *at, const char *name, const struct meta *m, struct diag *diag)
{
	struct stat st;

	place_modify(s, at);
	if (m->type == META_REG)
		return break_regular(s, at, name, m, diag);
	return entry_make_special(s, at, name, m, false, diag, &st) < 0 || diag_is_set(diag) ? -1 : 0;
}
