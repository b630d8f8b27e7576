/* The link's socket, as libssh2 sees it and as we wait for it; and how the link says why it ends. */
#include "transport/link.h"
#include "base/clock.h"

#include <errno.h>
#include <libssh2.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

/* Passes on what the proxy command says on its stderr, bounded. */
void link_proxy_noise(struct link *l)
{
	char chunk[2048];
	ssize_t n;

	while (l->proxy_err >= 0 && (n = read(l->proxy_err, chunk, sizeof(chunk))) != 0) {
		if (n < 0)
			return;
		n = (ssize_t)MIN((size_t)n, l->noise_left);
		l->noise_left -= (size_t)n;
		if (n)
			link_report_send(l->control, LINK_STDERR, chunk, (size_t)n);
	}
	if (l->proxy_err >= 0) {
		close(l->proxy_err);
		l->proxy_err = -1;
	}
}

bool link_fail(struct link *l, enum link_report type, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	link_proxy_noise(l);
	link_report_send(l->control, type, text, strlen(text));
	free(text);
	return false;
}

bool link_fail_ssh(struct link *l, enum link_report type, const char *what)
{
	char *msg = NULL;

	if (libssh2_session_last_error(l->session, &msg, NULL, 0) == 0 || !msg || !*msg)
		return link_fail(l, type, "%s", what);
	return link_fail(l, type, "%s: %s", what, msg);
}

/*
 * libssh2 must never see a write that is short: a rekey in that moment deadlocks it, and another packet
 * fails. So every packet is accepted; what the socket does not take waits here, and the pump stops feeding
 * above a mark.
 */
static ssize_t on_send(libssh2_socket_t sock, const void *data, size_t n, int flags, void **abstract)
{
	struct link *l = *abstract;
	ssize_t sent = 0;

	if (sock != l->sock) { /* the agent's socket comes through here too */
		sent = send(sock, data, n, MSG_NOSIGNAL);
		return sent < 0 ? -errno : sent;
	}
	if (l->broken)
		return -EPIPE;
	if (l->out.len == l->out_head) {
		sent = send(sock, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			l->broken = true;
			return -errno;
		}
		sent = MAX(sent, (ssize_t)0);
	}
	buf_append(&l->out, (const uint8_t *)data + sent, n - (size_t)sent);
	return (ssize_t)n;
}

static ssize_t on_recv(libssh2_socket_t sock, void *data, size_t n, int flags, void **abstract)
{
	struct link *l = *abstract;
	ssize_t got;

	do {
		got = recv(sock, data, n, sock == l->sock ? MSG_DONTWAIT : 0);
	} while (got < 0 && errno == EINTR);
	if (sock == l->sock && (got == 0 || (got < 0 && errno != EAGAIN)))
		l->ended = true;
	if (got < 0)
		return -errno;
	if (sock != l->sock)
		return got;
	l->received += (uint64_t)got;
	if (got > 0)
		l->last_received = clock_mono_ns();
	return got;
}

static LIBSSH2_DISCONNECT_FUNC(on_disconnect)
{
	struct link *l = *abstract;

	(void)session;
	(void)reason;
	(void)message;
	(void)message_len;
	(void)language;
	(void)language_len;
	l->dismissed = true;
}

void link_callbacks(struct link *l)
{
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_SEND, (void *)on_send);
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_RECV, (void *)on_recv);
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_DISCONNECT, (void *)on_disconnect);
	libssh2_session_set_blocking(l->session, 0);
}

void link_flush(struct link *l)
{
	while (l->out_head < l->out.len && !l->broken) {
		ssize_t n =
			send(l->sock, l->out.data + l->out_head, l->out.len - l->out_head, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			l->broken = true;
			break;
		}
		l->out_head += (size_t)n;
	}
	if (l->out_head == l->out.len) {
		buf_clear(&l->out);
		l->out_head = 0;
	} else if (l->out_head > 1u << 20) {
		buf_consume(&l->out, l->out_head);
		l->out_head = 0;
	}
}

bool link_wait(struct link *l)
{
	for (;;) {
		int64_t left = l->deadline - clock_mono_ns();
		struct pollfd p[2] = {{.fd = l->sock, .events = POLLIN}, {.fd = l->proxy_err, .events = POLLIN}};

		link_flush(l);
		if (l->broken)
			return true; /* the next call of libssh2 says so */
		if (left <= 0)
			return false;
		if (l->out.len)
			p[0].events |= POLLOUT;
		if (poll(p, 2, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR)
			return false;
		if (p[1].revents)
			link_proxy_noise(l);
		link_flush(l);
		if (p[0].revents & ~POLLOUT)
			return true;
	}
}
