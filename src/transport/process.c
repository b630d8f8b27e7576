/* The process behind a connection: started, listened to, and asked why it ended. */
#include "transport/child.h"
#include "transport/internal.h"
#include "transport/net.h"
#include "transport/script.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_NS (2 * NS_PER_S)
#define KILLED_NS NS_PER_S /* what waits for a disk cannot die before that answers: it is left to init */

static bool start_failed(struct diag *d, const char *what)
{
	diag_set(d, DIAG_TRANSPORT_START, errno, NULL, "cannot start the connection: %s", what);
	return false;
}

/* The executable's name as a word for the shell that ssh starts its ProxyCommand in. */
static bool relay_command(struct buf *out)
{
	char self[4096];
	AUTO_BUF quoted = BUF_INIT;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return false;
	self[n] = '\0';
	shell_quote(&quoted, self);
	for (size_t i = 0; i < quoted.len; i++) {
		buf_append_u8(out, quoted.data[i]);
		if (quoted.data[i] == '%')
			buf_append_u8(out, '%');
	}
	buf_append_str(out, " --role=link 0 1");
	return true;
}

/* ssh_config quotes with "..." and knows no way to write a quote inside; such a path is rejected by ssh, not
 * misread. */
static void add_path_option(struct strv *argv, const char *key, const char *path)
{
	strv_addf(argv, strpbrk(path, " \t") ? "-o%s=\"%s\"" : "-o%s=%s", key, path);
}

/* Whether ssh's connection can be one that we make, just as it would have been. */
static bool socket_ours(const struct transport *t)
{
	const struct ssh_settings *s = &t->settings;

	return t->want_tcp && s->told && !s->special && (t->http_proxy || (!s->proxy_jump && !s->proxy_command));
}

/* Our own ProxyCommand: for the HTTP proxy, and to have the socket. */
static bool add_relay(const struct transport *t, struct strv *argv, struct strv *env)
{
	const struct ssh_settings *s = &t->settings;
	AUTO_BUF relay = BUF_INIT;

	if (!t->http_proxy && !socket_ours(t))
		return true;
	if (!relay_command(&relay))
		return false;
	strv_addf(argv, "-oProxyCommand=%s", buf_cstr(&relay));
	strv_addf(env, strchr(s->hostname, ':') ? NET_RELAY_TARGET "=[%s]:%u" : NET_RELAY_TARGET "=%s:%u", s->hostname,
		s->port);
	if (t->http_proxy)
		strv_addf(env, NET_RELAY_PROXY "=%s", t->http_proxy);
	else
		strv_addf(env, NET_RELAY_FAMILY "=%d", s->family);
	if (socket_ours(t)) {
		strv_add(argv, "-oProxyUseFdpass=yes");
		strv_add(env, NET_RELAY_SOCKET "=1");
	}
	return true;
}

static bool ssh_argv(const struct transport *t, struct strv *argv, struct strv *env)
{
	static const char *const fixed[] = {"-T", "-x", "-a", "-oClearAllForwardings=yes", "-oPermitLocalCommand=no",
		"-oControlMaster=no", "-oControlPath=none", "-oEscapeChar=none", "-oServerAliveInterval=15",
		"-oServerAliveCountMax=3", "-oTCPKeepAlive=yes", "-oCompression=no"};

	strv_add_all(argv, &t->ssh_words);
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(argv, fixed[i]);
	strv_addf(argv, "-oBatchMode=%s", t->batch ? "yes" : "no");
	strv_addf(argv, "-oConnectTimeout=%u", t->connect_timeout);
	strv_addf(argv, "-oStrictHostKeyChecking=%s",
		t->settings.host_key == HOST_KEY_STRICT               ? "yes"
			: t->settings.host_key == HOST_KEY_ACCEPT_NEW ? "accept-new"
								      : "no");
	if (t->known_hosts) {
		add_path_option(argv, "UserKnownHostsFile", t->known_hosts);
		strv_add(argv, "-oGlobalKnownHostsFile=/dev/null");
	}
	/* Not -i: that leaves out a key of which only the public half is a file and the agent holds the other. */
	for (size_t i = 0; i < t->identity.n; i++)
		add_path_option(argv, "IdentityFile", t->identity.v[i]);
	if (t->identity.n)
		strv_add(argv, "-oIdentitiesOnly=yes");
	if (!add_relay(t, argv, env))
		return false;
	if (t->port) {
		strv_add(argv, "-p");
		strv_addf(argv, "%u", t->port);
	}
	if (t->user) {
		strv_add(argv, "-l");
		strv_add(argv, t->user);
	}
	strv_add(argv, t->host);
	strv_add(argv, BOOT_COMMAND);
	return true;
}

static bool start_ssh(struct transport *t, int stream, struct transport_conn *out, struct diag *d)
{
	AUTO_STRV argv = {};
	AUTO_STRV env = {};
	struct child c = CHILD_INIT;
	int err[2];

	strv_add(&env, "LC_ALL=C");
	if (!ssh_argv(t, &argv, &env))
		return start_failed(d, "/proc/self/exe");
	out->want_tcp = socket_ours(t);
	if ((out->want_tcp ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, err) : pipe2(err, O_CLOEXEC)) < 0)
		return start_failed(d, "pipe");
	c.argv = argv.v;
	c.env = &env;
	c.fd[0] = c.fd[1] = stream;
	c.fd[2] = err[1];
	c.own_group = t->batch;
	c.ignore_int = !t->batch;
	out->pid = child_start(&c);
	if (out->pid < 0)
		diag_set(d, DIAG_TRANSPORT_NO_SSH, errno, NULL, "cannot run '%s'", argv.v[0]);
	close(err[1]);
	out->err_fd = err[0];
	return out->pid > 0;
}

static bool start_link(struct transport *t, int stream, struct transport_conn *out, struct diag *d)
{
	char *argv[] = {(char *)"rehost", (char *)"--role=link", (char *)"3", (char *)"4", NULL};
	struct child c = CHILD_INIT;
	struct link_spec spec;
	AUTO_FREE char *reason = NULL;
	AUTO_BUF packed = BUF_INIT;
	uint32_t len;
	int control[2];

	if (!link_spec_from(t, &spec, &reason)) { /* choose_kind() has asked before */
		link_spec_release(&spec);
		diag_set(d, DIAG_TRANSPORT_LIBSSH2_UNSUITED, 0, NULL, "libssh2 cannot connect to '%s': %s", t->host,
			reason);
		return false;
	}
	out->want_tcp = spec.want_tcp;
	link_spec_pack(&spec, &packed);
	link_spec_release(&spec);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0)
		return start_failed(d, "socketpair");
	c.argv = argv;
	c.path = "/proc/self/exe";
	c.fd[3] = stream;
	c.fd[4] = control[1];
	c.own_group = true;
	out->pid = child_start(&c);
	close(control[1]);
	out->err_fd = control[0];
	if (out->pid < 0)
		return start_failed(d, "the link");
	len = (uint32_t)packed.len;
	if (fd_write_full(control[0], &len, sizeof(len)) < 0 || fd_write_full(control[0], packed.data, packed.len) < 0)
		return start_failed(d, "the link");
	return true;
}

static bool start_local(
	struct transport *t, const struct transport_receiver *r, int stream, struct transport_conn *out, struct diag *d)
{
	const char *path = r->helper && !str_eq(r->helper, "auto") ? r->helper : transport_helper_path();
	AUTO_FREE char *args = receiver_args(r);
	AUTO_STRV argv = {};
	struct child c = CHILD_INIT;
	int err[2];

	if (!path) {
		diag_set(d, DIAG_TRANSPORT_NO_HELPER, 0, NULL, "cannot find 'rehost-receiver'");
		return false;
	}
	if (r->sudo || t->sudo)
		strv_split(&argv, "sudo -n --", 10);
	strv_add(&argv, path);
	strv_split(&argv, args, strlen(args));
	if (pipe2(err, O_CLOEXEC) < 0)
		return start_failed(d, "pipe");
	c.argv = argv.v;
	c.fd[0] = c.fd[1] = stream;
	c.fd[2] = err[1];
	c.own_group = true;
	out->pid = child_start(&c);
	close(err[1]);
	out->err_fd = err[0];
	if (out->pid < 0) {
		diag_set(d, DIAG_TRANSPORT_HELPER_MISSING, errno, path, "cannot execute '%s'", argv.v[0]);
		return false;
	}
	return true;
}

bool transport_start(
	struct transport *t, const struct transport_receiver *r, struct transport_conn *out, struct diag *d)
{
	int pair[2];
	bool ok;

	*out = (struct transport_conn){.fd = -1, .err_fd = -1, .pid = -1, .tcp_fd = -1, .kind = t->kind};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return start_failed(d, "socketpair");
	socket_enlarge(pair[0]);
	socket_enlarge(pair[1]);
	out->fd = pair[0];
	if (t->kind == TRANSPORT_LOCAL)
		ok = start_local(t, r, pair[1], out, d);
	else if (t->kind == TRANSPORT_SSH)
		ok = start_ssh(t, pair[1], out, d);
	else
		ok = start_link(t, pair[1], out, d);
	close(pair[1]);
	if (ok && fd_set_nonblock(out->err_fd, true) < 0)
		ok = start_failed(d, "fcntl");
	if (!ok)
		transport_conn_release(out);
	return ok;
}

void transport_conn_release(struct transport_conn *conn)
{
	int status;

	cleanup_close(&conn->fd);
	cleanup_close(&conn->err_fd);
	cleanup_close(&conn->tcp_fd);
	if (conn->pid > 0) {
		kill(conn->pid, SIGTERM);
		if (!child_reap(conn->pid, clock_mono_ns() + NS_PER_S, NULL, &status)) {
			kill(conn->pid, SIGKILL);
			child_reap(conn->pid, clock_mono_ns() + KILLED_NS, NULL, &status);
		}
	}
	buf_release(&conn->err);
	*conn = (struct transport_conn){.fd = -1, .err_fd = -1, .pid = -1, .tcp_fd = -1, .kind = conn->kind};
}

void transport_abandon(struct transport_conn *conn, int64_t deadline)
{
	int status;

	if (conn->pid > 0 && !child_reap(conn->pid, deadline, NULL, &status)) {
		kill(conn->pid, SIGKILL);
		child_reap(conn->pid, 0, NULL, &status);
	}
	conn->pid = -1;
	transport_conn_release(conn);
}

/* ---- why it ended ---- */

static enum result by_code(const struct diag *d)
{
	switch (d->code) {
	case DIAG_TRANSPORT_RESOLVE:
	case DIAG_TRANSPORT_UNREACHABLE:
	case DIAG_TRANSPORT_LOST:
	case DIAG_TRANSPORT_PROXY:
	case DIAG_TRANSPORT_RECEIVER:
		return RES_FAILED;
	default:
		return RES_FATAL;
	}
}

/* The receiver, or the shell before it, ended with this status (128+N: by signal N). */
static enum result receiver_ended(int status, const void *noise, size_t n, const char *name, struct diag *d)
{
	AUTO_FREE char *said = noise_excerpt(noise, n);
	const char *between = *said ? ", and said: " : "";

	if (status == 0)
		return RES_OK;
	if (strncmp(said, "sudo:", 5) == 0) {
		diag_set(d, DIAG_TRANSPORT_SUDO, 0, NULL, "sudo refused at '%s': %s", name, said);
		return RES_FATAL;
	}
	if (status > 128)
		diag_set(d, DIAG_TRANSPORT_RECEIVER, 0, NULL, "the receiver at '%s' was ended by signal %d%s%s", name,
			status - 128, between, said);
	else
		diag_set(d, DIAG_TRANSPORT_RECEIVER, 0, NULL, "the receiver at '%s' ended with status %d%s%s", name,
			status, between, said);
	return RES_FAILED;
}

static int shell_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static enum result ssh_ended(struct transport *t, struct transport_conn *conn, int status, struct diag *d)
{
	AUTO_FREE char *said = NULL;

	if (WIFEXITED(status) && WEXITSTATUS(status) != 255)
		return receiver_ended(WEXITSTATUS(status), conn->err.data, conn->err.len, t->name, d);
	if (words_classify(conn->err.data, conn->err.len, t->name, d))
		return by_code(d);
	said = noise_excerpt(conn->err.data, conn->err.len);
	diag_set(d, DIAG_TRANSPORT_LOST, 0, NULL, "the connection to '%s' was lost%s%s", t->name, *said ? ": " : "",
		said);
	return RES_FAILED;
}

static enum result fall_back(struct transport *t, const char *reason, struct diag *d)
{
	if (t->wanted == CONF_TRANSPORT_LIBSSH2) {
		diag_set(d, DIAG_TRANSPORT_LIBSSH2_UNSUITED, 0, NULL, "libssh2 cannot connect to '%s': %s", t->name,
			reason);
		return RES_FATAL;
	}
	diag_set(d, DIAG_TRANSPORT_FALLBACK, 0, NULL, "'%s' is reached through the system's ssh: %s", t->name, reason);
	t->kind = TRANSPORT_SSH;
	free(t->note);
	t->note = xstrdup(reason);
	return RES_RETRY;
}

/* A jump host's or proxy command's words explain more than "connection closed". */
static bool proxy_words(const struct link_verdict *v, const char *name, struct diag *d)
{
	return !v->connected && v->noise.len && words_classify(v->noise.data, v->noise.len, name, d);
}

static enum result link_ended(struct transport *t, const struct link_verdict *v, int status, struct diag *d)
{
	enum diag_code code = DIAG_TRANSPORT_LOST;
	const char *text = v->text ? v->text : "the process that spoke SSH ended";

	switch (v->end) {
	case LINK_ENDED:
		if (strncmp(text, "signal ", 7) != 0)
			return receiver_ended(atoi(text), v->noise.data, v->noise.len, t->name, d);
		diag_set(d, DIAG_TRANSPORT_RECEIVER, 0, NULL, "the receiver at '%s' was ended by %s", t->name, text);
		return RES_FAILED;
	case LINK_UNSUPPORTED:
		return fall_back(t, text, d);
	case LINK_AUTH:
		if (t->wanted != CONF_TRANSPORT_LIBSSH2)
			return fall_back(t, text, d);
		code = DIAG_TRANSPORT_AUTH;
		break;
	case LINK_RESOLVE:
		code = DIAG_TRANSPORT_RESOLVE;
		break;
	case LINK_UNREACHABLE:
		code = DIAG_TRANSPORT_UNREACHABLE;
		break;
	case LINK_PROXY:
		code = DIAG_TRANSPORT_PROXY;
		break;
	case LINK_KEY_CHANGED:
		code = DIAG_TRANSPORT_HOST_KEY_CHANGED;
		break;
	case LINK_KEY_UNKNOWN:
		code = DIAG_TRANSPORT_HOST_KEY_UNKNOWN;
		break;
	case LINK_KNOWN_HOSTS:
		code = DIAG_TRANSPORT_KNOWN_HOSTS;
		break;
	case LINK_LOCAL:
		code = DIAG_TRANSPORT_START;
		break;
	default:
		break;
	}
	if ((v->end == LINK_UNREACHABLE || v->end == LINK_LOST) && proxy_words(v, t->name, d)) {
		/* On a terminal ssh can ask for what the jump host wants; the link's jump could not. */
		if (!t->batch && by_code(d) == RES_FATAL && t->wanted != CONF_TRANSPORT_LIBSSH2)
			return fall_back(t, "the jump host did not let us in without a question", d);
		return by_code(d);
	}
	if (!v->end && WIFSIGNALED(status))
		diag_set(d, code, 0, NULL, "the link to '%s' was ended by signal %d", t->name, WTERMSIG(status));
	else
		diag_set(d, code, 0, NULL, "the connection to '%s' failed: %s", t->name, text);
	return by_code(d);
}

enum result transport_collect(struct transport *t, struct transport_conn *conn, struct diag *d)
{
	struct link_verdict verdict;
	enum result r;
	int status = 0;
	bool killed = false;

	cleanup_close(&conn->fd);
	conn->fd = -1;
	if (conn->pid > 0 && !child_reap(conn->pid, clock_mono_ns() + REAP_NS, conn, &status)) {
		kill(conn->pid, SIGKILL);
		child_reap(conn->pid, clock_mono_ns() + KILLED_NS, conn, &status);
		killed = true;
	}
	conn->pid = -1;
	transport_drain(conn);
	if (conn->kind == TRANSPORT_LIBSSH2) {
		link_report_parse(conn->err.data, conn->err.len, &verdict);
		r = killed && !verdict.end ? RES_OK : link_ended(t, &verdict, status, d);
		link_verdict_release(&verdict);
		return r;
	}
	/* It was alive and well and had to be killed: the stream was ended from this side, which is no failure. */
	if (killed)
		return RES_OK;
	if (conn->kind == TRANSPORT_SSH)
		return ssh_ended(t, conn, status, d);
	return receiver_ended(shell_status(status), conn->err.data, conn->err.len, t->name, d);
}
