/*
 * Directories: opening or making them, comparing a slice by digest, and giving them their own metadata at the end.
 *
 * The life of a directory, from one frame of the mover to the next:
 *
 *	DIR       -> gone       DIR_FAIL: it can be neither opened nor made, or not read
 *	          -> gone       DIR_SPLIT: the slice is too long
 *	          -> gone       DIR_EQUAL without MORE: it has got its own metadata, and nothing else is to come
 *	          -> OPEN       NEW; DIR_EQUAL with MORE; DIR_DIFF of an empty one
 *	          -> COMPARED   DIR_DIFF: our listing is kept in list.own, if there was room for it
 *	OPEN, COMPARED
 *	  LIST    -> LISTING    list.begun: list.own is there, read anew when it was not kept
 *	LISTING
 *	  LIST    -> LISTING    NEEDs gather in list.needs
 *	          -> OPEN       the last one: NEED and EXTRA are said, and nothing is left in list
 *	any
 *	  PUT, FILE, LINK, META, DELETE work in it; a large file that is open keeps it open (files)
 *	  DIR_END -> gone       DIR_DONE: it has got its own metadata, or is given back what it had
 *	  the end of the session -> gone, given back what it had
 */
#include "base/text.h"
#include "receiver/answer.h"
#include "receiver/dir.h"
#include "receiver/entry.h"
#include "receiver/fail.h"
#include "receiver/handlers.h"
#include "receiver/listing.h"
#include "receiver/place.h"
#include "receiver/resolve.h"
#include "receiver/root.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/unlock.h"
#include "receiver/written.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct dir *dir_find(struct session *s, uint32_t id)
{
	for (size_t i = s->dirs.n; i-- > 0;) {
		if (s->dirs.all[i]->id == id)
			return s->dirs.all[i];
	}
	return NULL;
}

void dir_drop_listing(struct session *s, struct dir *d)
{
	listing_free(d->list.own);
	d->list.own = NULL;
	s->kept_bytes -= d->list.own_bytes;
	d->list.own_bytes = 0;
}

/* Frees it. */
static void dir_close(struct session *s, struct dir *d)
{
	for (size_t i = 0; i < s->dirs.n; i++) {
		if (s->dirs.all[i] == d) {
			memmove(&s->dirs.all[i], &s->dirs.all[i + 1], (--s->dirs.n - i) * sizeof(*s->dirs.all));
			break;
		}
	}
	dir_drop_listing(s, d);
	buf_release(&d->list.bitmap);
	buf_release(&d->list.needs);
	meta_release(&d->want);
	place_release(s, &d->at);
	free(d);
}

void dir_give_up(struct session *s, struct dir *d)
{
	if (!s->dry)
		place_put_back(&d->at);
	dir_close(s, d);
}

void dir_abandon_all(struct session *s)
{
	while (s->dirs.n)
		dir_give_up(s, s->dirs.all[s->dirs.n - 1]);
}

/* ---- making ---- */

static char *dirname_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xmemdup(path, (size_t)(slash - path)) : xstrdup("");
}

/* Missing ancestors (of a mapped mount) are passages; the mtime of what was there is kept. */
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
			const bool made = mkdirat(fd, name, 0700) == 0;

			if (made) {
				written_note(s, fd, st.st_dev);
				(void)futimens(fd, times);
			}
			next = resolve_child(s, fd, name, false);
			if (made && next >= 0)
				entry_make_passage(next);
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
static int make_last(struct session *s, struct dir *d, struct diag *diag)
{
	struct place parent = {.fd = -1, .src = dirname_of(d->at.src), .dst = dirname_of(d->at.dst)};
	const char *name = strrchr(d->at.dst, '/') ? strrchr(d->at.dst, '/') + 1 : d->at.dst;
	int fd = -1;

	if (!*name) {
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, &d->at, NULL, "cannot open");
		goto out;
	}
	parent.fd = d->flags & DIR_PARENTS ? make_parents(s, parent.dst) : resolve_dir(s, parent.dst);
	if (parent.fd < 0 || meta_read_fd(parent.fd, META_F_ALL, &parent.have) < 0) {
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, &d->at, NULL, "cannot open the parent of");
		goto out;
	}
	parent.dev = parent.have.dev;
	parent.ino = parent.have.ino;
	if (!s->is_root && (parent.have.mode & 0700) != 0700)
		parent.widened = fchmod(parent.fd, parent.have.mode | 0700) == 0;
	if (scope_reserved(&parent, name)) {
		fail_entry(diag, DIAG_RECEIVER_RESERVED, 0, &d->at, NULL, "cannot use");
		goto out;
	}
	if (entry_mkdir(s, &parent, name, d->flags & DIR_PASSAGE, &d->at.made, diag) < 0)
		goto out;
	fd = resolve_child(s, parent.fd, name, false);
	if (fd < 0)
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, &d->at, NULL, "cannot open");
out:
	place_put_back(&parent);
	place_release(s, &parent);
	return fd;
}

static bool blocked_by_other(int err)
{
	return err == ENOENT || err == ENOTDIR || err == ELOOP;
}

/* Who is to lose it loses it before new entries come. If that fails, so will what is to be set at the end, which says
 * so. It stays lost when that end is not reached, for the entries are there then. */
static bool tighten(struct session *s, struct dir *d)
{
	int ret;

	if (!d->has_want)
		return false;
	ret = meta_tighten_fd(d->at.fd, &d->want, &d->at.have, s->fields);
	if (ret < 0 && entry_unlock(s, &d->at, NULL, errno))
		ret = meta_tighten_fd(d->at.fd, &d->want, &d->at.have, s->fields);
	return ret > 0;
}

static void make_workable(struct session *s, struct dir *d)
{
	if (!tighten(s, d) && !s->is_root && (d->at.have.mode & 0700) != 0700)
		d->at.widened = fchmod(d->at.fd, d->at.have.mode | 0700) == 0;
}

static bool dir_open(struct session *s, struct dir *d, struct diag *diag)
{
	d->at.fd = resolve_dir(s, d->at.dst);
	if (d->at.fd < 0 && blocked_by_other(errno)) {
		if (s->dry)
			return true; /* it would be made */
		d->at.fd = make_last(s, d, diag);
		if (d->at.fd < 0)
			return false;
	}
	if (d->at.fd < 0) {
		fail_entry(diag, DIAG_RECEIVER_DIR, errno, &d->at, NULL, "cannot open");
		return false;
	}
	if (meta_read_fd(d->at.fd, META_F_ALL, &d->at.have) < 0) {
		fail_entry(diag, DIAG_RECEIVER_LIST, errno, &d->at, NULL, "cannot read the metadata of");
		return false;
	}
	d->at.dev = d->at.have.dev;
	d->at.ino = d->at.have.ino;
	d->at.plain = meta_is_plain(&d->at.have);
	if (!s->dry)
		make_workable(s, d);
	return true;
}

/* ---- its own metadata ---- */

/* out_set: what was (or would be) changed; returns what could not be set. */
static unsigned apply_own(struct session *s, struct dir *d, unsigned *out_set, struct diag *diag)
{
	struct meta now = META_INIT;
	struct held held;
	const bool is_root = !*d->at.dst;
	unsigned failed = 0;
	int err;

	*out_set = 0;
	if (d->at.fd < 0 || !d->has_want)
		return 0;
	hold_fit(s, &d->at, &d->want, &d->at.have, &held);
	*out_set = d->at.made || (is_root && s->root.made) ? 0 : meta_diff(&d->at.have, &d->want, s->fields);
	if (s->dry) {
		hold_say(s, &d->at, NULL, &held);
		return 0;
	}
	if (is_root)
		root_lock(s); /* against the making and removing of the temporary directory */
	if (meta_read_fd(d->at.fd, s->fields, &now) < 0)
		failed = META_D_MTIME;
	else if (meta_diff(&now, &d->want, s->fields)) {
		failed = hold_apply(s, d->at.fd, &d->want, &now, &held);
		err = errno;
		written_note(s, d->at.fd, d->at.dev);
		errno = err;
	}
	fail_metadata(diag, failed, errno, &d->at, NULL);
	if (is_root)
		root_unlock(s);
	meta_release(&now);
	if (d->at.widened && !(s->fields & META_F_MODE))
		(void)fchmod(d->at.fd, d->at.have.mode);
	if (d->at.unlocked && !(s->fields & META_F_FLAGS_PRIV))
		place_relock(&d->at);
	if (d->at.made)
		hold_look(s, &d->at, &held, &d->want, d->at.have.ctime_ns);
	hold_say(s, &d->at, NULL, &held);
	*out_set &= ~(failed | hold_beyond(&held));
	return failed;
}

/* ---- DIR ---- */

static struct dir *dir_add(struct session *s, uint32_t id, const struct msg_dir *m)
{
	struct dir *d = xcalloc(1, sizeof(*d));

	d->id = id;
	d->at.fd = -1;
	d->at.src = xmemdup(m->src.p, m->src.len);
	d->at.dst = xmemdup(m->dst.p, m->dst.len);
	d->flags = m->flags;
	d->slice = (struct slice){.number = m->slice, .of = m->slices, .buckets = m->buckets};
	s->dirs.all[s->dirs.n++] = d;
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

/* Frees d. */
static void answer_fail(struct session *s, struct dir *d, const struct diag *diag)
{
	size_t start = frame_begin(&s->out, MSG_DIR_FAIL, d->id);

	wr_diag(&s->out, diag);
	frame_end(&s->out, start);
	dir_give_up(s, d);
}

/* The slice is equal and nothing else is to come: frees d. False when the directory's own metadata could not be set:
 * then d stays, and the mover is led to DIR_END, whose answer can say so. */
static bool close_equal(struct session *s, struct dir *d)
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

/* Takes l. */
static void keep_listing(struct session *s, struct dir *d, struct listing *l)
{
	size_t bytes = l->arena.cap + l->cap * sizeof(*l->e);

	if (s->kept_bytes + bytes > LISTING_KEEP_BYTES) {
		listing_free(l);
		return;
	}
	d->list.own = l;
	d->list.own_bytes = bytes;
	s->kept_bytes += bytes;
}

/* Frees d when the answer closes it. */
static void compare_slice(struct session *s, struct dir *d, const struct digest *theirs)
{
	AUTO_DIAG diag = DIAG_INIT;
	AUTO_FREE uint64_t *sums = NULL;
	struct listing *l = NULL;
	struct digest ours;
	uint32_t slices = 1;
	enum listing_result r = listing_names(s, &d->at, &d->slice, &l, &slices);

	if (r == LISTING_ERROR || (r == LISTING_OK && place_enter(s, d->at.fd) < 0)) {
		fail_entry(&diag, DIAG_RECEIVER_LIST, errno, &d->at, NULL, "cannot read");
		listing_free(l);
		answer_fail(s, d, &diag);
		return;
	}
	if (r == LISTING_SPLIT) {
		answer_u32(s, MSG_DIR_SPLIT, d->id, slices);
		dir_give_up(s, d);
		return;
	}
	sums = xcalloc(d->slice.buckets, sizeof(*sums));
	listing_sum(s, &d->at, d->slice.buckets, l, sums, &ours);
	if (digest_equal(&ours, theirs) && !(s->flags & HELLO_CHECKSUM)) {
		listing_free(l);
		if (d->flags & DIR_MORE)
			answer_u32(s, MSG_DIR_EQUAL, d->id, 0);
		else if (!close_equal(s, d))
			answer_diff(s, d->id, sums, d->slice.buckets);
		return;
	}
	if (l->n == 0 && d->slice.of == 1 && !l->incomplete) {
		listing_free(l);
		answer_diff(s, d->id, NULL, 0);
		return;
	}
	answer_diff(s, d->id, sums, d->slice.buckets);
	keep_listing(s, d, l);
}

bool on_dir(struct session *s, const struct frame *f)
{
	AUTO_DIAG diag = DIAG_INIT;
	struct msg_dir m;
	struct dir *d;

	if (!msg_dir_get(f, &m))
		return answer_malformed(s, "directory");
	if (dir_find(s, f->id))
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "directory %u is open already", f->id);
	if (s->dirs.n == DIRS_MAX)
		return answer_error(s, DIAG_RECEIVER_LIMIT, "more than %u directories are open", DIRS_MAX);
	d = dir_add(s, f->id, &m);
	if (m.meta.len) {
		if (meta_unpack(m.meta.p, m.meta.len, s->fields, &d->want) != m.meta.len || d->want.type != META_DIR) {
			fail_entry(&diag, DIAG_RECEIVER_ENTRY, 0, &d->at, NULL, "no metadata for");
			answer_fail(s, d, &diag);
			return true;
		}
		d->has_want = !(m.flags & DIR_PASSAGE);
	}
	if (!dir_open(s, d, &diag)) {
		answer_fail(s, d, &diag);
		return true;
	}
	if (m.flags & DIR_NEW)
		return true;
	if (d->at.fd < 0 || d->at.made)
		answer_diff(s, d->id, NULL, 0);
	else
		compare_slice(s, d, &m.digest);
	return true;
}

bool on_dir_end(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t flags = rd_u8(&r);
	struct dir *d = dir_find(s, f->id);
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
			place_put_back(&d->at);
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
