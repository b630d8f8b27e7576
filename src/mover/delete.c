#include "mover/delete.h"
#include "mover/dir.h"
#include "mover/leave.h"
#include "mover/need.h"
#include "mover/op.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "mover/way.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define EXTRA_MAX (160u << 20) /* half a million names of 255 bytes, the most a receiver holds of a slice */

/* ---- what only the receiver has ---- */

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
	rules_match(m->rules, d->src, name, type == META_DIR, &v);
	if (v.protect || !there)
		return !v.protect;
	rules_match(m->rules, d->src, name, S_ISDIR(st.st_mode), &v);
	return v.hide;
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
		if (!rd_name(&r, name, META_NAME_MAX) || !path_name_valid((uint8_t *)name, strlen(name)))
			mover_protocol_error(m, "a malformed EXTRA");
		if (!d->no_delete && confirm_delete(m, d, name, type))
			buf_append(&d->delete.extra, name, strlen(name) + 1);
		if (d->delete.extra.len > EXTRA_MAX)
			mover_protocol_error(m, "more names than a slice can have");
	}
	if (flags & MSG_LAST) {
		d->delete.extra_done = true;
		dir_maybe_work(m, d);
	}
}

/* ---- deleting ---- */

/* Sends a frame of the names from pos on; returns where the next begins. */
static size_t send_delete(struct mover *m, struct dir *d, uint64_t budget, size_t pos)
{
	AUTO_BUF payload = BUF_INIT;
	struct op *op = op_new(m, MSG_DELETE, d, NULL);

	op->granted = budget;
	msg_delete_head_put(&payload, &(struct msg_delete_head){.dir = d->id, .budget = budget});
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
	ipc_budget_send(&m->ipc, &(struct ipc_budget){.token = d->id});
}

void on_delete_done(struct mover *m, struct op *op, const struct frame *f)
{
	struct msg_delete_done done;
	struct delete_record rec = {};

	if (op->type != MSG_DELETE || !msg_delete_done_get(f, &done))
		mover_protocol_error(m, "an unexpected DELETE_DONE");
	m->count.files_deleted += done.deleted;
	op->used += done.deleted;
	while (msg_delete_record_get(&done.records, &rec)) {
		op->failed = op->failed || rec.type == META_NONE;
		if (rec.type == META_NONE && rec.diag.code == DIAG_RECEIVER_PROTECTED && !op->way) {
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
		ipc_refund_send(&m->ipc,
			&(struct ipc_refund){.left = op->granted > op->used ? op->granted - op->used : 0,
				.reached = done.budget_reached});
		if (done.budget_reached && !op->way)
			buf_clear(&op->dir->delete.extra);
		if (op->dir->delete.extra.len && !op->way)
			ask_budget(m, op->dir);
	}
	if (op->way)
		dir_way_answered(m, op->dir, op->index, !op->failed && !done.budget_reached);
	op_free(m, op);
}

void dir_start_delete(struct mover *m, struct dir *d)
{
	d->delete.deleting = true;
	if ((m->flags & IPC_DELETE_AFTER) && !(d->unit_flags & UNIT_REVISIT)) {
		ipc_defer_send(&m->ipc, &(struct ipc_defer){.unit = d->unit});
		buf_clear(&d->delete.extra);
	} else if (m->flags & IPC_MAX_DELETE) {
		ask_budget(m, d);
	} else {
		dir_delete_granted(m, d, UINT64_MAX);
	}
}
