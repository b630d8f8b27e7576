#include "check/talk.h"

#include <poll.h>
#include <unistd.h>

bool probe_turn(struct probe *p, int64_t wait_ns)
{
	struct pollfd fd = {.fd = p->wire.fd, .events = POLLIN};
	int64_t wait;

	if (!chan_flush(&p->wire, &wait))
		return false;
	if (chan_unsent(&p->wire))
		fd.events |= POLLOUT;
	if (poll(&fd, 1, (int)((MAX(wait_ns, INT64_C(0)) + NS_PER_MS - 1) / NS_PER_MS)) <= 0 ||
		!(fd.revents & ~POLLOUT))
		return true;
	return chan_fill(&p->wire);
}

void probe_answer(struct probe *p, uint8_t type, const struct buf *b)
{
	chan_send_buf(&p->ipc, type, 0, b);
	if (!chan_drain(&p->ipc))
		_exit(EXIT_FAILED); /* it is gone */
}

void probe_die(struct probe *p, struct diag *d)
{
	AUTO_BUF b = BUF_INIT;

	wr_diag(&b, d);
	probe_answer(p, PROBE_DIAG, &b);
	_exit(EXIT_FAILED);
}

void probe_protocol(struct probe *p, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_CHECK_PROTOCOL, 0, NULL, "the receiver sent %s", what);
	probe_die(p, &d);
}

void probe_lost(void)
{
	_exit(PROBE_LOST);
}

void probe_unexpected(struct probe *p, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	AUTO_DIAG d = DIAG_INIT;

	if (f->type == MSG_ERROR && rd_diag(&r, &d) && diag_is_set(&d))
		probe_die(p, &d);
	probe_protocol(p, "something that was not asked for");
}

void probe_ask(struct probe *p, uint8_t type, const struct buf *b)
{
	chan_send(&p->wire, type, ++p->next_id, b ? b->data : NULL, b ? b->len : 0);
}

struct frame probe_next(struct probe *p, int64_t silence_ns)
{
	int64_t deadline = clock_mono_ns() + silence_ns;
	enum frame_status s;
	struct frame f;

	while ((s = frame_decode(&p->wire.in, &f)) == FRAME_NEED_MORE) {
		int64_t left = deadline - clock_mono_ns();

		if (left <= 0 || !probe_turn(p, left))
			probe_lost();
	}
	if (s == FRAME_BAD)
		probe_protocol(p, "something that is no frame");
	return f;
}

struct frame probe_await(struct probe *p, uint8_t type, int64_t silence_ns)
{
	struct frame f = probe_next(p, silence_ns);

	if (f.type != type || f.id != p->next_id)
		probe_unexpected(p, &f);
	return f;
}
