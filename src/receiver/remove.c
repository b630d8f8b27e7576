/*
 * Removing a name with all that lies beneath it, post-order, without recursion and without a path longer than
 * a name.
 *
 * Nothing on another mount is touched, nothing the rules protect, nothing that is another unit's; a directory
 * that holds such a thing stays. Of a tree deeper than OPEN_LEVELS the upper directories are closed
 * meanwhile, and found again through ".." with their inode checked.
 */
#include "base/text.h"
#include "receiver/dents.h"
#include "receiver/fail.h"
#include "receiver/place.h"
#include "receiver/remove.h"
#include "receiver/resolve.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/unlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define OPEN_LEVELS 64
#define RAW_BYTES 8192

struct level {
	int fd; /* -1: closed for now */
	uint64_t dev, ino;
	size_t path_len; /* of this directory in remover.path */
	char *raw;
	ssize_t raw_len, pos;
	int64_t off; /* behind the entry taken last */
	bool removed; /* something, in this pass */
	bool again; /* not the first pass: failures have been told */
	bool stays; /* something in it does */
};

struct remover {
	struct session *s;
	struct place *at;
	unsigned flags;
	struct remove_sink *sink;
	struct buf path; /* of the current entry, relative to at */
	struct level *levels;
	size_t n, cap;
	bool kept; /* something protected stays: told once, for the name as a whole */
	bool stop;
	bool gone; /* the name itself */
};

static void tell_failed(struct remover *r, const struct level *l, enum diag_code code, int err, const char *what)
{
	AUTO_DIAG diag = DIAG_INIT;
	const char *path = buf_cstr(&r->path);

	if (l && l->again)
		return;
	fail_entry(&diag, code, err, r->at, path, what);
	r->sink->failed(r->sink->arg, path, &diag);
}

/* The budget's word comes before anything is removed. */
static bool may_remove(struct remover *r)
{
	if (r->sink->budget > 0)
		return true;
	r->sink->budget_reached = true;
	r->stop = true;
	return false;
}

static void tell_removed(struct remover *r, uint8_t type)
{
	r->sink->budget--;
	r->sink->removed(r->sink->arg, type, buf_cstr(&r->path));
}

/* Of the entry r->path: neither the rules' nor another unit's nor our own. */
static bool untouchable(struct remover *r, bool is_dir)
{
	const char *path = buf_cstr(&r->path);
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct session *s = r->s;

	if (r->flags & REMOVE_ALL)
		return false;
	if (!slash && (scope_reserved(r->at, name) || scope_lost_found(r->at, name, is_dir)))
		return true;
	if (!s->scope.has_rules && !s->scope.hidden.n && !s->scope.kept.n)
		return false;
	if (!slash)
		return scope_hidden(s, r->at->dst, name) || scope_kept(s, r->at->dst, name) ||
			(!(r->flags & REMOVE_WAY) && scope_protected(s, r->at->src, name, is_dir));
	{
		AUTO_FREE char *below = xmemdup(path, (size_t)(slash - path));
		AUTO_FREE char *src = path_join(r->at->src, below);
		AUTO_FREE char *dst = path_join(r->at->dst, below);

		return scope_hidden(s, dst, name) || scope_kept(s, dst, name) ||
			scope_protected_dying(s, src, name, is_dir);
	}
}

static bool try_unlink(struct remover *r, int dirfd, const char *name, int flags)
{
	struct place *at = r->at;
	struct place inner = {.fd = dirfd};
	struct stat st;

	if (!(flags & AT_REMOVEDIR))
		entry_unname(r->s, dirfd, name);
	if (unlinkat(dirfd, name, flags) == 0)
		return true;
	if (errno != EPERM && errno != EACCES)
		return false;
	if (dirfd == at->fd)
		return entry_unlock(r->s, at, name, errno) && unlinkat(dirfd, name, flags) == 0;
	if (r->s->is_root) /* this directory goes too: nothing to be put back */
		return entry_unlock(r->s, &inner, name, errno) && unlinkat(dirfd, name, flags) == 0;
	if (fstat(dirfd, &st) < 0 || (st.st_mode & 0700) == 0700 || fchmod(dirfd, (st.st_mode & 07777) | 0700) < 0) {
		errno = EACCES;
		return false;
	}
	return unlinkat(dirfd, name, flags) == 0;
}

/* True when it is gone (or would be). */
static bool remove_name(struct remover *r, struct level *in, int dirfd, const char *name, uint8_t type)
{
	if (!may_remove(r))
		return false;
	if (!(r->flags & REMOVE_LIST) && !try_unlink(r, dirfd, name, type == META_DIR ? AT_REMOVEDIR : 0)) {
		if (errno == ENOENT)
			return true;
		if (errno == EBUSY)
			tell_failed(r, in, DIAG_RECEIVER_MOUNT, errno, "cannot remove the mount point");
		else
			tell_failed(r, in, DIAG_RECEIVER_DELETE, errno, "cannot remove");
		return false;
	}
	tell_removed(r, type);
	return true;
}

/* ---- levels ---- */

static void level_close(struct level *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->raw);
	l->raw = NULL;
	l->raw_len = l->pos = 0;
	l->fd = -1;
}

static int open_widened(struct remover *r, int dirfd, const char *name)
{
	int fd = resolve_child(r->s, dirfd, name, true);
	struct stat st;

	if (fd >= 0 || errno != EACCES || r->s->is_root || (r->flags & REMOVE_LIST))
		return fd;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
		meta_chmod(dirfd, name, 0700) < 0) {
		errno = EACCES;
		return -1;
	}
	return resolve_child(r->s, dirfd, name, true);
}

/* Goes down into a directory, whose path r->path is. */
static bool descend(struct remover *r, struct level *in, int dirfd, const char *name)
{
	int fd = open_widened(r, dirfd, name);
	struct stat st;
	struct level *l;

	if (fd < 0 && errno == ENOENT) {
		r->gone = !r->n;
		return true;
	}
	if (fd < 0 && errno != EXDEV) {
		tell_failed(r, in, DIAG_RECEIVER_DELETE, errno, "cannot open");
		return false;
	}
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_dev != r->at->dev) {
		if (fd >= 0)
			close(fd);
		tell_failed(r, in, DIAG_RECEIVER_MOUNT, 0, "cannot remove the mount point");
		return false;
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->levels = xrealloc(r->levels, r->cap * sizeof(*r->levels));
	}
	if (r->n >= OPEN_LEVELS)
		level_close(&r->levels[r->n - OPEN_LEVELS]);
	l = &r->levels[r->n++];
	*l = (struct level){.fd = fd, .dev = st.st_dev, .ino = st.st_ino, .path_len = r->path.len};
	return true;
}

/* The next entry, or NULL: at the end. */
static const struct dent *level_next(struct remover *r, struct level *l)
{
	for (;;) {
		const struct dent *e;

		if (l->pos >= l->raw_len) {
			if (!l->raw)
				l->raw = xmalloc(RAW_BYTES);
			l->pos = 0;
			pace_rest(&r->s->pace);
			l->raw_len = dents_read(l->fd, l->raw, RAW_BYTES);
			if (l->raw_len < 0) {
				tell_failed(r, l, DIAG_RECEIVER_LIST, errno, "cannot read");
				l->stays = true;
			}
			if (l->raw_len <= 0)
				return NULL;
		}
		e = (const void *)(l->raw + l->pos);
		l->pos += e->reclen;
		l->off = e->off;
		if (!str_eq(e->name, ".") && !str_eq(e->name, ".."))
			return e;
	}
}

static void take_entry(struct remover *r, struct level *l, const struct dent *e)
{
	char name[META_NAME_MAX + 1];
	struct stat st;
	uint8_t type;
	bool gone;

	if (strlen(e->name) > META_NAME_MAX)
		return;
	memcpy(name, e->name, strlen(e->name) + 1);
	r->path.len = l->path_len;
	buf_append_u8(&r->path, '/');
	buf_append_str(&r->path, name);
	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* gone */
	type = type_of_mode(st.st_mode);
	if (untouchable(r, type == META_DIR)) {
		l->stays = r->kept = true;
		return;
	}
	if (type == META_DIR) {
		if (!descend(r, l, l->fd, name))
			r->levels[r->n - 1].stays = true;
		return; /* l may have moved */
	}
	gone = remove_name(r, l, l->fd, name, type);
	l->removed |= gone;
	l->stays |= !gone;
}

/* The directory above is needed again: where it was closed, it is found through its child. */
static bool reopen(struct level *above, const struct level *child)
{
	struct stat st;

	if (above->fd >= 0)
		return true;
	above->fd = openat(child->fd, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return above->fd >= 0 && fstat(above->fd, &st) == 0 && (uint64_t)st.st_dev == above->dev &&
		(uint64_t)st.st_ino == above->ino && lseek(above->fd, above->off, SEEK_SET) >= 0;
}

static void ascend(struct remover *r)
{
	struct level *l = &r->levels[r->n - 1], *above = r->n > 1 ? l - 1 : NULL;
	const char *path, *slash;
	bool gone = false;

	r->path.len = l->path_len;
	if (above && !reopen(above, l)) {
		tell_failed(r, NULL, DIAG_RECEIVER_CHANGED, 0, "moved while it was removed:");
		r->stop = true;
	}
	if (!l->stays && !r->stop) {
		path = buf_cstr(&r->path);
		slash = strrchr(path, '/');
		gone = remove_name(r, above, above ? above->fd : r->at->fd, slash ? slash + 1 : path, META_DIR);
	}
	level_close(l);
	r->n--;
	if (!above) {
		r->gone = gone;
		return;
	}
	above->removed |= gone;
	above->stays |= !gone;
}

static void walk(struct remover *r)
{
	while (r->n && !r->stop) {
		struct level *l = &r->levels[r->n - 1];
		const struct dent *e = level_next(r, l);

		if (e) {
			take_entry(r, l, e);
		} else if (l->removed && !(r->flags & REMOVE_LIST) && lseek(l->fd, 0, SEEK_SET) == 0) {
			/* Removing while reading may have hidden some: until a pass finds nothing to remove.
			 */
			l->removed = false;
			l->again = true;
		} else {
			ascend(r);
		}
	}
}

bool remove_entry(struct session *s, struct place *at, const char *name, unsigned flags, struct remove_sink *sink)
{
	struct remover r = {.s = s, .at = at, .flags = flags | (s->dry ? REMOVE_LIST : 0), .sink = sink};
	struct stat st;
	bool gone = false, is_dir;

	if (fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	is_dir = S_ISDIR(st.st_mode);
	buf_append_str(&r.path, name);
	if (untouchable(&r, is_dir)) {
		tell_failed(&r, NULL, DIAG_RECEIVER_PROTECTED, 0, "cannot remove what is protected:");
		goto out;
	}
	if (!(r.flags & REMOVE_LIST))
		place_modify(s, at);
	if (!is_dir) {
		gone = remove_name(&r, NULL, at->fd, name, type_of_mode(st.st_mode));
		goto out;
	}
	if (descend(&r, NULL, at->fd, name))
		walk(&r);
	gone = r.gone;
	r.path.len = strlen(name);
	if (r.kept)
		tell_failed(&r, NULL, DIAG_RECEIVER_PROTECTED, ENOTEMPTY, "not removed, protected entries are in it:");
out:
	while (r.n)
		level_close(&r.levels[--r.n]);
	free(r.levels);
	buf_release(&r.path);
	return gone;
}

static void ignore_removed(void *arg, uint8_t type, const char *path)
{
	(void)arg;
	(void)type;
	(void)path;
}

static void ignore_failed(void *arg, const char *path, struct diag *diag)
{
	(void)arg;
	(void)path;
	(void)diag;
}

void remove_contents(struct session *s, int dirfd)
{
	struct remove_sink sink = {.removed = ignore_removed, .failed = ignore_failed, .budget = UINT64_MAX};
	AUTO_FREE char *src = xstrdup(s->tmp.dir);
	struct place at = {.fd = dirfd, .src = src, .dst = src, .modified = true};
	AUTO_FREE char *raw = xmalloc(RAW_BYTES);
	struct stat st;
	bool removed;

	if (fstat(dirfd, &st) < 0)
		return;
	at.dev = st.st_dev;
	do {
		ssize_t n;

		removed = false;
		if (lseek(dirfd, 0, SEEK_SET) < 0)
			return;
		while ((n = dents_read(dirfd, raw, RAW_BYTES)) > 0) {
			for (ssize_t pos = 0; pos < n;) {
				const struct dent *e = (const void *)(raw + pos);

				pos += e->reclen;
				if (!str_eq(e->name, ".") && !str_eq(e->name, ".."))
					removed |= remove_entry(s, &at, e->name, REMOVE_ALL, &sink);
			}
		}
	} while (removed);
}
