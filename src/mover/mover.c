#include "mover/mover.h"
#include "base/clock.h"
#include "ipc/role.h"
#include "mover/batch.h"
#include "mover/dispatch.h"
#include "mover/handshake.h"
#include "mover/leave.h"
#include "mover/link.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/steps.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <poll.h>
#include <unistd.h>

/* Bytes made for the receiver so far. */
static uint64_t stream_at(const struct mover *m)
{
	return m->sent_total + m->wire.sent + chan_unsent(&m->wire);
}

static NORETURN void link_lost(struct mover *m)
{
	mover_leave(m, m->finishing ? ROLE_DONE : ROLE_LOST);
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

	/* What is blocked may wait for the answer to what is gathered. */
	if (block && m->batch)
		batch_flush(m);
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
		tasks_unblock(&m->tasks);
	}
	if (!wire_ok || (p[1].revents & (POLLIN | POLLHUP | POLLERR))) {
		bool ok = chan_fill(&m->wire);
		take_frames(m, &m->wire, on_wire_frame); /* an error it sent before it went */
		if (!ok || !wire_ok)
			link_lost(m);
		tasks_unblock(&m->tasks);
	}
	if (block) /* what was held may begin */
		tasks_unblock(&m->tasks);
	m->sent_total += m->wire.sent;
	tell_counts(m, block);
	m->sent_total -= m->wire.sent;
}

static void loop(struct mover *m)
{
	unsigned steps = 0;

	for (;;) {
		link_run_ready(m);
		if (can_work(m)) {
			mover_run_one(m);
			if (++steps % 16 && m->tasks.head && !chan_full(&m->wire) &&
				chan_unsent(&m->wire) < WIRE_BATCH_BYTES)
				continue;
		}
		pump(m);
		mover_consider_compression(m, clock_mono_ns());
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
