/*
 * The link: the process that speaks SSH with libssh2, between the mover's stream and the target. It reads keys and
 * known_hosts, connects, and gives up root's rights before it reads the first byte of the other side; once it is logged in
 * it opens no file any more. It never sees a file of the source.
 */
#include "transport/link.h"
#include "transport/child.h"
#include "transport/net.h"
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

/* ---- the connection ---- */

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
	l->sock = net_open(s->hostname, s->port, s->family, s->connect_timeout, s->http_proxy, &e);
	if (l->sock < 0)
		return link_fail(l, e.kind, "%s", e.text);
	if (s->want_tcp)
		(void)fd_send_fds(l->control, &l->sock, 1); /* only measuring does without it */
	return true;
}

static bool tunnel(struct link *l)
{
	const struct link_spec *s = l->spec;
	struct net_error e = {};

	return s->proxy_argv.n || !s->http_proxy ||
		net_tunnel(l->sock, s->hostname, s->port, s->connect_timeout, s->http_proxy, &e) ||
		link_fail(l, e.kind, "%s", e.text);
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

/* Before the server has spoken, it is not there; afterwards a failure means that it and libssh2 do not agree. */
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

static bool open_session(struct link *l, struct link_keys *keys)
{
	const struct link_spec *s = l->spec;
	int rc;

	if (!prefer_methods(l, &keys->known))
		return false;
	limit_time(l, s->connect_timeout);
	rc = LINK_CALL(l, libssh2_session_handshake(l->session, l->sock));
	if (rc != 0)
		return handshake_failed(l, rc);
	if (!link_check_host_key(l, keys))
		return false;
	limit_time(l, MAX(60u, s->connect_timeout));
	return link_authenticate(l, keys);
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

static bool confine(struct link *l, bool (*how)(struct buf *out_note, struct diag *d))
{
	AUTO_BUF note = BUF_INIT;
	AUTO_BUF text = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;

	if (how(&note, &d))
		return true;
	diag_format(&text, &d);
	return link_fail(l, LINK_LOCAL, "%s", buf_cstr(&text));
}

static bool log_in(struct link *l)
{
	struct link_keys keys = LINK_KEYS_INIT;
	bool ok = link_keys_gather(l, &keys) && connect_target(l) && confine(l, confine_handshake) && tunnel(l) &&
		open_session(l, &keys);

	link_keys_release(&keys);
	return ok;
}

static bool run(struct link *l)
{
	if (libssh2_init(0) != 0)
		return link_fail(l, LINK_UNSUPPORTED, "libssh2 cannot be initialised");
	l->session = libssh2_session_init_ex(NULL, NULL, NULL, l);
	if (!l->session)
		return link_fail(l, LINK_LOCAL, "out of memory");
	link_callbacks(l);
	if (!log_in(l) || !open_channel(l) || !confine(l, confine_link))
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
