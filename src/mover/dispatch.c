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
#include "wire/msg.h"

/* ---- what the receiver says ---- */

static void on_epoch(struct mover *m, const struct frame *f)
{
	struct msg_epoch epoch;

	if (!msg_epoch_get(f, &epoch))
		mover_protocol_error(m, "a malformed EPOCH");
	buf_clear(&m->msg);
	msg_epoch_put(&m->msg, &epoch);
	chan_send_buf(&m->ipc, IPC_EPOCH, 0, &m->msg);
}

static void on_used(struct mover *m, const struct frame *f)
{
	struct pace_used used;

	if (!pacer_answer(&m->pacer, f, &used))
		mover_protocol_error(m, "a use of limits that cannot be");
	buf_clear(&m->msg);
	pace_used_put(&m->msg, &used);
	chan_send_buf(&m->ipc, IPC_USED, 0, &m->msg);
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

static void on_unit(struct mover *m, const struct frame *f)
{
	struct ipc_unit u;

	if (!ipc_unit_get(f, &u) || u.mount >= m->mount_count)
		mover_protocol_error(m, "a malformed unit");
	if (u.kind == UNIT_SEGMENT)
		file_new_segment(m, &u);
	else
		dir_new(m, &u);
}

static void on_link_first(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);

	link_first(m, mover_expect(m, (uint32_t)rd_u64(&r), SLOT_LINK));
}

static void on_link_to(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct link_wait *w = mover_expect(m, (uint32_t)rd_u64(&r), SLOT_LINK);
	uint64_t dev = rd_u64(&r), ino = rd_u64(&r);
	char *to = rd_path(&r, WIRE_PATH_MAX);

	if (!rd_done(&r) || !to)
		mover_protocol_error(m, "a malformed message of the coordinator");
	link_to(m, w, dev, ino, to);
}

static void on_link_bound(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct link_wait *w = mover_expect(m, (uint32_t)rd_u64(&r), SLOT_LINK);

	link_bound(m, w, rd_u8(&r));
}

static void on_share_done(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct file *file = slots_get(&m->slots, rd_u32(&r), SLOT_FILE);
	bool ok = rd_u8(&r), changed = rd_u8(&r);

	if (file) /* it may have failed at the receiver meanwhile */
		file_share_done(m, file, ok, changed);
}

static void on_grant(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct dir *d = mover_expect(m, (uint32_t)rd_u64(&r), SLOT_DIR);

	dir_delete_granted(m, d, rd_u64(&r));
	dir_pending_done(m, d);
}

static void on_skip(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);

	m->skips = xrealloc(m->skips, (m->skip_count + 1) * sizeof(*m->skips));
	m->skips[m->skip_count].dev = rd_u64(&r);
	m->skips[m->skip_count++].ino = rd_u64(&r);
}

static void on_sync(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t all = rd_u8(&r);
	struct op *op = op_new(m, MSG_SYNC, NULL, NULL);

	chan_send(&m->wire, MSG_SYNC, op->id, &all, 1);
}

static void on_limits(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint32_t cpu = rd_u32(&r);

	pacer_set(&m->pacer, cpu, rd_u64(&r));
}

static void on_finish(struct mover *m)
{
	m->finishing = true;
	chan_send(&m->wire, MSG_BYE, 0, NULL, 0);
}

void on_ipc_frame(struct mover *m, const struct frame *f)
{
	switch (f->type) {
	case IPC_UNIT:
		on_unit(m, f);
		break;
	case IPC_LINK_FIRST:
		on_link_first(m, f);
		break;
	case IPC_LINK_TO:
		on_link_to(m, f);
		break;
	case IPC_LINK_BOUND:
		on_link_bound(m, f);
		break;
	case IPC_SHARE_DONE:
		on_share_done(m, f);
		break;
	case IPC_GRANT:
		on_grant(m, f);
		break;
	case IPC_SKIP:
		on_skip(m, f);
		break;
	case IPC_SUSPECT:
		chan_send(&m->wire, MSG_SUSPECT, 0, f->payload, f->len);
		break;
	case IPC_FLUSH:
		chan_send(&m->wire, MSG_FLUSH, 0, NULL, 0);
		break;
	case IPC_SYNC:
		on_sync(m, f);
		break;
	case IPC_LIMITS:
		on_limits(m, f);
		break;
	case IPC_FINISH:
		on_finish(m);
		break;
	default:
		mover_protocol_error(m, "an unknown message of the coordinator");
	}
}
