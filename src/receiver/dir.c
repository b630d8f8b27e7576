/* Directories: opening or making them, comparing a slice by digest, and giving them their own metadata at the
 * end. */
#include "receiver/private.h"

#include "base/text.h"

#include <errno.h>
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

int dir_enter(struct session *s, int fd)
{
	if (s->cwd == fd)
		return 0;
	s->cwd = fchdir(fd) < 0 ? -1 : fd;
	return s->cwd < 0 ? -1 : 0;
}

struct tdir *dir_find(struct session *s, uint32_t id)
{
	for (size_t i = s->dirs_n; i-- > 0;) {
		if (s->dirs[i]->id == id)
			return s->dirs[i];
	}
	return NULL;
}

void dir_modify(struct session *s, struct tdir *d)
{
	s->epoch.dirty = true;
	if (d->modified)
		return;
	d->modified = true;
	written_note(s, d->fd, d->dev);
}

void dir_drop_listing(struct session *s, struct tdir *d)
{
	listing_free(d->own);
	d->own = NULL;
	s->kept_bytes -= d->own_bytes;
	d->own_bytes = 0;
}

bool dir_unlock(struct session *s, struct tdir *d)
{
	struct meta m = META_INIT;
	bool locked = meta_read_fd(d->fd, META_F_FLAGS | META_F_FLAGS_PRIV, &m) == 0 && (m.flags & META_FLAGS_PRIV);

	meta_release(&m);
	if (!locked || meta_unlock_fd(d->fd) < 0)
		return false;
	d->unlocked = true;
	return true;
}

static void relock(struct tdir *d)
{
	struct meta now = META_INIT, want = META_INIT;
	const unsigned fields = META_F_FLAGS | META_F_FLAGS_PRIV;

	if (meta_read_fd(d->fd, fields, &now) == 0) {
		want.type = META_DIR;
		want.flags = (now.flags & ~META_FLAGS_PRIV) | (d->have.flags & META_FLAGS_PRIV);
		(void)meta_apply_fd(d->fd, &want, &now, fields); /* an attempt to leave it as it was */
	}
	meta_release(&now);
}

/* What our work has changed of a directory whose metadata are to be left alone goes back to what it was. */
static void put_back(struct tdir *d)
{
	if (d->fd < 0)
		return;
	if (d->widened)
		(void)fchmod(d->fd, d->have.mode);
	if (d->modified && !d->made) {
		struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
			{.tv_sec = (time_t)d->have.mtime_s, .tv_nsec = (long)d->have.mtime_ns}};
		(void)futimens(d->fd, times);
	}
	if (d->unlocked)
		relock(d);
}

static void dir_release(struct session *s, struct tdir *d)
{
	dir_drop_listing(s, d);
	if (d->fd >= 0) {
		if (s->cwd == d->fd)
			s->cwd = -1;
		close(d->fd);
	}
	buf_release(&d->bitmap);
	buf_release(&d->needs);
	meta_release(&d->want);
	meta_release(&d->have);
	free(d->src);
	free(d->dst);
	d->src = d->dst = NULL;
}

static void dir_close(struct session *s, struct tdir *d)
{
	for (size_t i = 0; i < s->dirs_n; i++) {
		if (s->dirs[i] == d) {
			memmove(&s->dirs[i], &s->dirs[i + 1], (--s->dirs_n - i) * sizeof(*s->dirs));
			break;
		}
	}
	dir_release(s, d);
	free(d);
}

void dir_give_up(struct session *s, struct tdir *d)
{
	if (!s->dry)
		put_back(d);
	dir_close(s, d);
}

void dir_abandon_all(struct session *s)
{
	while (s->dirs_n)
		dir_give_up(s, s->dirs[s->dirs_n - 1]);
}

/* ---- making ---- */

static char *dirname_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xmemdup(path, (size_t)(slash - path)) : xstrdup("");
}

/* Missing ancestors (of a mapped mount): mode 0755, the mtime of what was there kept. */
static int make_parents(struct session *s, const char *path)
{
	int fd = resolve_dir(s, "");

	while (fd >= 0 && *path) {
		size_t n = strcspn(path, "/");
		AUTO_FREE char *name = xmemdup(path, n);
		struct stat st;
		int next = resolve_child(s, fd, name, false), keep;

		if (next < 0 && errno == ENOENT && fstat(fd, &st) == 0) {
			struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
			if (mkdirat(fd, name, 0755) == 0) {
				written_note(s, fd, st.st_dev);
				(void)futimens(fd, times);
			}
			next = resolve_child(s, fd, name, false);
		}
		keep = errno;
		close(fd);
		errno = keep;
		fd = next;
		path += n + (path[n] == '/');
	}
	return fd;
}

/* Makes the last component; its parent is treated as a directory that is open, and is then put back. */
static int make_last(struct session *s, struct tdir *d, struct diag *diag)
{
	struct tdir parent = {.fd = -1, .src = dirname_of(d->src), .dst = dirname_of(d->dst)};
	const char *name = strrchr(d->dst, '/') ? strrchr(d->dst, '/') + 1 : d->dst;
	int fd = -1;

	if (!*name) {
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, d, NULL, "cannot open");
		goto out;
	}
	parent.fd = d->flags & DIR_PARENTS ? make_parents(s, parent.dst) : resolve_dir(s, parent.dst);
	if (parent.fd < 0 || meta_read_fd(parent.fd, META_F_ALL, &parent.have) < 0) {
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, d, NULL, "cannot open the parent of");
		goto out;
	}
	parent.dev = parent.have.dev;
	if (!s->is_root && (parent.have.mode & 0700) != 0700)
		parent.widened = fchmod(parent.fd, parent.have.mode | 0700) == 0;
	if (scope_reserved(&parent, name)) {
		fail_entry(diag, DIAG_RECEIVER_RESERVED, 0, d, NULL, "cannot use");
		goto out;
	}
	if (entry_mkdir(s, &parent, name, d->flags & DIR_PASSAGE ? 0755 : 0700, &d->made, diag) < 0)
		goto out;
	fd = resolve_child(s, parent.fd, name, false);
	if (fd < 0)
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, d, NULL, "cannot open");
out:
	put_back(&parent);
	dir_release(s, &parent);
	return fd;
}

static bool blocked_by_other(int err)
{
	return err == ENOENT || err == ENOTDIR || err == ELOOP;
}

static bool dir_open(struct session *s, struct tdir *d, struct diag *diag)
{
	d->fd = resolve_dir(s, d->dst);
	if (d->fd < 0 && blocked_by_other(errno)) {
		if (s->dry)
			return true; /* it would be made */
		d->fd = make_last(s, d, diag);
		if (d->fd < 0)
			return false;
	}
	if (d->fd < 0) {
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, d, NULL, "cannot open");
		return false;
	}
	if (meta_read_fd(d->fd, META_F_ALL, &d->have) < 0) {
		fail_entry(diag, DIAG_RECEIVER_LIST, errno, d, NULL, "cannot read the metadata of");
		return false;
	}
	d->dev = d->have.dev;
	d->ino = d->have.ino;
	d->plain = meta_is_plain(&d->have);
	if (!s->is_root && !s->dry && (d->have.mode & 0700) != 0700)
		d->widened = fchmod(d->fd, d->have.mode | 0700) == 0;
	return true;
}

/* ---- its own metadata ---- */

/* out_set: what was (or would be) changed; returns what could not be set. */
static unsigned apply_own(struct session *s, struct tdir *d, unsigned *out_set, struct diag *diag)
{
	struct meta now = META_INIT;
	const bool is_root = !*d->dst;
	unsigned failed = 0;
	int err;

	*out_set = 0;
	if (d->fd < 0 || !d->has_want)
		return 0;
	*out_set = d->made ? 0 : meta_diff(&d->have, &d->want, s->fields);
	if (s->dry)
		return 0;
	if (is_root)
		root_lock(s); /* against the making and removing of the temporary directory */
	if (meta_read_fd(d->fd, s->fields, &now) < 0)
		failed = META_D_MTIME;
	else if (meta_diff(&now, &d->want, s->fields)) {
		failed = meta_apply_fd(d->fd, &d->want, &now, s->fields);
		err = errno;
		written_note(s, d->fd, d->dev);
		errno = err;
	}
	fail_metadata(diag, failed, errno, d, NULL);
	if (is_root)
		root_unlock(s);
	meta_release(&now);
	if (d->widened && !(s->fields & META_F_MODE))
		(void)fchmod(d->fd, d->have.mode);
	if (d->unlocked && !(s->fields & META_F_FLAGS_PRIV))
		relock(d);
	*out_set &= ~failed;
	return failed;
}

/* ---- DIR ---- */

static struct tdir *dir_add(struct session *s, uint32_t id, const struct msg_dir *m)
{
	struct tdir *d = xcalloc(1, sizeof(*d));

	d->id = id;
	d->fd = -1;
	d->src = xmemdup(m->src.p, m->src.len);
	d->dst = xmemdup(m->dst.p, m->dst.len);
	d->flags = m->flags;
	d->slice = m->slice;
	d->slices = m->slices;
	d->buckets = m->buckets;
	s->dirs[s->dirs_n++] = d;
	return d;
}

static void answer_diff(struct session *s, uint32_t id, const uint64_t *sums, uint32_t buckets)
{
	struct msg_dir_diff m = {.empty = !sums};
	AUTO_BUF b = BUF_INIT;
	size_t start;

	for (uint32_t i = 0; sums && i < buckets; i++)
		wr_u64(&b, sums[i]);
	m.buckets = (struct bytes){b.data, b.len};
	start = frame_begin(&s->out, MSG_DIR_DIFF, id);
	msg_dir_diff_put(&s->out, &m);
	frame_end(&s->out, start);
}

static void answer_u32(struct session *s, uint8_t type, uint32_t id, uint32_t v)
{
	size_t start = frame_begin(&s->out, type, id);

	wr_u32(&s->out, v);
	frame_end(&s->out, start);
}

static void answer_fail(struct session *s, struct tdir *d, const struct diag *diag)
{
	size_t start = frame_begin(&s->out, MSG_DIR_FAIL, d->id);

	wr_diag(&s->out, diag);
	frame_end(&s->out, start);
	dir_give_up(s, d);
}

/* The slice is equal and nothing else is to come. False when the directory's own metadata could not be set:
 * then the mover is led to DIR_END, whose answer can say so. */
static bool close_equal(struct session *s, struct tdir *d)
{
	AUTO_DIAG diag = DIAG_INIT;
	unsigned set;

	if (apply_own(s, d, &set, &diag))
		return false;
	answer_u32(s, MSG_DIR_EQUAL, d->id, set);
	if (d->has_want)
		dir_close(s, d);
	else
		dir_give_up(s, d);
	return true;
}

static void keep_listing(struct session *s, struct tdir *d, struct listing *l)
{
	size_t bytes = l->arena.cap + l->cap * sizeof(*l->e);

	if (s->kept_bytes + bytes > TARGET_KEEP_BYTES) {
		listing_free(l);
		return;
	}
	d->own = l;
	d->own_bytes = bytes;
	s->kept_bytes += bytes;
}

static void compare_slice(struct session *s, struct tdir *d, const struct digest *theirs)
{
	AUTO_DIAG diag = DIAG_INIT;
	AUTO_FREE uint64_t *sums = NULL;
	struct listing *l = NULL;
	struct digest ours;
	uint32_t slices = 1;
	enum listing_result r = listing_names(s, d, &l, &slices);

	if (r == LISTING_ERROR || (r == LISTING_OK && dir_enter(s, d->fd) < 0)) {
		fail_entry(&diag, DIAG_RECEIVER_LIST, errno, d, NULL, "cannot read");
		listing_free(l);
		answer_fail(s, d, &diag);
		return;
	}
	if (r == LISTING_SPLIT) {
		answer_u32(s, MSG_DIR_SPLIT, d->id, slices);
		dir_give_up(s, d);
		return;
	}
	sums = xcalloc(d->buckets, sizeof(*sums));
	listing_sum(s, d, l, sums, &ours);
	if (digest_equal(&ours, theirs) && !(s->flags & HELLO_CHECKSUM)) {
		listing_free(l);
		if (d->flags & DIR_MORE)
			answer_u32(s, MSG_DIR_EQUAL, d->id, 0);
		else if (!close_equal(s, d))
			answer_diff(s, d->id, sums, d->buckets);
		return;
	}
	if (l->n == 0 && d->slices == 1) {
		listing_free(l);
		answer_diff(s, d->id, NULL, 0);
		return;
	}
	answer_diff(s, d->id, sums, d->buckets);
	keep_listing(s, d, l);
}

bool on_dir(struct session *s, const struct frame *f)
{
	AUTO_DIAG diag = DIAG_INIT;
	struct msg_dir m;
	struct tdir *d;

	if (!msg_dir_get(f, &m))
		return answer_malformed(s, "directory");
	if (dir_find(s, f->id))
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "directory %u is open already", f->id);
	if (s->dirs_n == TARGET_DIRS_MAX)
		return answer_error(s, DIAG_RECEIVER_LIMIT, "more than %u directories are open", TARGET_DIRS_MAX);
	d = dir_add(s, f->id, &m);
	if (m.meta.len) {
		if (meta_unpack(m.meta.p, m.meta.len, s->fields, &d->want) != m.meta.len || d->want.type != META_DIR)
			return answer_malformed(s, "metadata of a directory");
		d->has_want = !(m.flags & DIR_PASSAGE);
	}
	if (!dir_open(s, d, &diag)) {
		answer_fail(s, d, &diag);
		return true;
	}
	if (m.flags & DIR_NEW)
		return true;
	if (d->fd < 0 || d->made)
		answer_diff(s, d->id, NULL, 0);
	else
		compare_slice(s, d, &m.digest);
	return true;
}

bool on_dir_end(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t flags = rd_u8(&r);
	struct tdir *d = dir_find(s, f->id);
	struct msg_dir_done done = {};
	size_t start;

	if (!rd_done(&r) || (flags & ~DIR_END_NO_META))
		return answer_malformed(s, "end of a directory");
	if (!d)
		return true; /* it failed, and was closed by saying so */
	if (d->files)
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "directory %u ends with files open", f->id);
	if ((flags & DIR_END_NO_META) || !d->has_want) {
		if (!s->dry)
			put_back(d);
	} else {
		done.failed = apply_own(s, d, &done.set, &done.diag);
	}
	start = frame_begin(&s->out, MSG_DIR_DONE, f->id);
	msg_dir_done_put(&s->out, &done);
	frame_end(&s->out, start);
	diag_release(&done.diag);
	dir_close(s, d);
	return true;
}
