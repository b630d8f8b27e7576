/* PUT: small entries, contents and metadata in one. META: metadata of one entry. */
#include "base/fd.h"
#include "receiver/answer.h"
#include "receiver/dir.h"
#include "receiver/entry.h"
#include "receiver/fail.h"
#include "receiver/handlers.h"
#include "receiver/place.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/tmp.h"
#include "receiver/unlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PUT_ENTRIES_MAX 16384u

static int close_checked(int *fd)
{
	int ret = close(*fd);

	*fd = -1;
	return ret;
}

/* Contents and metadata into what was just created. -1: useless, errno says why. diag may be set otherwise.
 */
static int fill(struct session *s, struct place *at, const char *name, int *fd, bool plain, const struct meta *m,
	const struct bytes *content, struct stat *st, struct diag *diag)
{
	struct meta room;

	if (fstat(*fd, st) < 0)
		return -1;
	if (!plain || (m->flags & META_FLAG_NOCOW))
		meta_apply_creation_flags(*fd, m, s->fields);
	pace_io(&s->pace, content->len);
	if (content->len && fd_write_full(*fd, content->p, content->len) < 0)
		return -1;
	entry_give(s, at, name, *fd, m, entry_fresh(&room, st, plain), (uint32_t)st->st_ctim.tv_nsec, diag);
	return close_checked(fd);
}

static int create_new(struct session *s, struct place *at, const char *name)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at->fd, name, flags, 0600);

	if (fd < 0 && entry_unlock(s, at, NULL, errno))
		fd = openat(at->fd, name, flags, 0600);
	return fd;
}

/* Beside, and renamed over what is there. */
static int replace_regular(struct session *s, struct place *at, const char *name, const struct meta *m,
	const struct bytes *content, struct stat *st, struct diag *diag)
{
	const struct meta movable = entry_movable(m);
	const bool locks = movable.flags != m->flags;

	for (int tries = 0; tries < 2; tries++) {
		AUTO_DIAG other = DIAG_INIT;
		struct tmpname t;
		AUTO_CLOSE int fd = tmp_create(s, at, &t);
		AUTO_CLOSE int keep = locks && fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
		int ret;

		diag_release(diag);
		if (fd < 0 || (locks && keep < 0) ||
			fill(s, at, name, &fd, tmp_is_plain(s, at, &t), &movable, content, st, diag) < 0) {
			fail_entry(diag, DIAG_RECEIVER_WRITE, errno, at, name, "cannot write");
			tmp_discard(&t);
			return -1;
		}
		ret = entry_commit(s, &t, at, name, &other);
		if (ret == 0) {
			entry_lock(s, at, name, keep, m, diag);
			return 0;
		}
		tmp_discard(&t);
		if (ret == -1) {
			diag_move(diag, &other);
			return -1;
		}
	}
	fail_entry(diag, DIAG_RECEIVER_CREATE, EXDEV, at, name, "cannot replace");
	return -1;
}

static int put_regular(struct session *s, struct place *at, const char *name, const struct meta *m,
	const struct bytes *content, struct stat *st, struct diag *diag)
{
	AUTO_CLOSE int fd = create_new(s, at, name);

	place_modify(s, at);
	if (fd < 0 && errno == EEXIST)
		return replace_regular(s, at, name, m, content, st, diag);
	if (fd < 0) {
		fail_entry(diag, DIAG_RECEIVER_CREATE, errno, at, name, "cannot create");
		return -1;
	}
	if (fill(s, at, name, &fd, at->plain, m, content, st, diag) == 0)
		return 0;
	fail_entry(diag, DIAG_RECEIVER_WRITE, errno, at, name, "cannot write");
	(void)unlinkat(at->fd, name, 0);
	return -1;
}

static void put_directory(struct session *s, struct place *at, const char *name, struct put_done *p)
{
	struct stat st;

	if (!s->dry)
		p->failed = entry_mkdir(s, at, name, scope_passage(s, at->src, name), &p->made, &p->diag) < 0;
	else
		p->made = at->fd < 0 || fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode);
}

static void put_entry(struct session *s, struct place *at, const char *name, const struct entry *e,
	const struct meta *m, struct put_done *p)
{
	struct stat st = {};
	int ret;

	if (scope_reserved(at, name) || scope_hidden(s, at->dst, name)) {
		fail_entry(&p->diag, DIAG_RECEIVER_RESERVED, 0, at, name, "cannot use the name");
		p->failed = true;
		return;
	}
	if (m->type == META_DIR) {
		put_directory(s, at, name, p);
		return;
	}
	if (s->dry)
		return;
	if (m->type == META_REG)
		ret = put_regular(s, at, name, m, &e->content, &st, &p->diag);
	else
		ret = entry_make_special(s, at, name, m, true, &p->diag, &st);
	p->failed = ret < 0;
	if ((e->flags & ENTRY_WANT_INO) && !p->failed) {
		p->dev = st.st_dev;
		p->ino = st.st_ino;
	}
}

/* One record; texts are left out once the answer is long, so that it never outgrows a frame. */
static void done_put(struct session *s, size_t start, struct put_done *p)
{
	if (p->failed || p->made || p->ino || diag_is_set(&p->diag)) {
		if (s->out.len - start > FRAME_MAX / 4) {
			free(STEAL(p->diag.path));
			free(STEAL(p->diag.detail));
		}
		msg_put_done_put(&s->out, p);
	}
	diag_release(&p->diag);
}

/* False: no entry that can be made. */
static bool unpack(struct session *s, const struct entry *e, struct meta *out)
{
	if (e->meta.len == 1 && e->meta.p[0] == META_DIR) {
		meta_clear(out);
		out->type = META_DIR;
	} else if (meta_unpack(e->meta.p, e->meta.len, s->fields, out) != e->meta.len || out->type == META_DIR) {
		return false;
	}
	return out->type == META_REG || e->content.len == 0;
}

bool on_put(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct dir *d = dir_find(s, rd_u32(&r));
	struct meta m = META_INIT;
	char name[META_NAME_MAX + 1];
	struct entry e;
	uint32_t index = 0;
	size_t start = frame_begin(&s->out, MSG_PUT_DONE, f->id);

	while (index < PUT_ENTRIES_MAX && msg_entry_get(&r, true, &e)) {
		struct put_done p = {.index = index++};

		memcpy(name, e.name.p, e.name.len);
		name[e.name.len] = '\0';
		if (d && !unpack(s, &e, &m)) {
			fail_entry(&p.diag, DIAG_RECEIVER_ENTRY, 0, &d->at, name, "no metadata for");
			p.failed = true;
		} else if (d) {
			put_entry(s, &d->at, name, &e, &m, &p);
		} else { /* sent before the mover knew that the directory has failed */
			fail_entry(&p.diag, DIAG_RECEIVER_DIR, 0, NULL, name, "no directory for");
			p.failed = true;
		}
		done_put(s, start, &p);
	}
	meta_release(&m);
	if (!rd_done(&r)) {
		s->out.len = start;
		return answer_malformed(s, "batch");
	}
	frame_end(&s->out, start);
	return true;
}
