#include "mover/stream.h"
#include "mover/claim.h"
#include "mover/content.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/give.h"
#include "mover/omit.h"
#include "mover/put.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/tell.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define STREAM_NAMES 2048u
#define LINKS_MAX 16384u /* names waiting to be linked, above which nothing new is streamed */

void dir_start_stream(struct mover *m, struct dir *d)
{
	d->state = DIR_STATE_STREAM;
	d->names.eof = d->unit_flags & UNIT_BARE;
}

static void stream_dir(struct mover *m, struct dir *d, const char *name)
{
	meta_clear(&m->scratch);
	m->scratch.type = META_DIR;
	dir_count(m, d, &m->scratch);
	if (m->dry_run) {
		m->count.dirs_created++;
		tell_item(m, OP_CREATE, d->src, name, META_DIR, 0, 0, NULL);
		dir_give(m, d, name, dir_mount_at(m, d, name), true);
	} else {
		put_entry(m, d, name, &m->scratch, -1, OP_CREATE, 0, NULL, 0);
	}
}

static void stream_regular(struct mover *m, struct dir *d, const char *name, int fd)
{
	struct content_request r = {.op = OP_CREATE, .basis = UINT64_MAX};

	if (fd < 0) {
		tell_source_error(m, d->src, name, errno ? errno : EACCES, "open");
	} else {
		content_send(m, d, name, &m->scratch, fd, &r);
	}
}

static void stream_entry(struct mover *m, struct dir *d, const struct name *n)
{
	const char *name = (const char *)d->names.arena.data + n->off;
	unsigned char dtype = n->dtype;
	int fd = -1;

	if (dir_refuses(m, d, name, strlen(name)))
		return;
	if (dtype == DT_UNKNOWN && meta_stat(d->fd, name, &m->scratch) == 0 && m->scratch.type == META_DIR)
		dtype = DT_DIR;
	if (dir_omits(m, d, name, dtype == DT_DIR, n->ino))
		return;
	if (dtype == DT_DIR) {
		stream_dir(m, d, name);
		return;
	}
	meta_clear(&m->scratch);
	errno = 0;
	if (meta_read(d->fd, name, dtype, m->fields, &m->scratch, &fd) < 0) {
		if (errno == EAGAIN)
			lease_keep(m, d, n);
		else
			tell_source_error(m, d->src, name, errno, "read metadata of");
		return;
	}
	tell_unkept(m, d, name, &m->scratch);
	if (m->scratch.odd_time)
		tell_odd_time(m, d->src, name);
	dir_count(m, d, &m->scratch);
	if (m->scratch.type == META_DIR || m->scratch.type == META_NONE) { /* changed type under our eyes */
		m->count.files_vanished++;
	} else if (m->scratch.nlink > 1) {
		link_new(m, d, name, &m->scratch, true);
	} else if (m->scratch.type == META_REG) {
		stream_regular(m, d, name, fd);
		fd = -1;
	} else if (m->dry_run) {
		tell_item(m, OP_CREATE, d->src, name, m->scratch.type, 0, 0, NULL);
	} else {
		put_entry(m, d, name, &m->scratch, -1, OP_CREATE, 0, NULL, 0);
	}
	if (fd >= 0)
		close(fd);
}

enum step dir_stream_step(struct mover *m, struct dir *d)
{
	enum step late;

	if (m->files >= FILES_OPEN_MAX || m->unacked >= UNACKED_MAX || m->links >= LINKS_MAX)
		return STEP_BLOCKED;
	mover_chdir(m, d->fd);
	for (int i = 0; i < 32 && !d->dead; i++) {
		if (d->names.next == d->names.len) {
			if (d->names.eof)
				break;
			names_read(&d->names, d->fd, STREAM_NAMES);
			continue;
		}
		stream_entry(m, d, &d->names.names[d->names.next++]);
		if (chan_full(&m->wire) || m->files >= FILES_OPEN_MAX)
			return STEP_MORE;
	}
	if (!d->dead && (!d->names.eof || d->names.next < d->names.len))
		return STEP_MORE;
	if (!d->dead && (late = lease_step(d)) != STEP_WAIT)
		return late;
	if (d->names.error)
		tell_source_error(m, d->src, "", d->names.error, "read directory");
	dir_drain(m, d);
	return STEP_WAIT;
}
