#include "mover/dispatch.h"
#include "mover/batch.h"
#include "mover/compare.h"
#include "mover/delete.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/file.h"
#include "mover/leave.h"
#include "mover/link.h"
#include "mover/need.h"
#include "mover/op.h"
#include "mover/put.h"
#include "mover/segment.h"
#include "mover/share.h"
#include "mover/state.h"
#include "mover/transfer.h"
#include "mover/way.h"
#include "wire/msg.h"

/* ---- what the receiver says ---- */

static void on_epoch(struct mover *m, const struct frame *f)
{
	struct ipc_epoch epoch;

	if (!msg_epoch_get(f, &epoch.epoch))
		mover_protocol_error(m, "a malformed EPOCH");
	ipc_epoch_send(&m->ipc, &epoch);
}

static void on_target_lost(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct msg_lost lost;

	while (msg_lost_get(&r, &lost))
		ipc_lost_send(&m->ipc,
			&(struct ipc_lost){
				.why = LOST_TARGET, .files = lost.files, .what = lost.what, .path = lost.path});
	if (!rd_done(&r))
		mover_protocol_error(m, "a malformed LOST");
}

static void on_used(struct mover *m, const struct frame *f)
{
	struct ipc_used used;

	if (!pacer_answer(&m->pacer, f, &used.used))
		mover_protocol_error(m, "a use of limits that cannot be");
	ipc_used_send(&m->ipc, &used);
}

static NORETURN void on_error(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	AUTO_DIAG d = DIAG_INIT;

	if (!rd_diag(&r, &d) || !diag_is_set(&d))
		mover_protocol_error(m, "a malformed error");
	mover_die(m, &d);
}

void on_wire_frame(struct mover *m, const struct frame *f)
{
	switch (f->type) {
	case MSG_DIR_EQUAL:
		on_dir_equal(m, mover_expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_DIFF:
		on_dir_diff(m, mover_expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_SPLIT:
		on_dir_split(m, mover_expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_FAIL:
		on_dir_fail(m, mover_expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_NEED:
		on_need(m, mover_expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_EXTRA:
		on_extra(m, mover_expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_DONE:
		on_dir_done(m, mover_expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_PUT_DONE:
		on_put_done(m, mover_expect(m, f->id, SLOT_BATCH), f);
		break;
	case MSG_FILE_OK:
		on_file_ok(m, mover_expect(m, f->id, SLOT_FILE), f);
		break;
	case MSG_SEG_NEED:
		on_seg_need(m, mover_expect(m, f->id, SLOT_FILE), f);
		break;
	case MSG_FILE_DONE:
		on_file_done(m, mover_expect(m, f->id, SLOT_FILE), f);
		break;
	case MSG_OP_DONE:
		on_op_done(m, mover_expect(m, f->id, SLOT_OP), f);
		break;
	case MSG_DELETE_DONE:
		on_delete_done(m, mover_expect(m, f->id, SLOT_OP), f);
		break;
	case MSG_EPOCH:
		on_epoch(m, f);
		break;
	case MSG_LOST:
		on_target_lost(m, f);
		break;
	case PACE_USED:
		on_used(m, f);
		break;
	case MSG_ERROR:
		on_error(m, f);
	default:
		mover_protocol_error(m, "a message that is not known");
	}
}

/* ---- what the coordinator says ---- */

static void *of_ours(struct mover *m, uint64_t id, enum slot_kind kind)
{
	void *object = id <= UINT32_MAX ? slots_get(&m->slots, (uint32_t)id, kind) : NULL;

	if (!object)
		mover_ipc_error(m, "an answer to nothing that was asked");
	return object;
}

static void on_config(struct mover *m, const struct ipc_config *c)
{
	mover_ipc_error(m, "a configuration that is not the first message");
}

static void on_unit(struct mover *m, const struct ipc_unit *u)
{
	if (u->mount >= m->mount_count)
		mover_ipc_error(m, "a unit of no mount");
	if (u->kind == UNIT_SEGMENT)
		file_new_segment(m, u);
	else
		dir_new(m, u);
}

static void on_link_first(struct mover *m, const struct ipc_link_first *l)
{
	link_first(m, of_ours(m, l->token, SLOT_LINK));
}

static void on_link_to(struct mover *m, const struct ipc_link_to *l)
{
	link_to(m, of_ours(m, l->token, SLOT_LINK), l->dev, l->ino, xmemdup(l->path.p, l->path.len));
}

static void on_link_bound(struct mover *m, const struct ipc_link_bound *l)
{
	link_bound(m, of_ours(m, l->token, SLOT_LINK), l->ok);
}

static void on_share_done(struct mover *m, const struct ipc_share_done *s)
{
	struct file *file = slots_get(&m->slots, s->file, SLOT_FILE);

	if (file) /* it may have failed at the receiver meanwhile */
		file_share_done(m, file, s->ok, s->changed);
}

static void on_grant(struct mover *m, const struct ipc_grant *g)
{
	struct dir *d = of_ours(m, g->token, SLOT_DIR);

	if (d->state == DIR_STATE_WAY)
		dir_way_granted(m, d, g->entries);
	else
		dir_delete_granted(m, d, g->entries);
	dir_pending_done(m, d);
}

static void on_skip(struct mover *m, const struct ipc_skip *s)
{
	m->skips = xrealloc(m->skips, (m->skip_count + 1) * sizeof(*m->skips));
	m->skips[m->skip_count].dev = s->dev;
	m->skips[m->skip_count++].ino = s->ino;
}

static void on_suspect(struct mover *m, const struct ipc_suspect *s)
{
	chan_send(&m->wire, MSG_SUSPECT, 0, s->intervals.p, s->intervals.len);
}

static void on_flush(struct mover *m, const struct ipc_flush *f)
{
	chan_send(&m->wire, MSG_FLUSH, 0, NULL, 0);
}

static void on_sync(struct mover *m, const struct ipc_sync *s)
{
	struct op *op = op_new(m, MSG_SYNC, NULL, NULL);
	uint8_t all = s->all;

	chan_send(&m->wire, MSG_SYNC, op->id, &all, 1);
}

static void on_limits(struct mover *m, const struct ipc_limits *l)
{
	pacer_set(&m->pacer, l->cpu, l->io);
}

static void on_finish(struct mover *m, const struct ipc_finish *f)
{
	m->finishing = true;
	chan_send(&m->wire, MSG_BYE, 0, NULL, 0);
}

void on_ipc_frame(struct mover *m, const struct frame *f)
{
	switch (f->type) {
#define X(NAME, name, role)                                                            \
	case IPC_##NAME: {                                                             \
		struct ipc_##name msg;                                                 \
		if (!(IPC_ROLE_##role & IPC_ROLE_MOVER) || !ipc_##name##_get(f, &msg)) \
			mover_ipc_error(m, "a malformed " #NAME);                      \
		on_##name(m, &msg);                                                    \
		return;                                                                \
	}
		IPC_TO_WORKERS(X)
#undef X
	default:
		mover_ipc_error(m, "an unknown message");
	}
}
