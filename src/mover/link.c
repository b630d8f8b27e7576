/*
 * The life of a name with several links. Two answers are waited for: that of the claim, and the state of the name at the
 * target; in a directory that is new there is no state, and nothing is waited for.
 *
 *	claimed -> first        IPC_LINK_FIRST, and the state is known
 *	claimed -> other        IPC_LINK_TO, and the state is known
 *	claimed -> failed       the receiver cannot say the state
 *	first   -> committed    the inode that is there is equal and has no other name; a dry run
 *	first   -> bind         ... has other names: IPC_LINK_BIND asks whether they are this inode's
 *	bind    -> committed    IPC_LINK_BOUND: they are
 *	bind    -> transfer     IPC_LINK_BOUND: they are not: an inode of its own, or its contents may differ
 *	first   -> ready        its content has to wait until files are closed
 *	first   -> transfer     content, PUT or META are on their way
 *	ready   -> transfer     it is its turn
 *	transfer -> committed   PUT_DONE, FILE_DONE, OP_DONE; with a failure, too: then the next name is the first
 *	other   -> released     it is that link already; a dry run
 *	other   -> linked       LINK is on its way
 *	linked  -> released     OP_DONE
 *	linked  -> claimed      OP_DONE: no link of that can be made here; it is claimed in another group
 *	failed  -> committed    the claim's answer says first: with a failure, so that the next name is
 *	failed  -> released     the claim's answer says other
 *
 *	committed: the coordinator is told, and the name released
 */
#include "mover/link.h"
#include "base/path.h"
#include "mover/batch.h"
#include "mover/claim.h"
#include "mover/content.h"
#include "mover/dir.h"
#include "mover/op.h"
#include "mover/put.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

/* Only metadata differ: set them, on an inode of its own where the one that is there belongs to others too. */
static void send_meta(struct mover *m, struct link_wait *w, const struct meta *meta, bool brk)
{
	struct op *op = op_new(m, MSG_META, w->dir, w->name);
	AUTO_BUF packed = BUF_INIT;
	struct msg_meta msg = {.dir = w->dir->id, .flags = brk ? ENTRY_BREAK : 0};

	op->entry_type = w->type;
	op->link = w;
	meta_pack(&packed, meta, m->fields);
	msg.name = (struct bytes){(const uint8_t *)w->name, strlen(w->name)};
	msg.meta = (struct bytes){packed.data, packed.len};
	batch_flush(m);
	buf_clear(&m->msg);
	msg_meta_put(&m->msg, &msg);
	chan_send_buf(&m->wire, MSG_META, op->id, &m->msg);
}

static bool content_differs(const struct mover *m, const struct link_wait *w)
{
	return w->type == META_REG &&
		(!w->exists || m->checksum || w->doubt || (w->why & (META_D_SIZE | META_D_MTIME)));
}

/* Where no contents are sent; those go the way of the real run, which compares. */
static void first_dry(struct mover *m, struct link_wait *w)
{
	/* What would be changed while it has other names would become an inode of its own. */
	bool same = w->exists && (!w->why || w->tnlink == 1);
	bool made = !w->exists || (w->why & (META_D_TYPE | META_D_LINK | META_D_RDEV));

	m->count.metadata_updated += !made && w->why;
	if (made || w->why)
		tell_item(m,
			!w->exists     ? OP_CREATE
				: made ? OP_UPDATE
				       : OP_METADATA,
			w->dir->src, w->name, w->type, w->why, 0, NULL);
	link_committed(m, w, true, same ? w->tdev : 0, same ? w->tino : 0);
}

static void first_later(struct mover *m, struct link_wait *w)
{
	w->next = NULL;
	*(m->ready ? m->ready_end : &m->ready) = w;
	m->ready_end = &w->next;
}

/* Under a lease: it comes again. */
static void link_late(struct mover *m, struct link_wait *w)
{
	w->next = m->late;
	m->late = w;
}

static void late_again(struct mover *m)
{
	struct link_wait *w = m->late;

	if (!w || !lease_due(&w->lease))
		return;
	m->late = NULL;
	while (w) {
		struct link_wait *next = w->next;
		first_later(m, w);
		w = next;
	}
}

static void tell_copied(struct mover *m, struct link_wait *w)
{
	AUTO_FREE char *path = path_join(w->dir->src, w->name);
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_MOVER_LINK_COPIED, w->copy_err, path, "'%s' becomes a copy, not a link of '%s' at the target",
		path, w->copy_of);
	tell_diag(m, &d);
	free(STEAL(w->copy_of)); /* once */
	m->count.links_copied++;
}

/* The inode's first name: what is there decides what is sent. */
static void first_act(struct mover *m, struct link_wait *w)
{
	struct meta meta = META_INIT;
	int fd = -1;
	/* With --checksum nothing may differ yet: then the receiver breaks the link only if the contents do. */
	bool shared = w->exists && w->tnlink > 1 && w->why;
	struct content_request r = {.op = w->exists ? OP_UPDATE : OP_CREATE,
		.why = w->why,
		.link = w,
		.brk = shared,
		.basis = w->exists ? w->basis : UINT64_MAX,
		.doubt = w->doubt && !(w->why & (META_D_SIZE | META_D_MTIME))};

	if (w->copy_of && !w->exists)
		tell_copied(m, w);
	mover_chdir(m, w->dir->fd);
	if (meta_read(w->dir->fd, w->name, DT_UNKNOWN, m->fields, &meta, content_differs(m, w) ? &fd : NULL) < 0) {
		if (errno == EAGAIN && lease_waits(&w->lease)) {
			meta_release(&meta);
			link_late(m, w);
			return;
		}
		if (errno == EAGAIN)
			lease_tell(m, w->dir->src, w->name);
		else
			tell_source_error(m, w->dir->src, w->name, errno, "read");
		link_committed(m, w, false, 0, 0);
	} else if (meta.type != w->type || meta.ino != w->ino) { /* another inode now: the next run sees to it */
		m->count.files_vanished++;
		link_committed(m, w, false, 0, 0);
	} else if (content_differs(m, w)) {
		if (fd < 0) {
			tell_source_error(m, w->dir->src, w->name, errno, "open");
			link_committed(m, w, false, 0, 0);
		} else {
			content_send(m, w->dir, w->name, &meta, fd, &r);
			fd = -1;
		}
	} else if (!w->exists || (w->why & (META_D_TYPE | META_D_LINK | META_D_RDEV))) {
		put_entry(m, w->dir, w->name, &meta, -1, r.op, w->why, w, shared ? ENTRY_BREAK : 0);
	} else {
		send_meta(m, w, &meta, shared);
	}
	if (fd >= 0)
		close(fd);
	meta_release(&meta);
}

/* Both ends bound the files that are open: content waits until others are closed. */
static bool room_for_first(const struct mover *m)
{
	return m->files < FILES_OPEN_MAX && m->unacked < UNACKED_MAX && !chan_full(&m->wire);
}

void link_run_ready(struct mover *m)
{
	late_again(m);
	while (m->ready && room_for_first(m)) {
		struct link_wait *w = m->ready;
		m->ready = w->next;
		first_act(m, w);
	}
}

/* Acts once both the claim's answer and the target's state are known. */
static void act(struct mover *m, struct link_wait *w)
{
	if (w->failed && w->have_claim) {
		link_failed(m, w);
		return;
	}
	if (!w->have_state || !w->have_claim)
		return;
	if (w->first) {
		m->count.bytes_done += content_differs(m, w) ? 0 : w->size;
		if (w->exists && !w->why && !w->bound) {
			if (w->tnlink == 1 && !content_differs(m, w)) {
				link_committed(m, w, true, w->tdev, w->tino);
				return;
			}
			if (w->tnlink > 1) { /* the inode there has other names: are they this inode's? */
				ipc_link_bind_send(&m->ipc,
					&(struct ipc_link_bind){.token = w->id,
						.dev = w->dev,
						.ino = w->ino,
						.tdev = w->tdev,
						.tino = w->tino});
				return;
			}
		}
		if (m->dry_run && !content_differs(m, w))
			first_dry(m, w);
		else if (content_differs(m, w) && (m->ready || !room_for_first(m)))
			first_later(m, w);
		else
			first_act(m, w);
		return;
	}
	/* It will not be one, a dry run can tell. */
	if (m->dry_run && w->exists && w->to_ino && w->tdev != w->to_dev && link_regroup(m, w, EXDEV, w->tdev))
		return;
	m->count.bytes_done += w->size;
	if (w->exists && w->tdev == w->to_dev && w->tino == w->to_ino && w->to_ino) {
		link_release(m, w);
		return;
	}
	if (m->dry_run) {
		m->count.links_made++;
		tell_item(m, OP_LINK, w->dir->src, w->name, w->type, META_D_HARDLINK, 0, w->to);
	} else {
		struct op *op = op_new(m, MSG_LINK, w->dir, w->name);
		struct msg_link msg = {.dir = w->dir->id, .dev = w->to_dev, .ino = w->to_ino};

		op->entry_type = w->type;
		op->link = w;
		msg.name = (struct bytes){(const uint8_t *)w->name, strlen(w->name)};
		msg.existing = (struct bytes){(const uint8_t *)w->to, strlen(w->to)};
		batch_flush(m);
		buf_clear(&m->msg);
		msg_link_put(&m->msg, &msg);
		chan_send_buf(&m->wire, MSG_LINK, op->id, &m->msg);
		return;
	}
	link_release(m, w);
}

void link_state(struct mover *m, struct link_wait *w, const struct need *n)
{
	w->have_state = true;
	w->exists = n->exists;
	w->why = n->why;
	w->doubt = n->doubt;
	w->basis = n->basis;
	w->tdev = n->dev;
	w->tino = n->ino;
	w->tnlink = n->nlink;
	act(m, w);
}

void link_first(struct mover *m, struct link_wait *w)
{
	w->have_claim = w->first = true;
	act(m, w);
}

void link_to(struct mover *m, struct link_wait *w, uint64_t dev, uint64_t ino, char *to)
{
	w->to_dev = dev;
	w->to_ino = ino;
	free(w->to);
	w->to = to;
	w->have_claim = true;
	w->first = false;
	act(m, w);
}

void link_bound(struct mover *m, struct link_wait *w, bool ok)
{
	w->bound = true;
	if (ok && !content_differs(m, w)) {
		link_committed(m, w, true, w->tdev, w->tino);
		return;
	}
	if (!ok)
		w->why |= META_D_HARDLINK;
	act(m, w);
}
