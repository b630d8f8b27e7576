/* FILE_END: the commit of a large file, or what is still wanted of it. */
#include "receiver/answer.h"
#include "receiver/copy.h"
#include "receiver/entry.h"
#include "receiver/fail.h"
#include "receiver/file.h"
#include "receiver/handlers.h"
#include "receiver/state.h"
#include "receiver/tmp.h"
#include "receiver/written.h"

#include <errno.h>
#include <unistd.h>

static bool all_equal(const struct file *f, uint64_t size)
{
	uint64_t range[2];

	if (size == 0)
		return true;
	if (f->equal.len != sizeof(range))
		return false;
	memcpy(range, f->equal.data, sizeof(range));
	return range[0] == 0 && range[1] >= size;
}

/* Nothing differed: the inode stays, unless it must not be shared. */
static bool stays(const struct session *s, struct file *f, bool unchanged)
{
	uint64_t whole[2] = {0, f->basis_size};

	if (f->fd >= 0 || f->basis_fd < 0)
		return false;
	if (unchanged) {
		buf_clear(&f->equal);
		buf_append(&f->equal, whole, sizeof(whole));
	}
	if (f->have.nlink > 1 && ((f->flags & FILE_BREAK) || meta_diff(&f->have, &f->want, s->fields)))
		return false;
	return f->basis_size == f->want.size && all_equal(f, f->want.size);
}

/* The temporary name is on another file system in spite of its device number: once more, beside. */
static int commit_beside(struct session *s, struct file *f, struct diag *warn)
{
	struct tmpname t;
	AUTO_CLOSE int to = tmp_create(s, &f->dir->at, &t);
	const struct meta movable = entry_movable(&f->want);
	struct diag diag = DIAG_INIT;

	if (to < 0 || copy_whole(s, f->fd, to, f->want.size) < 0) {
		file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot write");
		tmp_discard(&t);
		return -1;
	}
	diag_release(warn);
	entry_give(s, &f->dir->at, f->name, to, &movable, NULL, 1, warn);
	if (fstat(to, &f->fresh) < 0 || entry_commit(s, &t, &f->dir->at, f->name, &diag) != 0) {
		if (!diag_is_set(&diag))
			fail_entry(&diag, DIAG_RECEIVER_CREATE, EXDEV, &f->dir->at, f->name, "cannot replace");
		diag_move(&f->failed, &diag);
		tmp_discard(&t);
		return -1;
	}
	entry_lock(s, &f->dir->at, f->name, to, &f->want, warn);
	return 0;
}

static void finish_metadata(struct session *s, struct file *f, int fd, struct msg_file_done *done)
{
	const bool fresh = f->created || f->tmp.dirfd >= 0;
	const bool plain = f->tmp.dirfd >= 0 ? tmp_is_plain(s, &f->dir->at, &f->tmp) : f->dir->at.plain;
	const struct meta want = f->tmp.dirfd >= 0 ? entry_movable(&f->want) : f->want;
	struct meta room;

	written_note(s, f->dir->at.fd, f->dir->at.dev);
	done->why &=
		~entry_give(s, &f->dir->at, f->name, fd, &want, fresh ? entry_fresh(&room, &f->fresh, plain) : NULL,
			fresh ? (uint32_t)f->fresh.st_ctim.tv_nsec : f->have.ctime_ns, &done->diag);
}

static void commit(struct session *s, struct file *f, bool unchanged, struct msg_file_done *done)
{
	struct stat st;
	bool settled = false;
	int fd, ret;

	if (stays(s, f, unchanged)) {
		fd = f->basis_fd;
		settled = !done->why && !suspect_matches(s, &f->have); /* there is nothing to set */
	} else {
		if (!file_materialise(s, f))
			return;
		fd = f->fd;
		if (fstat(fd, &st) < 0 ||
			((uint64_t)st.st_size != f->want.size && ftruncate(fd, (off_t)f->want.size) < 0)) {
			file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot write");
			return;
		}
		if (f->flags & FILE_UPDATE)
			done->why |= f->wrote ? META_D_CONTENT : 0;
	}
	if (!settled)
		finish_metadata(s, f, fd, done);
	if (fstat(fd, &st) < 0)
		file_fail(f, DIAG_RECEIVER_WRITE, errno, "cannot read back");
	done->dev = st.st_dev;
	done->ino = st.st_ino;
	if (f->tmp.dirfd < 0 || diag_is_set(&f->failed))
		return;
	ret = entry_commit(s, &f->tmp, &f->dir->at, f->name, &f->failed);
	if (ret == 0)
		entry_lock(s, &f->dir->at, f->name, fd, &f->want, &done->diag);
	if (ret == -2 && commit_beside(s, f, &done->diag) == 0) {
		done->dev = f->fresh.st_dev;
		done->ino = f->fresh.st_ino;
	}
}

static void answer_again(struct session *s, struct file *f)
{
	struct msg_file_done done = {.status = FILE_AGAIN, .runs = {f->again.data, f->again.len}};

	file_answer_done(s, f, &done);
	buf_clear(&f->again);
}

/* Frees f. */
static void file_finish(struct session *s, struct file *f, const struct msg_file_end *m)
{
	struct msg_file_done done = {.status = FILE_COMMITTED};
	struct held held = {};

	if (m->flags & FILE_END_ABANDON)
		file_fail(f, DIAG_RECEIVER_ABANDONED, 0, "gave up");
	if (f->have.type == META_REG && f->want.type == META_REG) {
		hold_fit(s, &f->dir->at, &f->want, &f->have, &held);
		done.why = meta_diff(&f->have, &f->want, s->fields);
	}
	if (!diag_is_set(&f->failed) && !s->dry && !(f->flags & (FILE_SEGMENT | FILE_COMPARE)))
		commit(s, f, m->flags & FILE_END_UNCHANGED, &done);
	if (diag_is_set(&f->failed)) {
		file_spoil_time(s, f);
		done.status = FILE_FAILED;
		done.dev = done.ino = 0;
		diag_move(&done.diag, &f->failed);
	} else if (f->dir) {
		hold_say(s, &f->dir->at, f->name, &held);
	}
	file_answer_done(s, f, &done);
	diag_release(&done.diag);
	file_close(s, f);
}

bool on_file_end(struct session *s, const struct frame *fr)
{
	struct file *f = file_find(s, fr->id);
	struct msg_file_end m;

	if (!msg_file_end_get(fr, &m))
		return answer_malformed(s, "end of a file");
	if (!f)
		return true; /* it has failed, and that was said */
	if (m.meta.len && meta_unpack(m.meta.p, m.meta.len, s->fields, &f->want) != m.meta.len)
		meta_clear(&f->want);
	if (!(f->flags & FILE_SEGMENT) && f->want.type != META_REG)
		file_fail(f, DIAG_RECEIVER_ENTRY, 0, "no metadata for");
	if (f->again.len && !diag_is_set(&f->failed) && !(m.flags & FILE_END_ABANDON))
		answer_again(s, f);
	else
		file_finish(s, f, &m);
	return true;
}
