#include "mover/work.h"
#include "mover/content.h"
#include "mover/delete.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/put.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

/* A link, device, fifo or socket where a directory was: anything else of them the receiver has made at once. */
static void send_special(struct mover *m, struct dir *d, struct listed *e, const struct need_state *s)
{
	const char *name = listed_name(&d->scan.listing, e);

	if (m->dry_run) {
		tell_item(m, OP_CREATE, d->src, name, e->type, s->why, 0, NULL);
		return;
	}
	mover_chdir(m, d->fd);
	meta_clear(&m->scratch);
	if (meta_read(d->fd, name, DT_UNKNOWN, m->fields, &m->scratch, NULL) < 0)
		tell_source_error(m, d->src, name, errno, "read metadata of");
	else if (m->scratch.type != e->type || m->scratch.nlink > 1)
		tell_changed(m, d->src, name);
	else
		put_entry(m, d, name, &m->scratch, -1, OP_CREATE, s->why, NULL, 0);
}

/* False: it is under a lease, and waits. */
static bool send_needed(struct mover *m, struct dir *d, struct listed *e, const struct need_state *s)
{
	const char *name = listed_name(&d->scan.listing, e);
	struct content_request r = {.op = s->op == NEED_NEW ? OP_CREATE : OP_UPDATE,
		.why = s->why,
		.basis = s->op == NEED_NEW ? UINT64_MAX : s->basis,
		.brk = s->why & META_D_HARDLINK,
		.doubt = s->op == NEED_UPDATE && !(s->why & (META_D_SIZE | META_D_MTIME))};
	int fd = -1;

	mover_chdir(m, d->fd);
	meta_clear(&m->scratch);
	/* Looked at first: the receiver may ask for what is a device. */
	if (meta_read(d->fd, name, DT_UNKNOWN, m->fields, &m->scratch, &fd) < 0) {
		if (errno == EAGAIN && lease_waits(&d->lease))
			return false;
		if (errno == EAGAIN)
			lease_tell(m, d->src, name);
		else
			tell_source_error(m, d->src, name, errno, "open");
		return true;
	}
	if (m->scratch.type != META_REG || m->scratch.nlink > 1) { /* became something else: the next sync's */
		tell_changed(m, d->src, name);
		cleanup_close(&fd);
		return true;
	}
	if (fd < 0) {
		tell_source_error(m, d->src, name, errno, "open");
		return true;
	}
	content_send(m, d, name, &m->scratch, fd, &r);
	return true;
}

static bool send_one(struct mover *m, struct dir *d, struct listed *e, const struct need_state *s)
{
	if (e->type == META_REG)
		return send_needed(m, d, e, s);
	send_special(m, d, e, s);
	return true;
}

/* What is under a lease comes after the rest, as often as it takes. */
static enum step late_step(struct dir *d)
{
	if (!d->compare.late)
		return STEP_WAIT;
	if (!lease_due(&d->lease))
		return STEP_BLOCKED;
	d->compare.work_next = d->compare.late = 0;
	return STEP_MORE;
}

enum step dir_work_step(struct mover *m, struct dir *d)
{
	enum step late;

	if (d->delete.extra.len && !d->delete.deleting)
		dir_start_delete(m, d);
	while (d->compare.work_next < d->compare.listed_len) {
		uint32_t i = d->compare.work_next;
		struct need_state *s = &d->compare.needs[i];
		if (s->op == NEED_NEW || s->op == NEED_UPDATE) {
			if (m->files >= FILES_OPEN_MAX || m->unacked >= UNACKED_MAX)
				return STEP_BLOCKED;
			if (send_one(m, d, &d->scan.listing.entries[d->compare.listed_index[i]], s))
				s->op = 0;
			else
				d->compare.late++;
			d->compare.work_next++;
			return STEP_MORE;
		}
		d->compare.work_next++;
	}
	late = late_step(d);
	if (late == STEP_WAIT)
		dir_drain(m, d);
	return late;
}
