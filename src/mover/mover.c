#include "mover/mover.h"
#include "base/clock.h"
#include "base/fd.h"
#include "confine/confine.h"
#include "mover/handshake.h"
#include "mover/private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define SLOW_LINK (32u << 20) /* bytes a second: compressing is considered below this */
#define WINDOWS_RESTED 20 /* after compressing in vain */
#define WINDOW_NS (500 * NS_PER_MS)

/* ---- ending ---- */

NORETURN static void leave(struct mover *m, int code)
{
	fd_set_nonblock(m->ipc.fd, false);
	tell_counts(m, true);
	int64_t wait;
	while (chan_unsent(&m->ipc) && chan_flush(&m->ipc, &wait))
		;
	_exit(code);
}

NORETURN void mover_die(struct mover *m, struct diag *d)
{
	AUTO_BUF msg = BUF_INIT;

	wr_u8(&msg, 1);
	wr_u8(&msg, 0);
	wr_diag(&msg, d);
	chan_send_buf(&m->ipc, IPC_DIAG, 0, &msg);
	leave(m, ROLE_FATAL);
}

NORETURN void mover_protocol_error(struct mover *m, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_MOVER_PROTOCOL, 0, NULL, "the receiver sent %s", what);
	mover_die(m, &d);
}

/* ---- the queue ---- */

void mover_queue(struct mover *m, struct task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	t->prev = m->tasks.tail;
	if (m->tasks.tail)
		m->tasks.tail->next = t;
	else
		m->tasks.head = t;
	m->tasks.tail = t;
}

void mover_unlist(struct mover *m, struct task *t)
{
	for (struct task **p = &m->tasks.blocked; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			return;
		}
	if (!t->queued)
		return;
	t->queued = false;
	if (t->prev)
		t->prev->next = t->next;
	else
		m->tasks.head = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		m->tasks.tail = t->prev;
}

static void unblock(struct mover *m)
{
	while (m->tasks.blocked) {
		struct task *t = m->tasks.blocked;
		m->tasks.blocked = t->next;
		mover_queue(m, t);
	}
}

static enum step step(struct mover *m, struct task *t)
{
	return t->kind == TASK_DIR ? dir_step(m, (struct dir *)t) : file_step(m, (struct file *)t);
}

/*
 * One step of the first task. A step that says WAIT may have freed its task. While a step runs its task is not queued, so
 * that an answer handled within it cannot queue it twice.
 */
static void run_one(struct mover *m)
{
	struct task *t = m->tasks.head;

	mover_unlist(m, t);
	switch (step(m, t)) {
	case STEP_MORE:
		/* Large files take turns; a directory goes on until it waits, so that batches are not cut short. */
		mover_queue(m, t);
		if (t->kind == TASK_DIR && m->tasks.head != t) {
			mover_unlist(m, t);
			t->queued = true;
			t->prev = NULL;
			t->next = m->tasks.head;
			m->tasks.head->prev = t;
			m->tasks.head = t;
		}
		break;
	case STEP_BLOCKED:
		t->next = m->tasks.blocked;
		m->tasks.blocked = t;
		break;
	case STEP_WAIT:
		unblock(m);
		break;
	}
}

/* ---- sending ---- */

void mover_send_content(struct mover *m, uint8_t type, uint32_t id, const struct buf *payload)
{
	int level = m->zstd.fixed ? m->zstd.fixed : m->zstd.level;
	size_t before = m->wire.out.len;

	if (!level) {
		frame_encode(&m->wire.out, type, id, payload->data, payload->len);
		return;
	}
	frame_encode_zstd(&m->wire.out, type, id, payload->data, payload->len, level, &m->zstd.context);
	m->zstd.raw += payload->len;
	m->zstd.saved += payload->len - MIN(payload->len, m->wire.out.len - before);
}

/* Compression pays when the link, not we, is what is waited for, and is slow enough that zstd is faster. */
static void consider_compression(struct mover *m, int64_t now)
{
	int64_t elapsed = now - m->zstd.rate_ns;
	uint64_t sent = m->sent_total + m->wire.sent;
	double rate, blocked;

	if (!(m->flags & IPC_ZSTD_AUTO) || elapsed < WINDOW_NS)
		return;
	rate = (double)(sent - m->zstd.rate_sent) * 1e9 / (double)elapsed;
	blocked = (double)m->zstd.blocked_ns / (double)elapsed;
	m->zstd.slow_windows = blocked > 0.5 && rate < SLOW_LINK ? m->zstd.slow_windows + 1 : 0;
	if (m->zstd.rest)
		m->zstd.rest--;
	if (m->zstd.level && (blocked < 0.1 || m->zstd.saved < m->zstd.raw / 8)) {
		m->zstd.rest = blocked < 0.1 ? 0 : WINDOWS_RESTED; /* what is sent now does not get smaller */
		m->zstd.level = 0;
	} else if (!m->zstd.level && m->zstd.slow_windows >= 2 && !m->zstd.rest) {
		m->zstd.level = 1;
	} else if (m->zstd.level && blocked > 0.8 && rate < SLOW_LINK / 4) {
		m->zstd.level = 3;
	}
	m->zstd.raw = m->zstd.saved = 0;
	m->zstd.rate_ns = now;
	m->zstd.rate_sent = sent;
	m->zstd.blocked_ns = 0;
}

ssize_t mover_pread(struct mover *m, int fd, void *buf, size_t n, uint64_t off)
{
	ssize_t got = fd_pread_full(fd, buf, n, (off_t)off);

	if (got > 0)
		throttle_charge(m->throttle, THROTTLE_READ, (uint64_t)got, clock_mono_ns());
	return got;
}

void mover_chdir(struct mover *m, int fd)
{
	if (m->cwd_fd == fd)
		return;
	if (fchdir(fd) < 0) {
		AUTO_DIAG d = DIAG_INIT;
		diag_set(&d, DIAG_MOVER_READ, errno, NULL, "cannot enter a directory that is open");
		mover_die(m, &d);
	}
	m->cwd_fd = fd;
}

void mover_forget_cwd(struct mover *m, int fd)
{
	if (m->cwd_fd == fd)
		m->cwd_fd = -1;
}

/* ---- the receiver's limits ---- */

/* Bytes made for the receiver so far. */
static uint64_t stream_at(const struct mover *m)
{
	return m->sent_total + m->wire.sent + chan_unsent(&m->wire);
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

/* ---- what the receiver says ---- */

static void *expect(struct mover *m, uint32_t id, enum slot_kind kind)
{
	void *object = slots_get(&m->slots, id, kind);

	if (!object)
		mover_protocol_error(m, "an answer to nothing that was asked");
	return object;
}

static void on_epoch(struct mover *m, const struct frame *f)
{
	struct msg_epoch epoch;

	if (!msg_epoch_get(f, &epoch))
		mover_protocol_error(m, "a malformed EPOCH");
	buf_clear(&m->msg);
	msg_epoch_put(&m->msg, &epoch);
	chan_send_buf(&m->ipc, IPC_EPOCH, 0, &m->msg);
}

static void on_wire_frame(struct mover *m, const struct frame *f)
{
	switch (f->type) {
	case MSG_DIR_EQUAL:
		on_dir_equal(m, expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_DIFF:
		on_dir_diff(m, expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_SPLIT:
		on_dir_split(m, expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_FAIL:
		on_dir_fail(m, expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_NEED:
		on_need(m, expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_EXTRA:
		on_extra(m, expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_DIR_DONE:
		on_dir_done(m, expect(m, f->id, SLOT_DIR), f);
		break;
	case MSG_PUT_DONE:
		on_put_done(m, expect(m, f->id, SLOT_BATCH), f);
		break;
	case MSG_FILE_OK:
		on_file_ok(m, expect(m, f->id, SLOT_FILE), f);
		break;
	case MSG_SEG_NEED:
		on_seg_need(m, expect(m, f->id, SLOT_FILE), f);
		break;
	case MSG_FILE_DONE:
		on_file_done(m, expect(m, f->id, SLOT_FILE), f);
		break;
	case MSG_OP_DONE:
		on_op_done(m, expect(m, f->id, SLOT_OP), f);
		break;
	case MSG_DELETE_DONE:
		on_delete_done(m, expect(m, f->id, SLOT_OP), f);
		break;
	case MSG_EPOCH:
		on_epoch(m, f);
		break;
	case PACE_USED:
		on_used(m, f);
		break;
	case MSG_ERROR: {
		struct rd r = rd_init(f->payload, f->len);
		AUTO_DIAG d = DIAG_INIT;
		if (!rd_diag(&r, &d) || !diag_is_set(&d))
			mover_protocol_error(m, "a malformed error");
		mover_die(m, &d);
	}
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

static void start_sync(struct mover *m, uint8_t all)
{
	struct op *op = op_new(m, MSG_SYNC, NULL, NULL);

	chan_send(&m->wire, MSG_SYNC, op->id, &all, 1);
}

static void on_ipc_frame(struct mover *m, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint64_t token;

	switch (f->type) {
	case IPC_UNIT:
		on_unit(m, f);
		break;
	case IPC_LINK_FIRST:
		link_first(m, expect(m, (uint32_t)rd_u64(&r), SLOT_LINK));
		break;
	case IPC_LINK_TO:
		token = rd_u64(&r);
		link_to(m, expect(m, (uint32_t)token, SLOT_LINK), f, &r);
		break;
	case IPC_LINK_BOUND:
		token = rd_u64(&r);
		link_bound(m, expect(m, (uint32_t)token, SLOT_LINK), rd_u8(&r));
		break;
	case IPC_SHARE_DONE: {
		struct file *file = slots_get(&m->slots, rd_u32(&r), SLOT_FILE);
		bool ok = rd_u8(&r), changed = rd_u8(&r);
		if (file) /* it may have failed at the receiver meanwhile */
			file_share_done(m, file, ok, changed);
		break;
	}
	case IPC_GRANT: {
		struct dir *d = expect(m, (uint32_t)rd_u64(&r), SLOT_DIR);
		dir_delete_granted(m, d, rd_u64(&r));
		dir_pending_done(m, d);
		break;
	}
	case IPC_SKIP:
		m->skips = xrealloc(m->skips, (m->skip_count + 1) * sizeof(*m->skips));
		m->skips[m->skip_count].dev = rd_u64(&r);
		m->skips[m->skip_count++].ino = rd_u64(&r);
		break;
	case IPC_SUSPECT:
		chan_send(&m->wire, MSG_SUSPECT, 0, f->payload, f->len);
		break;
	case IPC_FLUSH:
		chan_send(&m->wire, MSG_FLUSH, 0, NULL, 0);
		break;
	case IPC_SYNC:
		start_sync(m, rd_u8(&r));
		break;
	case IPC_LIMITS: {
		uint32_t cpu = rd_u32(&r);
		pacer_set(&m->pacer, cpu, rd_u64(&r));
		break;
	}
	case IPC_FINISH:
		m->finishing = true;
		chan_send(&m->wire, MSG_BYE, 0, NULL, 0);
		break;
	default:
		mover_protocol_error(m, "an unknown message of the coordinator");
	}
}

/* ---- the loop ---- */

NORETURN static void link_lost(struct mover *m)
{
	leave(m, m->finishing ? ROLE_DONE : ROLE_LOST);
}

static void take_frames(struct mover *m, struct chan *c, void (*fn)(struct mover *, const struct frame *))
{
	struct frame f;
	enum frame_status s;

	while ((s = frame_decode(&c->in, &f)) == FRAME_READY)
		fn(m, &f);
	if (s == FRAME_BAD)
		mover_protocol_error(m, "something that is no frame");
}

/* Work that begins reads; what was read beyond the rate, and a run that is held, are waited for here. */
static bool throttled(struct mover *m)
{
	return !throttle_allow(m->throttle, THROTTLE_READ, 1, clock_mono_ns(), &m->throttled_ns);
}

static bool can_work(struct mover *m)
{
	m->throttled_ns = 0;
	return m->tasks.head && !chan_full(&m->wire) && !chan_full(&m->ipc) && !pacer_full(&m->pacer, stream_at(m)) &&
		!throttled(m);
}

/* How long to wait for I/O: no longer than sending, or reading, is held back. */
static int patience_ms(const struct mover *m, int64_t send_ns, int64_t read_ns)
{
	int64_t ns = m->pacer.on ? PACER_EVERY_NS : NS_PER_S;

	if (send_ns)
		ns = MIN(ns, send_ns);
	if (read_ns)
		ns = MIN(ns, read_ns);
	return (int)(ns / NS_PER_MS) + 1;
}

/* Does I/O, and waits for it when there is nothing else to do. */
static void pump(struct mover *m)
{
	bool block = !can_work(m);
	int64_t wait_ns = 0, ignored, before = clock_mono_ns();
	struct pollfd p[2] = {{.fd = m->ipc.fd, .events = POLLIN}, {.fd = m->wire.fd, .events = POLLIN}};
	bool held, wire_ok, ipc_ok;

	if (!m->finishing)
		pacer_ask(&m->pacer, &m->wire.out, stream_at(m), before);
	/* What is gathered goes in large writes: small ones only when we are about to wait. */
	held = !block && chan_unsent(&m->wire) < WIRE_BATCH_BYTES;
	wire_ok = held || chan_flush(&m->wire, &wait_ns);
	ipc_ok = chan_flush(&m->ipc, &ignored);
	if (!ipc_ok)
		_exit(ROLE_FATAL); /* the coordinator is gone */
	block = !can_work(m); /* flushing may have made room */
	if (chan_unsent(&m->ipc))
		p[0].events |= POLLOUT;
	if (!held && chan_unsent(&m->wire) && wait_ns == 0)
		p[1].events |= POLLOUT;
	if (wire_ok) {
		poll(p, 2, block ? patience_ms(m, wait_ns, m->throttled_ns) : 0);
		if (block && chan_unsent(&m->wire))
			m->zstd.blocked_ns += clock_mono_ns() - before;
	}
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR)) {
		bool ok = chan_fill(&m->ipc);
		take_frames(m, &m->ipc, on_ipc_frame);
		if (!ok)
			_exit(ROLE_FATAL);
		unblock(m);
	}
	if (!wire_ok || (p[1].revents & (POLLIN | POLLHUP | POLLERR))) {
		bool ok = chan_fill(&m->wire);
		take_frames(m, &m->wire, on_wire_frame); /* an error it sent before it went */
		if (!ok || !wire_ok)
			link_lost(m);
		unblock(m);
	}
	if (block) /* what was held may begin */
		unblock(m);
	m->sent_total += m->wire.sent;
	tell_counts(m, block);
	m->sent_total -= m->wire.sent;
}

static void loop(struct mover *m)
{
	unsigned steps = 0;

	for (;;) {
		link_run_ready(m);
		if (m->batch && !m->tasks.head)
			put_flush(m);
		if (can_work(m)) {
			run_one(m);
			if (++steps % 16 && m->tasks.head && !chan_full(&m->wire) &&
				chan_unsent(&m->wire) < WIRE_BATCH_BYTES)
				continue;
		}
		pump(m);
		consider_compression(m, clock_mono_ns());
	}
}

void mover_main(const struct worker_fds *fds)
{
	struct mover *m = xcalloc(1, sizeof(*m));
	uint8_t zeros[WIRE_CHUNK] = {0};

	m->cwd_fd = -1;
	chan_init(&m->ipc, fds->ipc);
	m->throttle = throttle_map(fds->throttle);
	close(fds->throttle);
	if (!m->throttle)
		_exit(ROLE_FATAL);
	handshake(m, fds);
	m->read_buf = xmalloc(FILE_READ);
	m->zero_hash = delta_hash(&m->delta_key, zeros, sizeof(zeros));
	m->zstd.rate_ns = clock_mono_ns();
	loop(m);
	_exit(ROLE_FATAL);
}
