/* The pump: bytes between the mover's stream and the SSH channel, both directions at once, until one side has ended. */
#include "transport/link.h"
#include "base/clock.h"

#include <errno.h>
#include <libssh2.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (256u << 10)
#define HIGH_WATER (1u << 20) /* encrypted bytes the socket has not taken: no more is encrypted above it */
#define KEEPALIVE_S 15
#define SILENCE_NS (60 * NS_PER_S)
#define CLOSE_NS (10 * NS_PER_S)

struct lane {
	uint8_t *data;
	size_t pos, len;
};

struct pump {
	struct link *l;
	struct lane up, down; /* to the target, from the target */
	bool stream_eof; /* the mover will send no more */
	bool stream_dead; /* the mover will read no more */
	bool eof_sent, remote_eof, closed;
	int64_t closing; /* when the end began, 0 before */
	int64_t next_keepalive;
	bool moved; /* something happened in this turn */
};

static bool lane_empty(const struct lane *lane)
{
	return lane->pos == lane->len;
}

static bool lost(struct pump *p, const char *what)
{
	return link_fail_ssh(p->l, LINK_LOST, what);
}

static void fill_up(struct pump *p)
{
	ssize_t n;

	if (p->stream_eof || !lane_empty(&p->up))
		return;
	n = recv(p->l->stream, p->up.data, CHUNK, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	p->moved = true;
	p->up.pos = 0;
	p->up.len = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		p->stream_eof = true;
}

static bool drain_up(struct pump *p)
{
	struct link *l = p->l;

	while (!lane_empty(&p->up)) {
		ssize_t n;

		link_flush(l);
		if (l->out.len - l->out_head >= HIGH_WATER)
			return true;
		if (p->remote_eof) { /* nobody reads it any more */
			p->up.pos = p->up.len;
			return true;
		}
		/* On EAGAIN the same bytes are offered again next time, as libssh2 demands. */
		n = libssh2_channel_write(l->channel, (char *)p->up.data + p->up.pos, p->up.len - p->up.pos);
		if (n == LIBSSH2_ERROR_EAGAIN)
			return true;
		if (n == LIBSSH2_ERROR_CHANNEL_CLOSED || n == LIBSSH2_ERROR_CHANNEL_EOF_SENT) {
			p->up.pos = p->up.len;
			return true;
		}
		if (n < 0)
			return lost(p, "sending failed");
		p->moved = true;
		p->up.pos += (size_t)n;
	}
	if (p->stream_eof && !p->eof_sent) {
		int rc = libssh2_channel_send_eof(l->channel);

		if (rc == LIBSSH2_ERROR_EAGAIN)
			return true;
		p->eof_sent = true;
		p->moved = true;
		p->closing = clock_mono_ns();
	}
	return true;
}

static bool fill_down(struct pump *p)
{
	ssize_t n;

	if (!lane_empty(&p->down) || p->remote_eof)
		return true;
	n = libssh2_channel_read(p->l->channel, (char *)p->down.data, CHUNK);
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		return lost(p, "the connection broke");
	p->down.pos = 0;
	p->down.len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		p->moved = true;
	if (n <= 0 && libssh2_channel_eof(p->l->channel)) {
		p->remote_eof = true;
		p->moved = true;
		if (!p->closing)
			p->closing = clock_mono_ns();
	}
	return true;
}

static void drain_down(struct pump *p)
{
	while (!lane_empty(&p->down)) {
		ssize_t n;

		if (p->stream_dead) {
			p->down.pos = p->down.len;
			return;
		}
		n = send(p->l->stream, p->down.data + p->down.pos, p->down.len - p->down.pos,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			p->stream_dead = p->stream_eof = true;
			continue;
		}
		p->moved = true;
		p->down.pos += (size_t)n;
	}
	if (p->remote_eof && !p->stream_dead) {
		shutdown(p->l->stream, SHUT_WR);
		p->stream_dead = true;
	}
}

static void forward_stderr(struct pump *p)
{
	struct link *l = p->l;
	char chunk[4096];
	ssize_t n;

	/* Read even when it is thrown away: it shares the channel's window. */
	while ((n = libssh2_channel_read_stderr(l->channel, chunk, sizeof(chunk))) > 0) {
		n = (ssize_t)MIN((size_t)n, l->noise_left);
		l->noise_left -= (size_t)n;
		if (n)
			link_report_send(l->control, LINK_STDERR, chunk, (size_t)n);
		p->moved = true;
	}
}

static void report_end(struct pump *p)
{
	char *sig = NULL, text[64];
	size_t sig_len = 0;

	link_proxy_noise(p->l);
	libssh2_channel_get_exit_signal(p->l->channel, &sig, &sig_len, NULL, NULL, NULL, NULL);
	if (sig && sig_len)
		snprintf(text, sizeof(text), "signal %.20s", sig);
	else
		snprintf(text, sizeof(text), "%d", libssh2_channel_get_exit_status(p->l->channel));
	link_report_send(p->l->control, LINK_ENDED, text, strlen(text));
}

/* After the target's end of file: its exit status comes with the closing of the channel. */
static bool finish(struct pump *p)
{
	struct link *l = p->l;

	l->deadline = clock_mono_ns() + CLOSE_NS;
	if (LINK_CALL(l, libssh2_channel_wait_closed(l->channel)) == LIBSSH2_ERROR_SOCKET_DISCONNECT && !p->eof_sent)
		return lost(p, "the connection broke");
	forward_stderr(p);
	report_end(p);
	l->deadline = clock_mono_ns() + NS_PER_S;
	LINK_CALL(l, libssh2_session_disconnect(l->session, "done"));
	link_flush(l);
	return true;
}

static bool keep_alive(struct pump *p)
{
	struct link *l = p->l;
	int64_t now = clock_mono_ns();
	int next;

	if (now >= p->next_keepalive) {
		if (libssh2_keepalive_send(l->session, &next) < 0 && l->broken)
			return lost(p, "the connection broke");
		p->next_keepalive = now + KEEPALIVE_S * NS_PER_S / 3;
	}
	if (now - l->last_received > SILENCE_NS) {
		struct pollfd waiting = {.fd = l->sock, .events = POLLIN};

		/* Not silence, when it is we who do not read. */
		if (poll(&waiting, 1, 0) == 0)
			return link_fail(
				l, LINK_LOST, "nothing came back for %d seconds", (int)(SILENCE_NS / NS_PER_S));
	}
	return true;
}

static bool sleep_until_ready(struct pump *p)
{
	struct link *l = p->l;
	short stream = 0, sock = 0;

	if (!p->stream_eof && lane_empty(&p->up))
		stream |= POLLIN;
	if (!lane_empty(&p->down))
		stream |= POLLOUT;
	/* While the mover does not take what came, the socket is left alone, unless we wait for its window. */
	if (lane_empty(&p->down) || !lane_empty(&p->up) || (p->stream_eof && !p->eof_sent))
		sock |= POLLIN;
	if (l->out.len - l->out_head)
		sock |= POLLOUT;
	if (sock & POLLOUT && l->out.len - l->out_head >= HIGH_WATER && !lane_empty(&p->down))
		sock &= ~POLLIN; /* nothing would read it */

	struct pollfd fds[3] = {{.fd = stream ? l->stream : -1, .events = stream},
		{.fd = sock ? l->sock : -1, .events = sock}, {.fd = l->proxy_err, .events = POLLIN}};

	if (poll(fds, 3, 2000) < 0 && errno != EINTR)
		return link_fail(l, LINK_LOCAL, "poll: %s", strerror(errno));
	if (fds[2].revents)
		link_proxy_noise(l);
	return true;
}

static bool turn(struct pump *p)
{
	uint64_t before = p->l->received;

	p->moved = false;
	link_flush(p->l);
	if (p->l->broken)
		return link_fail(p->l, LINK_LOST, "the connection broke");
	fill_up(p);
	if (!drain_up(p) || !fill_down(p))
		return false;
	forward_stderr(p);
	drain_down(p);
	if (!keep_alive(p))
		return false;
	/* Bytes that came may have opened the window behind the writer's back: try again before sleeping. */
	if (p->moved || p->l->received != before)
		return true;
	return sleep_until_ready(p);
}

bool link_pump(struct link *l)
{
	struct pump p = {.l = l, .up.data = xmalloc(CHUNK), .down.data = xmalloc(CHUNK)};
	bool ok = true;

	libssh2_keepalive_config(l->session, 1, KEEPALIVE_S);
	p.next_keepalive = clock_mono_ns() + KEEPALIVE_S * NS_PER_S;
	while (ok && !(p.remote_eof && lane_empty(&p.down))) {
		ok = turn(&p);
		if (ok && p.eof_sent && clock_mono_ns() - p.closing > CLOSE_NS) {
			report_end(&p); /* the target does not end: it is left to its sshd */
			break;
		}
	}
	if (ok && p.remote_eof) {
		drain_down(&p);
		ok = finish(&p);
	}
	free(p.up.data);
	free(p.down.data);
	return ok;
}
