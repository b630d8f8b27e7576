#include "mover/share.h"
#include "base/clock.h"
#include "base/path.h"
#include "mover/dir.h"
#include "mover/file.h"
#include "mover/leave.h"
#include "mover/names.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char *bytes_str(const struct bytes *b)
{
	return xmemdup(b->p, b->len);
}

void file_new_segment(struct mover *m, const struct ipc_unit *u)
{
	struct file *f = file_alloc(m, u->size);
	const char *slash, *below;
	struct stat st;
	size_t rel;
	int dirfd;

	f->segment = true;
	f->unit = u->id;
	f->src = bytes_str(&u->src);
	f->path = bytes_str(&u->path);
	f->basis_path = bytes_str(&u->basis_path);
	f->off = f->seg_start = u->off;
	f->end = u->off + u->len;
	f->update = *f->basis_path != '\0';
	f->basis = u->basis;
	rel = strlen(m->mounts[u->mount].rel);
	below = strlen(f->src) > rel ? f->src + rel + (rel > 0) : "";
	slash = strrchr(below, '/');
	AUTO_FREE char *dir = xmemdup(below, slash ? (size_t)(slash - below) : 0);
	dirfd = names_open_path(&m->way, m->mounts[u->mount].fd, dir);
	if (dirfd >= 0) {
		const char *name = slash ? slash + 1 : below;

		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			f->fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		close(dirfd);
	}
	/* It must still be the file that was announced; if not, the file as a whole is not finished in this run. */
	if (f->fd < 0 || fstat(f->fd, &st) < 0 || st.st_ino != u->ino || (uint64_t)st.st_size != u->size ||
		(uint64_t)clock_file_ns(&st.st_mtim) != u->mtime_ns) {
		file_segment_done(m, f, false);
		return;
	}
	f->sparse = (uint64_t)st.st_blocks * 512 < u->size;
	file_advise(m, f);
	file_announce(m, f);
	file_begin(m, f);
}

void on_file_ok(struct mover *m, struct file *f, const struct frame *fr)
{
	struct msg_file_ok ok;
	struct ipc_share share = {.file = f->id, .size = f->size, .ino = f->ino, .mtime_ns = (uint64_t)f->mtime_ns};
	AUTO_FREE char *src = NULL;

	if (f->state != FILE_STATE_SHARE || !msg_file_ok_get(fr, &ok))
		mover_protocol_error(m, "an unexpected FILE_OK");
	src = path_join(f->dir->src, f->name);
	share.unit = f->dir->unit;
	share.src = bytes_of(src);
	share.mount = f->dir->mount;
	share.path = ok.path;
	share.basis_path = ok.basis_path;
	share.basis = ok.basis;
	ipc_share_send(&m->ipc, &share);
	f->state = FILE_STATE_SHARED;
}

static void part_failed(struct mover *m, struct file *f)
{
	AUTO_FREE char *path = path_join(f->dir->src, f->name);
	AUTO_DIAG d = DIAG_INIT;

	if (file_source_changed(f)) {
		tell_changed(m, f->dir->src, f->name);
		return;
	}
	diag_set(&d, DIAG_MOVER_READ, 0, path, "cannot transfer a part of '%s'", path);
	tell_failed(m, &d);
}

void file_share_done(struct mover *m, struct file *f, bool ok, bool changed)
{
	if (f->state != FILE_STATE_SHARED)
		return;
	f->abandoned = !ok;
	f->any_run = changed;
	if (!ok)
		part_failed(m, f);
	file_send_end(m, f);
}
