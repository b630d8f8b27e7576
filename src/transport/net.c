/* TCP: every address tried, silent death noticed, and HTTP proxies. */
#include "transport/net.h"
#include "transport/address.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(struct net_error *e, enum link_report kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int fail(struct net_error *e, enum link_report kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

static bool wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = deadline - clock_mono_ns();
		int n;

		if (left <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		n = poll(&p, 1, (int)(left / NS_PER_MS) + 1);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

/* Small answers at once; a peer that is gone is noticed within about a minute, whether we send or wait. */
static void tune(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {{IPPROTO_TCP, TCP_NODELAY, 1}, {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 20},
		{IPPROTO_TCP, TCP_KEEPINTVL, 10}, {IPPROTO_TCP, TCP_KEEPCNT, 4}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 60000},
		{IPPROTO_TCP, TCP_NOTSENT_LOWAT, 256 << 10}}; /* what waits here could still be compressed, or held */

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
			continue; /* an old kernel: SSH's own keepalive remains */
}

static int connect_one(const struct addrinfo *ai, unsigned timeout_s)
{
	AUTO_CLOSE int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	socklen_t len = sizeof(int);
	int err = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, clock_mono_ns() + (int64_t)timeout_s * NS_PER_S))
			return -1;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
			return -1;
		if (err) {
			errno = err;
			return -1;
		}
	}
	tune(fd);
	err = fd;
	fd = -1;
	return err;
}

static int connect_direct(const char *host, unsigned port, int family, unsigned timeout_s, enum link_report unresolved,
	enum link_report unreachable, struct net_error *e)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list;
	char service[16], where[NI_MAXHOST] = "";
	int rc, fd = -1, err = 0;

	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc == EAI_ADDRFAMILY || rc == EAI_NONAME) { /* AI_ADDRCONFIG hides loopback addresses on isolated hosts */
		hints.ai_flags = 0;
		rc = getaddrinfo(host, service, &hints, &list);
	}
	if (rc)
		return fail(e, unresolved, "cannot resolve '%s': %s", host,
			rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next) {
		fd = connect_one(ai, timeout_s);
		if (fd >= 0)
			break;
		err = errno;
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen, where, sizeof(where), NULL, 0, NI_NUMERICHOST))
			snprintf(where, sizeof(where), "%s", host);
	}
	freeaddrinfo(list);
	if (fd < 0)
		return fail(e, unreachable, "cannot connect to %.200s port %u: %s", where, port, strerror(err));
	return fd;
}

bool net_proxy_parse(const char *text, char **out_host, unsigned *out_port)
{
	struct address a;
	size_t n;
	bool ok;

	if (strncasecmp(text, "http://", 7) == 0)
		text += 7;
	n = strlen(text);
	while (n && text[n - 1] == '/')
		n--;
	AUTO_FREE char *clean = xmemdup(text, n);
	if (!address_parse(clean, &a))
		return false;
	ok = a.host && a.port && !a.user;
	if (ok) {
		*out_host = STEAL(a.host);
		*out_port = a.port;
	}
	address_release(&a);
	return ok;
}

unsigned net_http_status(const char *text, size_t n)
{
	unsigned status = 0;

	if (n < 12 || strncmp(text, "HTTP/1.", 7) != 0 || text[8] != ' ')
		return 0;
	for (size_t i = 9; i < 12; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(text[i] - '0');
	}
	return status;
}

/* Reads the head of the proxy's answer, byte by byte: what follows it belongs to SSH. */
static bool read_head(int fd, int64_t deadline, char *head, size_t max, size_t *out_n)
{
	size_t n = 0;

	while (n < max) {
		ssize_t r;

		if (!wait_for(fd, POLLIN, deadline))
			return false;
		r = recv(fd, head + n, 1, 0);
		if (r < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (r <= 0) {
			if (r == 0)
				errno = ECONNRESET;
			return false;
		}
		n++;
		if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0) {
			*out_n = n;
			return true;
		}
	}
	errno = EPROTO;
	return false;
}

bool net_tunnel(int fd, const char *host, unsigned port, unsigned timeout_s, const char *proxy, struct net_error *e)
{
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_s * NS_PER_S;
	AUTO_FREE char *where = xasprintf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
	AUTO_FREE char *request = xasprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", where, where);
	char head[8192];
	size_t n;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request) ||
		!read_head(fd, deadline, head, sizeof(head), &n)) {
		fail(e, LINK_PROXY, "the proxy %s does not answer: %s", proxy, strerror(errno));
		return false;
	}
	if (net_http_status(head, n) / 100 != 2) {
		size_t line = 0;

		while (line < n && head[line] != '\r' && head[line] != '\n')
			line++;
		fail(e, LINK_PROXY, "the proxy %s answers '%.*s'", proxy, (int)MIN(line, (size_t)200), head);
		return false;
	}
	return true;
}

int net_open(
	const char *host, unsigned port, int family, unsigned timeout_s, const char *http_proxy, struct net_error *e)
{
	AUTO_FREE char *proxy_host = NULL;
	unsigned proxy_port;

	if (!http_proxy)
		return connect_direct(host, port, family, timeout_s, LINK_RESOLVE, LINK_UNREACHABLE, e);
	if (!net_proxy_parse(http_proxy, &proxy_host, &proxy_port))
		return fail(e, LINK_PROXY, "cannot read the proxy's address '%s'", http_proxy);
	return connect_direct(proxy_host, proxy_port, AF_UNSPEC, timeout_s, LINK_PROXY, LINK_PROXY, e);
}

int net_connect(
	const char *host, unsigned port, int family, unsigned timeout_s, const char *http_proxy, struct net_error *e)
{
	int fd = net_open(host, port, family, timeout_s, http_proxy, e);

	if (fd < 0 || !http_proxy || net_tunnel(fd, host, port, timeout_s, http_proxy, e))
		return fd;
	close(fd);
	return -1;
}

/* ---- the relay that ssh uses as its ProxyCommand ---- */

struct pipe_half {
	int from, to;
	size_t pos, len;
	bool eof;
	char data[65536];
};

static bool half_move(struct pipe_half *h)
{
	ssize_t n;

	if (h->pos == h->len) {
		n = read(h->from, h->data, sizeof(h->data));
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		h->pos = 0;
		h->len = (size_t)n;
		h->eof = n == 0;
	}
	while (h->pos < h->len) {
		n = write(h->to, h->data + h->pos, h->len - h->pos);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		h->pos += (size_t)n;
	}
	return true;
}

static int relay(int sock)
{
	static struct pipe_half up, down;

	up.from = STDIN_FILENO;
	up.to = down.from = sock;
	down.to = STDOUT_FILENO;
	for (;;) {
		struct pollfd p[3] = {{.fd = up.eof || up.pos < up.len ? -1 : up.from, .events = POLLIN},
			{.fd = sock,
				.events =
					(short)((down.pos == down.len ? POLLIN : 0) | (up.pos < up.len ? POLLOUT : 0))},
			{.fd = down.pos < down.len ? down.to : -1, .events = POLLOUT}};

		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return 1;
		if ((p[0].revents || p[1].revents & POLLOUT) && !half_move(&up))
			return 1;
		if (up.eof && up.pos == up.len)
			shutdown(sock, SHUT_WR);
		if ((p[1].revents & ~POLLOUT || p[2].revents) && !half_move(&down))
			return 1;
		if (down.eof)
			return 0;
	}
}

/* ssh goes on with the socket alone; the coordinator measures it. */
static int hand_over(int sock)
{
	fd_set_nonblock(sock, false);
	if (fd_send_fds(STDOUT_FILENO, &sock, 1) < 0)
		return EXIT_FAILED;
	return fd_send_fds(STDERR_FILENO, &sock, 1) < 0 ? EXIT_FAILED : EXIT_DONE;
}

int net_relay_main(void)
{
	const char *proxy = getenv(NET_RELAY_PROXY), *target = getenv(NET_RELAY_TARGET),
		   *family = getenv(NET_RELAY_FAMILY);
	struct net_error e = {};
	struct address a;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	if (!address_parse(target, &a) || !a.host)
		return EXIT_CONFIG_ERROR;
	fd = net_connect(a.host, a.port, family ? atoi(family) : AF_UNSPEC, 60, proxy, &e);
	address_release(&a);
	if (fd < 0) {
		fprintf(stderr, "rehost: %s: %s\n", proxy ? "proxy" : "connect", e.text);
		return EXIT_UNREACHABLE;
	}
	return getenv(NET_RELAY_SOCKET) ? hand_over(fd) : relay(fd);
}
