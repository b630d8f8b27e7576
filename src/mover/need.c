#include "mover/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The second half of a directory that exists on both sides: the unequal part of the listing goes over, the receiver
 * does at once what needs no content and says what does; names that only it has are deleted after a second look here.
 */

#define EXTRA_MAX (160u << 20) /* half a million names of 255 bytes, the most a receiver holds of a slice */

void dir_start_list(struct mover *m, struct dir *d)
{
	if (!d->compare.bitmap)
		d->compare.bitmap = xcalloc(d->scan.buckets / 8 + 1, 1);
	d->compare.listed_index = xcalloc(d->scan.listing.len, sizeof(*d->compare.listed_index));
	d->state = DIR_STATE_LIST;
	mover_queue(m, &d->task);
}

static bool is_listed(const struct dir *d, const struct listed *e)
{
	return e->linked || (d->compare.bitmap[e->bucket / 8] & (1u << (e->bucket % 8)));
}

/* What a name with several links is waiting for; claimed when it is listed, so that the answers meet. */
static void claim(struct mover *m, struct dir *d, uint32_t index, const struct listed *e)
{
	struct meta meta = {.type = e->type, .size = e->size, .dev = e->dev, .ino = e->ino, .nlink = e->nlink};

	d->compare.needs[index].link = link_new(m, d, listed_name(&d->scan.listing, e), &meta, false);
}

enum step dir_list_step(struct mover *m, struct dir *d)
{
	AUTO_BUF payload = BUF_INIT;
	uint32_t first = d->compare.listed_len;

	if (!d->compare.needs)
		d->compare.needs = xcalloc(d->scan.listing.len, sizeof(*d->compare.needs));
	msg_list_head_put(&payload, false, d->compare.list_begun ? NULL : d->compare.bitmap,
		d->compare.list_begun ? 0 : (d->scan.buckets + 7) / 8);
	d->compare.list_begun = true;
	while (d->compare.list_next < d->scan.listing.len && payload.len < WIRE_BATCH_BYTES) {
		const struct listed *e = &d->scan.listing.entries[d->compare.list_next++];
		struct entry entry = {.flags = e->linked ? ENTRY_LINKED : 0};

		if (!is_listed(d, e))
			continue;
		entry.name = (struct bytes){(const uint8_t *)listed_name(&d->scan.listing, e), e->name_len};
		entry.meta = (struct bytes){d->scan.listing.arena.data + e->meta, e->meta_len};
		msg_entry_put(&payload, &entry, false);
		d->compare.listed_index[d->compare.listed_len++] = d->compare.list_next - 1;
	}
	if (d->compare.list_next == d->scan.listing.len)
		payload.data[0] = MSG_LAST;
	mover_send_content(m, MSG_LIST, d->id, &payload);
	for (uint32_t i = first; i < d->compare.listed_len; i++)
		if (d->scan.listing.entries[d->compare.listed_index[i]].linked)
			claim(m, d, i, &d->scan.listing.entries[d->compare.listed_index[i]]);
	if (d->compare.list_next < d->scan.listing.len)
		return STEP_MORE;
	d->state = DIR_STATE_NEED;
	return STEP_WAIT;
}

static void count_need(struct mover *m, struct dir *d, const struct need *n, struct listed *e)
{
	const char *name = listed_name(&d->scan.listing, e);

	switch (n->op) {
	case NEED_CREATED:
		if (e->type == META_DIR) {
			m->count.dirs++;
			e->needs = true; /* new: its content streams */
		}
		tell_item(m, OP_CREATE, d->src, name, e->type, n->why, 0, NULL);
		break;
	case NEED_UPDATED:
		tell_item(m, OP_UPDATE, d->src, name, e->type, n->why, 0, NULL);
		if (e->type == META_DIR)
			e->needs = true;
		break;
	case NEED_METADATA:
		/* Only separated from other names of the target, of which deletions may take some first: whether that is
		 * needed cannot be foretold, and nothing of the file itself changes. */
		if (n->why == META_D_HARDLINK)
			break;
		m->count.metadata++;
		tell_item(m, OP_METADATA, d->src, name, e->type, n->why, 0, NULL);
		break;
	default:
		break;
	}
}

static void need_one(struct mover *m, struct dir *d, const struct need *n)
{
	struct listed *e;
	struct need_state *s;

	if (n->index >= d->compare.listed_len)
		mover_protocol_error(m, "a need for an entry that was not listed");
	e = &d->scan.listing.entries[d->compare.listed_index[n->index]];
	s = &d->compare.needs[n->index];
	count_need(m, d, n, e);
	switch (n->op) {
	case NEED_NEW:
	case NEED_UPDATE:
		if (e->type != META_REG || e->linked)
			mover_protocol_error(m, "content was asked for of something that has none");
		s->op = n->op;
		s->why = n->why;
		s->basis = n->basis;
		break;
	case NEED_LINK_STATE: {
		struct link_wait *w = STEAL(s->link);
		if (!w)
			mover_protocol_error(m, "the state of a link that was not asked for");
		s->op = n->op;
		link_state(m, w, n);
		break;
	}
	case NEED_FAILED:
		if (s->link) { /* nobody will say more of it */
			struct link_wait *w = STEAL(s->link);
			link_failed(m, w);
		}
		s->op = n->op;
		tell_failed(m, &n->diag);
		break;
	default:
		break;
	}
}

static void maybe_work(struct mover *m, struct dir *d)
{
	bool wants_extra = m->flags & IPC_DELETE;

	if (!d->compare.need_done || (wants_extra && !d->delete.extra_done))
		return;
	for (uint32_t i = 0; i < d->compare.listed_len; i++) {
		const struct listed *e = &d->scan.listing.entries[d->compare.listed_index[i]];
		if (d->compare.needs[i].link)
			mover_protocol_error(m, "no state of a link");
		if (d->compare.needs[i].op == 0 && !e->linked)
			m->count.done_bytes += e->size;
	}
	dir_give_listed(m, d);
	d->state = DIR_STATE_WORK;
	mover_queue(m, &d->task);
}

void dir_give_listed(struct mover *m, struct dir *d)
{
	for (uint32_t i = 0; i < d->scan.listing.len; i++) {
		const struct listed *e = &d->scan.listing.entries[i];
		const char *name = listed_name(&d->scan.listing, e);
		if (e->type == META_DIR)
			dir_give(m, d, name, listing_mount_at(m, d, name), e->needs);
	}
}

void on_need(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t flags = rd_u8(&r);
	struct need n = {};

	if (d->state != DIR_STATE_NEED || d->compare.need_done || flags > MSG_LAST)
		mover_protocol_error(m, "an unexpected NEED");
	while (msg_need_get(&r, &n)) {
		need_one(m, d, &n);
		diag_release(&n.diag);
	}
	if (!rd_done(&r))
		mover_protocol_error(m, "a malformed NEED");
	if (flags & MSG_LAST) {
		d->compare.need_done = true;
		maybe_work(m, d);
	}
}

/* A second look: deleted is only what is not there now, or is hidden by a rule that does not protect it. */
static bool confirm_delete(struct mover *m, struct dir *d, const char *name, uint8_t type)
{
	struct rules_verdict v;
	struct stat st;
	bool there = fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

	if (!there && errno != ENOENT)
		return false;
	if (rules_empty(m->rules))
		return !there;
	rules_match(m->rules, d->src, name, there ? S_ISDIR(st.st_mode) : type == META_DIR, &v);
	return !v.protect && (!there || v.hide);
}

void on_extra(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t flags = rd_u8(&r);

	if (d->state != DIR_STATE_NEED || d->delete.extra_done || flags > MSG_LAST || !(m->flags & IPC_DELETE))
		mover_protocol_error(m, "an unexpected EXTRA");
	while (rd_ok(&r) && rd_left(&r)) {
		char name[META_NAME_MAX + 1];
		uint8_t type = rd_u8(&r);
		if (!rd_name(&r, name, META_NAME_MAX) || !wire_name_valid((uint8_t *)name, strlen(name)))
			mover_protocol_error(m, "a malformed EXTRA");
		if (!d->no_delete && confirm_delete(m, d, name, type))
			buf_append(&d->delete.extra, name, strlen(name) + 1);
		if (d->delete.extra.len > EXTRA_MAX)
			mover_protocol_error(m, "more names than a slice can have");
	}
	if (flags & MSG_LAST) {
		d->delete.extra_done = true;
		maybe_work(m, d);
	}
}

/* ---- deleting ---- */

/* Sends a frame of the names from pos on; returns where the next begins. */
static size_t send_delete(struct mover *m, struct dir *d, uint64_t budget, size_t pos)
{
	AUTO_BUF payload = BUF_INIT;
	struct op *op = op_new(m, MSG_DELETE, d, NULL);

	op->granted = budget;
	msg_delete_head_put(&payload, d->id, budget);
	while (pos < d->delete.extra.len && payload.len < WIRE_BATCH_BYTES) {
		const char *name = (const char *)d->delete.extra.data + pos;
		wr_str(&payload, name);
		pos += strlen(name) + 1;
	}
	chan_send_buf(&m->wire, MSG_DELETE, op->id, &payload);
	return pos;
}

void dir_delete_granted(struct mover *m, struct dir *d, uint64_t budget)
{
	size_t pos = 0;

	/* How much of a budget a frame has used only its answer tells: the next one asks anew. */
	while (budget && pos < d->delete.extra.len) {
		pos = send_delete(m, d, budget, pos);
		if (budget != UINT64_MAX) {
			buf_consume(&d->delete.extra, pos);
			return;
		}
	}
	buf_clear(&d->delete.extra);
}

static void ask_budget(struct mover *m, struct dir *d)
{
	d->pending++;
	buf_clear(&m->msg);
	wr_u64(&m->msg, d->id);
	chan_send_buf(&m->ipc, IPC_BUDGET, 0, &m->msg);
}

void on_delete_done(struct mover *m, struct op *op, const struct frame *f)
{
	struct msg_delete_done done;
	struct delete_record rec = {};

	if (op->type != MSG_DELETE || !msg_delete_done_get(f, &done))
		mover_protocol_error(m, "an unexpected DELETE_DONE");
	m->count.deleted += done.deleted;
	op->used += done.deleted;
	while (msg_delete_record_get(&done.records, &rec)) {
		if (rec.type == META_NONE && rec.diag.code == DIAG_RECEIVER_PROTECTED) {
			/* As rsync has it: a directory that still holds what a rule protects stays, and that is no failure. */
			tell_note(m, "kept at the target: %s", rec.diag.detail ? rec.diag.detail : "a protected entry");
		} else if (rec.type == META_NONE) {
			tell_failed(m, &rec.diag);
		} else {
			AUTO_FREE char *name = xmemdup(rec.path.p, rec.path.len);
			tell_item(m, OP_DELETE, op->dir->src, name, rec.type, 0, 0, NULL);
		}
		diag_release(&rec.diag);
	}
	if (!rd_done(&done.records))
		mover_protocol_error(m, "a malformed DELETE_DONE");
	if (!(done.flags & MSG_LAST))
		return;
	if (op->granted != UINT64_MAX) {
		buf_clear(&m->msg);
		wr_u64(&m->msg, op->granted > op->used ? op->granted - op->used : 0);
		wr_u8(&m->msg, done.budget_reached);
		chan_send_buf(&m->ipc, IPC_REFUND, 0, &m->msg);
		if (done.budget_reached)
			buf_clear(&op->dir->delete.extra);
		if (op->dir->delete.extra.len)
			ask_budget(m, op->dir);
	}
	op_free(m, op);
}

static void start_delete(struct mover *m, struct dir *d)
{
	d->delete.deleting = true;
	if ((m->flags & IPC_DELETE_AFTER) && !(d->unit_flags & UNIT_REVISIT)) {
		buf_clear(&m->msg);
		wr_u32(&m->msg, d->unit);
		chan_send_buf(&m->ipc, IPC_DEFER, 0, &m->msg);
		buf_clear(&d->delete.extra);
	} else if (m->flags & IPC_MAX_DELETE) {
		ask_budget(m, d);
	} else {
		dir_delete_granted(m, d, UINT64_MAX);
	}
}

/* ---- contents ---- */

static void would_send(struct mover *m, struct dir *d, struct listed *e, const struct need_state *s)
{
	tell_item(m, s->op == NEED_NEW ? OP_CREATE : OP_UPDATE, d->src, listed_name(&d->scan.listing, e), e->type,
		s->why, e->size, NULL);
	m->count.transferred++;
	m->count.done_bytes += e->size;
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
	if (meta_read(d->fd, name, DT_REG, m->fields, &m->scratch, &fd) < 0 || fd < 0) {
		tell_source_error(m, d->src, name, errno, "open");
		return;
	}
	if (m->scratch.type != META_REG || m->scratch.nlink > 1) { /* became something else: the next sync's */
		m->count.vanished++;
		close(fd);
		return;
	}
	content_send(m, d, name, &m->scratch, fd, &r);
}

enum step dir_work_step(struct mover *m, struct dir *d)
{
	if (d->delete.extra.len && !d->delete.deleting)
		start_delete(m, d);
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
