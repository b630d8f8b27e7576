/*
 * Large files: opening, and choosing where to write. What comes into them is segment.c's, the commit file_end.c's.
 *
 * A new file is created under its own name, so that a resumed run finds what is there. One that is replaced
 * is written to a temporary name, which is made when the first difference is known (until then only a note is
 * kept of what was equal), or in place.
 *
 * The life of a file, from one frame of the mover to the next:
 *
 *	FILE      -> WRITING    fd: a new one, in place, SEGMENT, or SHARED (FILE_OK says where)
 *	          -> NOTING     no fd yet: there is a basis, and all of it may be right (equal). Dry runs stay here
 *	          -> FAILED     failed: nothing is done to it any more
 *	          -> gone       failed, and SHARED: FILE_DONE at once, for the mover waits
 *	NOTING
 *	  SEG_HASH, DATA, HOLE, RUN
 *	          -> WRITING    something differs: file_materialise(), with what was noted
 *	NOTING, WRITING
 *	  any     -> FAILED     file_fail()
 *	  FILE_END-> as it is   FILE_AGAIN: runs whose deltas came out wrong are wanted literally
 *	          -> gone       FILE_COMMITTED, or FILE_FAILED: a time that looks finished is spoilt
 *	FAILED
 *	  FILE_END-> gone       FILE_FAILED
 *	any
 *	  the end of the session -> gone, as a failed one
 */
#include "receiver/answer.h"
#include "receiver/copy.h"
#include "receiver/dir.h"
#include "receiver/entry.h"
#include "receiver/fence.h"
#include "receiver/fail.h"
#include "receiver/file.h"
#include "receiver/handlers.h"
#include "receiver/place.h"
#include "receiver/resolve.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/tmp.h"
#include "receiver/unlock.h"
#include "receiver/written.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define INPLACE_MIN (64u << 20) /* update = auto: larger files are updated in place */

void file_fail(struct file *f, enum diag_code code, int err, const char *what)
{
	if (diag_is_set(&f->failed))
		return;
	fail_entry(&f->failed, code, err, f->dir ? &f->dir->at : NULL, f->name, what);
	/* A new file for which there is no room gives back what it has taken: the rest may still fit. */
	if (f->failed.code == DIAG_RECEIVER_FULL && f->created && f->fd >= 0 && f->tmp.dirfd < 0 &&
		ftruncate(f->fd, 0) < 0)
		return;
}

struct file *file_find(struct session *s, uint32_t id)
{
	for (size_t i = 0; i < s->files.n; i++) {
		if (s->files.all[i]->id == id)
			return s->files.all[i];
	}
	return NULL;
}

void file_close(struct session *s, struct file *f)
{
	for (size_t i = 0; i < s->files.n; i++) {
		if (s->files.all[i] == f) {
			s->files.all[i] = s->files.all[--s->files.n];
			break;
		}
	}
	if (f->dir)
		f->dir->files--;
	tmp_discard(&f->tmp);
	if (f->basis_fd >= 0 && f->basis_fd != f->fd)
		close(f->basis_fd);
	if (f->fd >= 0)
		close(f->fd);
	meta_release(&f->want);
	meta_release(&f->have);
	buf_release(&f->equal);
	buf_release(&f->again);
	diag_release(&f->failed);
	free(f->name);
	free(f);
}

/* Nothing half-written may look finished: a time that would be the source's is taken away. */
void file_spoil_time(struct session *s, const struct file *f)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = !f->want.mtime_s}};
	struct stat st;

	if (f->fd < 0 || f->tmp.dirfd >= 0 || s->dry || (f->flags & FILE_SEGMENT) || (!f->wrote && !f->created))
		return;
	if (fstat(f->fd, &st) == 0 && st.st_mtim.tv_sec == f->want.mtime_s &&
		st.st_mtim.tv_nsec == (long)f->want.mtime_ns)
		(void)futimens(f->fd, times);
}

void file_abandon_all(struct session *s)
{
	while (s->files.n) {
		file_spoil_time(s, s->files.all[0]);
		file_close(s, s->files.all[0]);
	}
}

/* ---- where to write ---- */

static bool create_tmp(struct session *s, struct file *f)
{
	f->fd = tmp_create(s, &f->dir->at, &f->tmp);
	if (f->fd < 0 || fstat(f->fd, &f->fresh) < 0) {
		file_fail(f, DIAG_RECEIVER_CREATE, errno, "cannot create a temporary file for");
		return false;
	}
	written_note(s, f->dir->at.fd, f->dir->at.dev);
	if ((f->want.flags & META_FLAG_NOCOW) || !tmp_is_plain(s, &f->dir->at, &f->tmp))
		meta_apply_creation_flags(f->fd, &f->want, s->fields);
	return true;
}

bool file_copy_equal(struct session *s, struct file *f)
{
	const size_t n = f->equal.len / sizeof(uint64_t);

	for (size_t i = 0; i + 1 < n && !f->cloned; i += 2) {
		uint64_t range[2];

		memcpy(range, f->equal.data + i * sizeof(uint64_t), sizeof(range));
		if (copy_sparse(s, f->basis_fd, f->fd, range[0], range[1] - range[0]) < 0) {
			file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot write");
			return false;
		}
	}
	buf_clear(&f->equal);
	return true;
}

bool file_materialise(struct session *s, struct file *f)
{
	if (diag_is_set(&f->failed) || s->dry)
		return false;
	if (f->fd >= 0)
		return true;
	if (!f->dir || !create_tmp(s, f))
		return false;
	f->cloned = f->basis_fd >= 0 && f->basis_size && copy_clone(f->basis_fd, f->fd) == 0;
	return file_copy_equal(s, f);
}

static bool wants_inplace(const struct session *s, const struct file *f)
{
	if ((s->flags & HELLO_REPLACE) || (f->flags & FILE_BREAK) || f->have.nlink != 1)
		return false;
	return (s->flags & HELLO_INPLACE) || f->have.size >= INPLACE_MIN;
}

/* Nobody reads the new contents who shall not, and no set-id bit of the old ones runs them. */
static bool tighten(struct session *s, const struct file *f, int fd)
{
	return f->want.type != META_REG || meta_tighten_fd(fd, &f->want, &f->have, s->fields) >= 0;
}

/* It stays as it is where it is being executed, or swapped to, or is not what was looked at, or not ours alone: beside then. */
static void open_inplace(struct session *s, struct file *f)
{
	struct stat st;
	int fd = entry_open(s, &f->dir->at, f->name, O_RDWR);

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_ino != f->have.ino || st.st_dev != f->have.dev ||
		fence_take(fd, true, 0, 0) != FENCE_TAKEN || !tighten(s, f, fd)) {
		close(fd);
		return;
	}
	close(f->basis_fd);
	f->fd = f->basis_fd = fd;
	f->inplace = true;
	written_note(s, f->dir->at.fd, f->dir->at.dev);
}

/* What is there under the name, as basis. It may be gone, or something else, by now: then there is none. */
static void open_basis(struct session *s, struct file *f)
{
	struct stat st;

	f->basis_fd = entry_open(s, &f->dir->at, f->name, O_RDONLY);
	if (f->basis_fd < 0)
		return;
	if (fstat(f->basis_fd, &st) < 0 || meta_read_fd(f->basis_fd, s->fields, &f->have) < 0) {
		file_fail(f, DIAG_RECEIVER_LIST, errno, "cannot read the metadata of");
		return;
	}
	f->basis_size = (uint64_t)st.st_size;
	(void)posix_fadvise(f->basis_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (!s->dry && wants_inplace(s, f))
		open_inplace(s, f);
	/* Somebody of before still writes there: what is read now need not be there when it is needed. */
	if (!s->dry && !f->inplace && fence_take(f->basis_fd, false, 0, 0) == FENCE_BUSY) {
		close(f->basis_fd);
		f->basis_fd = -1;
		f->basis_size = 0;
	}
}

static void open_new(struct session *s, struct file *f)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	place_modify(s, &f->dir->at);
	f->fd = openat(f->dir->at.fd, f->name, flags, 0600);
	if (f->fd < 0 && entry_unlock(s, &f->dir->at, NULL, errno))
		f->fd = openat(f->dir->at.fd, f->name, flags, 0600);
	if (f->fd < 0 && errno == EEXIST) {
		create_tmp(s, f);
		return;
	}
	if (f->fd < 0 || fstat(f->fd, &f->fresh) < 0) {
		file_fail(f, DIAG_RECEIVER_CREATE, errno, "cannot create");
		return;
	}
	f->created = true;
	(void)fence_take(f->fd, true, 0, 0); /* it is new: nobody has it */
	if ((f->want.flags & META_FLAG_NOCOW) || !f->dir->at.plain)
		meta_apply_creation_flags(f->fd, &f->want, s->fields);
}

/* ---- segments of a file another receiver owns ---- */

static int open_path(struct session *s, const struct bytes *path, int flags)
{
	AUTO_FREE char *p = xmemdup(path->p, path->len);
	const char *name;
	AUTO_CLOSE int dirfd = resolve_parent(s, p, &name);
	struct stat st;
	int fd;

	if (dirfd < 0 || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) { /* a device must not even be opened */
		errno = EINVAL;
		return -1;
	}
	fd = openat(dirfd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	if (fd >= 0 && flags != O_RDONLY)
		written_note(s, dirfd, st.st_dev);
	return fd;
}

static void open_segment(struct session *s, struct file *f, const struct msg_file *m)
{
	struct stat st;

	f->name = xmemdup(m->path.p, m->path.len);
	if (s->dry)
		return;
	f->fd = open_path(s, &m->path, O_RDWR);
	if (f->fd < 0) {
		file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot open");
		return;
	}
	if (fence_take(f->fd, true, m->off, m->len) == FENCE_BUSY) {
		file_fail(f, DIAG_RECEIVER_CHANGED, 0, "another receiver, whose link was lost, still writes to");
		return;
	}
	if (!(f->flags & FILE_UPDATE) || m->basis_path.len == 0)
		return;
	f->inplace = m->basis_path.len == m->path.len && memcmp(m->basis_path.p, m->path.p, m->path.len) == 0;
	f->basis_fd = f->inplace ? f->fd : open_path(s, &m->basis_path, O_RDONLY);
	if (f->basis_fd < 0 || fstat(f->basis_fd, &st) < 0) {
		file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot open the previous version of");
		return;
	}
	f->basis_size = (uint64_t)st.st_size;
}

/* ---- FILE ---- */

void file_answer_done(struct session *s, struct file *f, const struct msg_file_done *done)
{
	size_t start = frame_begin(&s->out, MSG_FILE_DONE, f->id);

	msg_file_done_put(&s->out, done);
	frame_end(&s->out, start);
}

static void answer_ok(struct session *s, struct file *f)
{
	AUTO_FREE char *own = path_join(f->dir->at.dst, f->name);
	AUTO_FREE char *tmp = NULL;
	const char *path = own;
	struct msg_file_ok m = {.inplace = f->inplace, .basis = f->basis_size};
	size_t start;

	if (f->tmp.dirfd >= 0)
		path = tmp = path_join(f->tmp.beside ? f->dir->at.dst : s->tmp.dir, f->tmp.name);
	m.path = (struct bytes){(const uint8_t *)path, strlen(path)};
	if (f->basis_fd >= 0)
		m.basis_path = (struct bytes){(const uint8_t *)own, strlen(own)};
	start = frame_begin(&s->out, MSG_FILE_OK, f->id);
	msg_file_ok_put(&s->out, &m);
	frame_end(&s->out, start);
}

static void file_open(struct session *s, struct file *f, const struct msg_file *m)
{
	if (f->flags & FILE_SEGMENT) {
		open_segment(s, f, m);
		return;
	}
	f->name = xmemdup(m->name.p, m->name.len);
	f->dir = dir_find(s, m->dir);
	if (!f->dir) {
		file_fail(f, DIAG_RECEIVER_DIR, 0, "no directory for");
		return;
	}
	f->dir->files++;
	if (f->want.type != META_REG) {
		file_fail(f, DIAG_RECEIVER_ENTRY, 0, "no metadata for");
		return;
	}
	if (scope_reserved(&f->dir->at, f->name) || scope_hidden(s, f->dir->at.dst, f->name)) {
		file_fail(f, DIAG_RECEIVER_RESERVED, 0, "cannot use the name");
		return;
	}
	if (f->dir->at.fd < 0)
		return; /* dry run */
	if (f->flags & FILE_UPDATE)
		open_basis(s, f);
	else if (!s->dry)
		open_new(s, f);
	if ((f->flags & FILE_SHARED) && !s->dry && !diag_is_set(&f->failed) && f->fd < 0)
		file_materialise(s, f);
	if ((f->flags & FILE_SHARED) && f->fd >= 0)
		fence_release(f->fd); /* each segment has its own */
}

bool on_file(struct session *s, const struct frame *fr)
{
	struct msg_file m;
	struct file *f;

	if (!msg_file_get(fr, &m))
		return answer_malformed(s, "file");
	if (file_find(s, fr->id))
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "file %u is open already", fr->id);
	if (s->files.n == FILES_MAX)
		return answer_error(s, DIAG_RECEIVER_LIMIT, "more than %u files are open", FILES_MAX);
	f = xcalloc(1, sizeof(*f));
	f->id = fr->id;
	f->flags = m.flags;
	f->size = m.size;
	f->fd = f->basis_fd = f->tmp.dirfd = -1;
	s->files.all[s->files.n++] = f;
	if (m.meta.len && meta_unpack(m.meta.p, m.meta.len, s->fields, &f->want) != m.meta.len)
		meta_clear(&f->want);
	file_open(s, f, &m);
	if (!(f->flags & FILE_SHARED) || (f->flags & FILE_SEGMENT))
		return true;
	/* The mover waits for the path: a failure is said at once, and the file is no more. */
	if (diag_is_set(&f->failed)) {
		file_answer_done(s, f, &(struct msg_file_done){.status = FILE_FAILED, .diag = f->failed});
		file_close(s, f);
	} else if (f->dir) {
		answer_ok(s, f);
	}
	return true;
}
