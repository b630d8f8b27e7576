/*
 * The link: the process that speaks SSH with libssh2, between the mover's stream and the target. It reads
 * keys and known_hosts first, gives up every right once it is logged in, and never sees a file of the source.
 */
#include "transport/internal.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SPEC_MAX (1u << 20)
#define WINDOW (4u << 20) /* what the target may send ahead of us */
#define PACKET 32768

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

/* ---- the socket ---- */

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

/* A jump through ssh -W, or a ProxyCommand: its stdin and stdout are the connection. */
static bool start_proxy(struct link *l)
{
	struct child c = CHILD_INIT;
	int pair[2], err[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return link_fail(l, LINK_LOCAL, "socketpair: %s", strerror(errno));
	if (pipe2(err, O_CLOEXEC | O_NONBLOCK) < 0) {
		close(pair[0]);
		close(pair[1]);
		return link_fail(l, LINK_LOCAL, "pipe: %s", strerror(errno));
	}
	socket_enlarge(pair[0]);
	socket_enlarge(pair[1]);
	c.argv = l->spec->proxy_argv.v;
	c.fd[0] = c.fd[1] = pair[1];
	c.fd[2] = err[1];
	l->sock = pair[0];
	l->proxy_err = err[0];
	l->proxy = child_start(&c);
	close(pair[1]);
	close(err[1]);
	if (l->proxy < 0)
		return link_fail(l, LINK_UNSUPPORTED, "cannot run '%s': %s", c.argv[0], strerror(errno));
	return fd_set_nonblock(l->sock, true) == 0 || link_fail(l, LINK_LOCAL, "fcntl: %s", strerror(errno));
}

static bool connect_target(struct link *l)
{
	const struct link_spec *s = l->spec;
	struct net_error e = {};

	if (s->proxy_argv.n)
		return start_proxy(l);
	l->sock = net_connect(s->hostname, s->port, s->family, s->connect_timeout, s->http_proxy, &e);
	if (l->sock < 0)
		return link_fail(l, e.kind, "%s", e.text);
	if (s->want_tcp)
		(void)fd_send_fds(l->control, &l->sock, 1); /* only measuring does without it */
	return true;
}

/* ---- the session ---- */

static bool supported(struct link *l, int what, const char *method, size_t len)
{
	const char **list;
	int n = libssh2_session_supported_algs(l->session, what, &list);
	bool found = false;

	for (int i = 0; i < n; i++)
		found = found || (strlen(list[i]) == len && strncmp(list[i], method, len) == 0);
	if (n > 0)
		libssh2_free(l->session, list);
	return found;
}

/* Leaves out what this libssh2 does not know: its own way of doing so copies overlapping memory (1.10). */
static bool prefer(struct link *l, int what, const char *list)
{
	AUTO_BUF known = BUF_INIT;

	while (*list) {
		size_t len = strcspn(list, ",");

		if (supported(l, what, list, len)) {
			if (known.len)
				buf_append_u8(&known, ',');
			buf_append(&known, list, len);
		}
		list += len + (list[len] ? 1 : 0);
	}
	if (!known.len)
		return link_fail(l, LINK_UNSUPPORTED, "this libssh2 knows none of the SSH methods that are sound");
	return libssh2_session_method_pref(l->session, what, buf_cstr(&known)) == 0 ||
		link_fail_ssh(l, LINK_UNSUPPORTED, "SSH methods");
}

/* The types known_hosts holds for this host, and only those; when it holds none, all that are sound. */
static bool prefer_host_keys(struct link *l, const struct known *k)
{
	static const struct {
		const char *method, *type;
	} methods[] = {{"ssh-ed25519", "ssh-ed25519"}, {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"},
		{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"}, {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"},
		{"rsa-sha2-512", "ssh-rsa"}, {"rsa-sha2-256", "ssh-rsa"}};
	AUTO_BUF list = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const char *method = methods[i].method;

		if ((!k->count || known_has_type(k, methods[i].type)) &&
			supported(l, LIBSSH2_METHOD_HOSTKEY, method, strlen(method)))
			buf_printf(&list, "%s%s", list.len ? "," : "", method);
	}
	if (!list.len)
		return link_fail(
			l, LINK_UNSUPPORTED, "known_hosts holds no key of a type libssh2 knows for '%s'", k->name);
	return prefer(l, LIBSSH2_METHOD_HOSTKEY, buf_cstr(&list));
}

#define CIPHERS "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr,aes192-ctr"
#define MACS "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"

static bool prefer_methods(struct link *l, const struct known *k)
{
	static const struct {
		int what;
		const char *list;
	} prefs[] = {
		{LIBSSH2_METHOD_KEX,
			"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-"
			"sha2-nistp384,"
			"ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-"
			"group16-sha512,"
			"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"},
		{LIBSSH2_METHOD_CRYPT_CS, CIPHERS},
		{LIBSSH2_METHOD_CRYPT_SC, CIPHERS},
		{LIBSSH2_METHOD_MAC_CS, MACS},
		{LIBSSH2_METHOD_MAC_SC, MACS},
		{LIBSSH2_METHOD_COMP_CS, "none"},
		{LIBSSH2_METHOD_COMP_SC, "none"},
	};

	for (size_t i = 0; i < ARRAY_LEN(prefs); i++)
		if (!prefer(l, prefs[i].what, prefs[i].list))
			return false;
	return prefer_host_keys(l, k);
}

/* Before the server has spoken, it is not there; afterwards a failure means that it and libssh2 do not agree.
 */
static bool handshake_failed(struct link *l, int rc)
{
	if (rc == LIBSSH2_ERROR_TIMEOUT)
		return link_fail(
			l, LINK_UNREACHABLE, "the server does not answer in %u seconds", l->spec->connect_timeout);
	if (!libssh2_session_banner_get(l->session) || rc == LIBSSH2_ERROR_BANNER_RECV ||
		rc == LIBSSH2_ERROR_BANNER_SEND)
		return link_fail_ssh(l, LINK_UNREACHABLE, "no SSH server answers, or it refuses new connections");
	return link_fail_ssh(l, LINK_UNSUPPORTED, "no agreement on SSH methods");
}

static void limit_time(struct link *l, unsigned seconds)
{
	l->deadline = clock_mono_ns() + (int64_t)seconds * NS_PER_S;
}

static bool open_session(struct link *l)
{
	const struct link_spec *s = l->spec;
	struct known known;
	bool ok;
	int rc;

	known_load(&known, &s->known_files, s->hostname, s->port, s->key_name);
	ok = prefer_methods(l, &known);
	if (ok) {
		limit_time(l, s->connect_timeout);
		rc = LINK_CALL(l, libssh2_session_handshake(l->session, l->sock));
		ok = rc == 0 || handshake_failed(l, rc);
	}
	ok = ok && link_check_host_key(l, &known);
	known_release(&known);
	if (!ok)
		return false;
	limit_time(l, MAX(60u, s->connect_timeout));
	return link_authenticate(l);
}

static bool open_channel(struct link *l)
{
	const char *command = l->spec->command;
	int rc;

	limit_time(l, MAX(60u, l->spec->connect_timeout));
	for (;;) {
		l->channel = libssh2_channel_open_ex(l->session, "session", 7, WINDOW, PACKET, NULL, 0);
		if (l->channel)
			break;
		if (libssh2_session_last_errno(l->session) != LIBSSH2_ERROR_EAGAIN || !link_wait(l))
			return link_fail_ssh(l, LINK_LOST, "cannot open a channel");
	}
	rc = LINK_CALL(l, libssh2_channel_process_startup(l->channel, "exec", 4, command, (unsigned)strlen(command)));
	return rc == 0 || link_fail_ssh(l, LINK_UNSUPPORTED, "the server does not run the command");
}

static bool confine(struct link *l)
{
	AUTO_BUF note = BUF_INIT;
	AUTO_BUF text = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;

	if (confine_link(&note, &d))
		return true;
	diag_format(&text, &d);
	return link_fail(l, LINK_LOCAL, "%s", buf_cstr(&text));
}

static bool run(struct link *l)
{
	if (libssh2_init(0) != 0)
		return link_fail(l, LINK_UNSUPPORTED, "libssh2 cannot be initialised");
	l->session = libssh2_session_init_ex(NULL, NULL, NULL, l);
	if (!l->session)
		return link_fail(l, LINK_LOCAL, "out of memory");
	if (!connect_target(l))
		return false;
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_SEND, (void *)on_send);
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_RECV, (void *)on_recv);
	libssh2_session_callback_set(l->session, LIBSSH2_CALLBACK_DISCONNECT, (void *)on_disconnect);
	libssh2_session_set_blocking(l->session, 0);
	if (!open_session(l) || !open_channel(l) || !confine(l))
		return false;
	link_report_send(l->control, LINK_CONNECTED, "", 0);
	return link_pump(l);
}

static bool read_spec(int control, struct link_spec *spec)
{
	AUTO_BUF packed = BUF_INIT;
	uint32_t n;

	if (fd_read_full(control, &n, sizeof(n)) != sizeof(n) || n > SPEC_MAX)
		return false;
	return fd_read_full(control, buf_extend(&packed, n), n) == (ssize_t)n && link_spec_unpack(spec, packed.data, n);
}

int transport_link_main(int stream_fd, int control_fd)
{
	struct link_spec spec;
	struct link l = {.spec = &spec,
		.stream = stream_fd,
		.control = control_fd,
		.sock = -1,
		.proxy_err = -1,
		.noise_left = 32768,
		.last_received = clock_mono_ns()};
	bool ok;

	if (getenv(NET_RELAY_TARGET) && stream_fd == 0 && control_fd == 1)
		return net_relay_main();
	signal(SIGPIPE, SIG_IGN);
	fd_set_cloexec(stream_fd, true);
	fd_set_cloexec(control_fd, true);
	if (!read_spec(control_fd, &spec))
		return EXIT_FAILED;
	ok = run(&l);
	l.broken = true; /* freeing says good-bye, which must not wait for the network */
	if (l.session)
		libssh2_session_free(l.session);
	buf_release(&l.out);
	link_spec_release(&spec);
	return ok ? EXIT_DONE : EXIT_UNREACHABLE;
}
