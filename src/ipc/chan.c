#include "ipc/chan.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (256u << 10)
#define KEEP_MAX (4u << 20) /* an output buffer larger than this is given back once it is empty */

void chan_init(struct chan *c, int fd)
{
	*c = (struct chan){.fd = fd};
	frame_decoder_init(&c->in);
	fd_set_nonblock(fd, true);
}

void chan_release(struct chan *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	frame_decoder_release(&c->in);
	buf_release(&c->out);
	c->out_pos = 0;
}

static void out_sent(struct chan *c, size_t n)
{
	c->out_pos += n;
	c->sent += n;
	if (c->out_pos == c->out.len) {
		c->out_pos = 0;
		if (c->out.cap > KEEP_MAX)
			buf_release(&c->out);
		buf_clear(&c->out);
	} else if (c->out_pos >= CHAN_HIGH_WATER) {
		buf_consume(&c->out, c->out_pos);
		c->out_pos = 0;
	}
}

bool chan_flush(struct chan *c, int64_t *out_wait_ns)
{
	*out_wait_ns = 0;
	while (chan_unsent(c)) {
		size_t n = chan_unsent(c);
		ssize_t r;

		if (c->limit) {
			n = (size_t)throttle_allow(c->limit, THROTTLE_SEND, n, clock_mono_ns(), out_wait_ns);
			if (n == 0)
				return true;
		}
		r = send(c->fd, c->out.data + c->out_pos, n, MSG_NOSIGNAL);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return errno == EAGAIN;
		if (c->limit)
			throttle_charge(c->limit, THROTTLE_SEND, (uint64_t)r, clock_mono_ns());
		out_sent(c, (size_t)r);
	}
	return true;
}

bool chan_drain(struct chan *c)
{
	bool ok = true;
	int64_t wait;

	fd_set_nonblock(c->fd, false);
	while (ok && chan_unsent(c))
		ok = chan_flush(c, &wait);
	fd_set_nonblock(c->fd, true);
	return ok;
}

bool chan_fill(struct chan *c)
{
	for (int i = 0; i < 4; i++) { /* bounded, so that one busy stream does not starve the other */
		uint8_t *p = frame_decoder_space(&c->in, READ_SIZE);
		ssize_t r = read(c->fd, p, READ_SIZE);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return errno == EAGAIN;
		if (r == 0) {
			c->eof = true;
			errno = 0;
			return false;
		}
		frame_decoder_filled(&c->in, (size_t)r);
		c->received += (uint64_t)r;
		if ((size_t)r < READ_SIZE)
			return true;
	}
	return true;
}

bool chan_await(struct chan *c, struct frame *out, int timeout_ms)
{
	bool more = true;

	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		enum frame_status s = frame_decode(&c->in, out);
		int64_t wait;

		if (s != FRAME_NEED_MORE)
			return s == FRAME_READY;
		if (!more || !chan_flush(c, &wait))
			return false;
		if (chan_unsent(c))
			p.events |= POLLOUT;
		if (poll(&p, 1, timeout_ms) == 0) {
			errno = ETIMEDOUT;
			return false;
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			more = chan_fill(c);
	}
}

void chan_send(struct chan *c, uint8_t type, uint32_t id, const void *payload, size_t len)
{
	frame_encode(&c->out, type, id, payload, len);
}
