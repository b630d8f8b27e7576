#include "mover/work.h"
#include "mover/content.h"
#include "mover/delete.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

static void would_send(struct mover *m, struct dir *d, struct listed *e, const struct need_state *s)
{
	tell_item(m, s->op == NEED_NEW ? OP_CREATE : OP_UPDATE, d->src, listed_name(&d->scan.listing, e), e->type,
		s->why, e->size, NULL);
	m->count.files_transferred++;
	m->count.bytes_done += e->size;
}

static void send_needed(struct mover *m, struct dir *d, struct listed *e, const struct need_state *s)
{
	const char *name = listed_name(&d->scan.listing, e);
	struct content_request r = {.op = s->op == NEED_NEW ? OP_CREATE : OP_UPDATE,
		.why = s->why,
		.basis = s->op == NEED_NEW ? UINT64_MAX : s->basis,
		.brk = s->why & META_D_HARDLINK,
		.doubt = s->op == NEED_UPDATE && !(s->why & (META_D_SIZE | META_D_MTIME))};
	int fd = -1;

	if (m->dry_run && !r.doubt && !(m->checksum && s->op == NEED_UPDATE && !(s->why & META_D_SIZE))) {
		would_send(m, d, e, s);
		return;
	}
	mover_chdir(m, d->fd);
	meta_clear(&m->scratch);
	/* Looked at first: the receiver may ask for what is a device. */
	if (meta_read(d->fd, name, DT_UNKNOWN, m->fields, &m->scratch, &fd) < 0) {
		tell_source_error(m, d->src, name, errno, "open");
		return;
	}
	if (m->scratch.type != META_REG || m->scratch.nlink > 1) { /* became something else: the next sync's */
		tell_changed(m, d->src, name);
		cleanup_close(&fd);
		return;
	}
	if (fd < 0) {
		tell_source_error(m, d->src, name, errno, "open");
		return;
	}
	content_send(m, d, name, &m->scratch, fd, &r);
}

enum step dir_work_step(struct mover *m, struct dir *d)
{
	if (d->delete.extra.len && !d->delete.deleting)
		dir_start_delete(m, d);
	while (d->compare.work_next < d->compare.listed_len) {
		uint32_t i = d->compare.work_next;
		const struct need_state *s = &d->compare.needs[i];
		if (s->op == NEED_NEW || s->op == NEED_UPDATE) {
			if (m->files >= FILES_OPEN_MAX || m->unacked >= UNACKED_MAX)
				return STEP_BLOCKED;
			send_needed(m, d, &d->scan.listing.entries[d->compare.listed_index[i]], s);
			d->compare.work_next++;
			return STEP_MORE;
		}
		d->compare.work_next++;
	}
	dir_drain(m, d);
	return STEP_WAIT;
}
