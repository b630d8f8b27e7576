/*
 * Transport: its parsers, and connections of every kind to a private sshd on the loopback.
 *
 * The program copies itself to a directory of its own, twice: as the program (for the link role) and as the
 * 'rehost-receiver' beside it, which says the magic and echoes.
 */
#include "transport/address.h"
#include "transport/internal.h"
#include "transport/knownhosts.h"
#include "transport/net.h"
#include "transport/script.h"
#include "transport/sha1.h"
#include "transport/sha256.h"
#include "wire/frame.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char work[128]; /* the directory everything happens in */

/* ---- the receiver that is sent ---- */

static int echo(void)
{
	static char data[1 << 18];
	ssize_t n;

	while ((n = read(0, data, sizeof(data))) > 0)
		if (fd_write_full(1, data, (size_t)n) < 0)
			return 1;
	return n < 0;
}

static int receiver(int argc, char **argv)
{
	static const char magic[] = WIRE_MAGIC;
	char root[256] = "";

	if (argc == 2 && str_eq(argv[1], "--version")) {
		printf("rehost-receiver %s test\n", REHOST_VERSION);
		return 0;
	}
	if (argc < 3 || !str_eq(argv[1], "--root-hex"))
		return 64;
	for (size_t i = 0; argv[2][2 * i] && i < sizeof(root) - 1; i++) {
		unsigned v;
		sscanf(argv[2] + 2 * i, "%2x", &v);
		root[i] = (char)v;
	}
	if (str_eq(root, "crash")) {
		fprintf(stderr, "going down\n");
		raise(SIGKILL);
	}
	if (chdir(root) < 0) {
		printf("REHOST-ERROR RH9999 %d cannot open '%s'\n", errno, root);
		return 1;
	}
	fprintf(stderr, "a word on stderr\n");
	if (fd_write_full(1, magic, sizeof(magic) - 1) < 0)
		return 1;
	return echo();
}

/* ---- a private sshd ---- */

struct server {
	pid_t pid;
	unsigned port;
};

static bool have_sshd(void)
{
	return geteuid() == 0 && access("/usr/sbin/sshd", X_OK) == 0 && access("/usr/bin/ssh-keygen", X_OK) == 0;
}

#define NEED_SSHD()               \
	do {                      \
		if (!have_sshd()) \
			skip();   \
	} while (0)

static void shell(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void shell(const char *fmt, ...)
{
	char *command;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&command, fmt, ap) > 0);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
	free(command);
}

static unsigned free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static bool answers(unsigned port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return ok;
}

/* host_key: a name below work; extra: more lines of sshd_config. */
static struct server server_start(const char *host_key, const char *extra)
{
	struct server s = {.port = free_port()};
	AUTO_FREE char *config = xasprintf("%s/sshd_%u", work, s.port);
	FILE *f = fopen(config, "w");

	fprintf(f,
		"ListenAddress 127.0.0.1\nPort %u\nHostKey %s/%s\nAuthorizedKeysFile "
		"%s/authorized\nStrictModes no\n"
		"PidFile none\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication "
		"no\nPermitRootLogin yes\n"
		"MaxStartups 100\n%s\n",
		s.port, work, host_key, work, extra);
	fclose(f);
	s.pid = fork();
	if (s.pid == 0) {
		int log = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(log, 1);
		dup2(log, 2);
		execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-e", "-f", config, (char *)NULL);
		_exit(127);
	}
	for (unsigned i = 0; i < 500 && !answers(s.port); i++)
		usleep(10000);
	return s;
}

static void server_stop(struct server *s)
{
	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
}

/* The known_hosts file of a test: the public key of 'host_key' under the name ssh looks for. */
static void know(const char *host_key, const struct server *s)
{
	shell("rm -f %s/known; awk '{ print \"[127.0.0.1]:%u\", $1, $2 }' %s/%s.pub >%s/known", work, s->port, work,
		host_key, work);
}

/* ---- a configuration ---- */

struct setup {
	struct conf conf;
	struct conf_item identity;
	char address[64], ssh[200], known[200], key[200];
};

static struct conf *setup(struct setup *u, const struct server *s, const char *key, enum conf_transport kind)
{
	*u = (struct setup){};
	snprintf(u->address, sizeof(u->address), "root@127.0.0.1:%u", s ? s->port : 1);
	snprintf(u->ssh, sizeof(u->ssh), "ssh -F %s/ssh_config", work);
	snprintf(u->known, sizeof(u->known), "%s/known", work);
	snprintf(u->key, sizeof(u->key), "%s/%s", work, key);
	u->identity.value = u->key;
	u->conf.target.address = u->address;
	u->conf.target.ssh_command = u->ssh;
	u->conf.target.known_hosts = u->known;
	u->conf.target.identity = (struct conf_list){&u->identity, 1};
	u->conf.target.transport = kind;
	u->conf.target.connect_timeout = 10;
	return &u->conf;
}

struct run {
	enum result result; /* of the last connection */
	enum transport_kind kind;
	bool up; /* the receiver said its magic */
	struct diag boot, end;
	char dir[256];
	uint64_t helper_bytes;
	double seconds;
	unsigned connections;
};

static void run_release(struct run *r)
{
	diag_release(&r->boot);
	diag_release(&r->end);
}

static void fill(uint8_t *p, size_t n, uint64_t at)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = (at + i) * 0x9e3779b97f4a7c15u;
		memcpy(p + i, &v, 8);
	}
}

/* Sends n bytes and takes them back, both at once. */
static bool ping_pong(int fd, uint64_t n)
{
	static uint8_t out[1 << 18], in[1 << 18], want[1 << 18];
	uint64_t sent = 0, got = 0;

	while (got < n) {
		struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (sent < n ? POLLOUT : 0))};

		if (poll(&p, 1, 60000) <= 0)
			return false;
		if (sent < n && p.revents & POLLOUT) {
			size_t part = MIN(n - sent, (uint64_t)sizeof(out));
			size_t skew = sent % 8;
			fill(out, sizeof(out), sent - skew);
			ssize_t w = send(fd, out + skew, MIN(part, sizeof(out) - skew), MSG_DONTWAIT | MSG_NOSIGNAL);
			if (w < 0 && errno != EAGAIN)
				return false;
			sent += w > 0 ? (uint64_t)w : 0;
		}
		if (p.revents & (POLLIN | POLLHUP)) {
			size_t skew = got % 8;
			ssize_t r = recv(fd, in, sizeof(in) - 8, MSG_DONTWAIT);
			if (r == 0 || (r < 0 && errno != EAGAIN))
				return false;
			if (r > 0) {
				fill(want, sizeof(want), got - skew);
				if (memcmp(in, want + skew, (size_t)r) != 0)
					return false;
				got += (uint64_t)r;
			}
		}
	}
	return true;
}

static struct run run_with(struct transport *t, const struct transport_receiver *r, uint64_t bytes, const char *shared)
{
	struct run out = {};
	struct transport_conn conn;

	snprintf(out.dir, sizeof(out.dir), "%s", shared ? shared : "");
	do {
		AUTO_BUF packed = BUF_INIT;
		AUTO_CLOSE int helper = open(transport_helper_path(), O_RDONLY | O_CLOEXEC);
		int64_t begin;

		diag_release(&out.boot);
		out.connections++;
		out.kind = transport_kind(t);
		out.up = false;
		if (!transport_start(t, r, &conn, &out.end)) {
			out.result = RES_FATAL;
			return out;
		}
		transport_bootstrap_pack(t, r, &packed);
		out.up = transport_bootstrap(
			conn.fd, packed.data, packed.len, helper, out.dir, &out.helper_bytes, &out.boot);
		begin = clock_mono_ns();
		if (out.up && bytes && !ping_pong(conn.fd, bytes))
			out.up = false;
		out.seconds = (double)(clock_mono_ns() - begin) / 1e9;
		out.result = transport_collect(t, &conn, &out.end);
		transport_conn_release(&conn);
	} while (out.result == RES_RETRY && out.connections < 3);
	return out;
}

static struct run run_conf(const struct conf *c, uint64_t bytes)
{
	struct transport_receiver r = {.root = work};
	struct transport *t;
	struct run out = {};

	if (!transport_resolve(c, true, &t, &out.end)) {
		out.result = RES_FATAL;
		return out;
	}
	out = run_with(t, &r, bytes, NULL);
	transport_free(t);
	return out;
}

static void explain(const struct run *r)
{
	AUTO_BUF b = BUF_INIT;

	buf_append_str(&b, "boot: ");
	diag_format(&b, &r->boot);
	buf_append_str(&b, "; end: ");
	diag_format(&b, &r->end);
	print_message("result %d kind %d up %d: %s\n", r->result, r->kind, r->up, buf_cstr(&b));
}

static void expect_up(const struct run *r, enum transport_kind kind)
{
	if (!r->up || r->result != RES_OK || r->kind != kind)
		explain(r);
	assert_true(r->up);
	assert_int_equal(r->result, RES_OK);
	assert_int_equal(r->kind, kind);
}

static void expect_end(const struct run *r, enum diag_code code, enum result result)
{
	if (r->end.code != code || r->result != result)
		explain(r);
	assert_string_equal(diag_info(r->end.code)->name, diag_info(code)->name);
	assert_int_equal(r->result, result);
	assert_false(r->up);
}

/* No directory of ours is left anywhere. */
static void expect_clean(void)
{
	shell("for i in 1 2 3 4 5 6 7 8 9 10; do ls -d /dev/shm/.rehost-helper-* >/dev/null 2>&1 || exit 0; "
	      "sleep 0.1; done; exit 1");
}

/* ---- the parsers ---- */

static void test_address(void **state)
{
	static const struct {
		const char *text, *user, *host;
		unsigned port;
	} good[] = {{"host", NULL, "host", 0}, {"root@host", "root", "host", 0}, {"host:2222", NULL, "host", 2222},
		{"a@b@host", "a@b", "host", 0}, {"[::1]", NULL, "::1", 0},
		{"u@[fe80::1%eth0]:22", "u", "fe80::1%eth0", 22}, {"2001:db8::1", NULL, "2001:db8::1", 0},
		{"h-1.example.com", NULL, "h-1.example.com", 0}};
	static const char *const bad[] = {"", "-oProxyCommand=x", "host:0", "host:70000", "host:x", "@host", "user@",
		"[::1", "[]", "[::1]x", "a b", "h;reboot", "h$(x)", "-l@host", "ho\nst", "h/x", "[a/b]", "x`y`"};
	struct address a;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(address_parse(good[i].text, &a));
		assert_string_equal(a.host, good[i].host);
		assert_int_equal(a.port, good[i].port);
		if (good[i].user)
			assert_string_equal(a.user, good[i].user);
		else
			assert_null(a.user);
		assert_false(a.local);
		address_release(&a);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(address_parse(bad[i], &a));
	assert_true(address_parse("local:", &a));
	assert_true(a.local);
	address_release(&a);
}

static void test_settings(void **state)
{
	static const char text[] =
		"user joe\nhostname h.example\nport 2222\nidentityfile ~/.ssh/a\nidentityfile %d/b\n"
		"userknownhostsfile /k1 \"/k 2\"\nglobalknownhostsfile /g\nstricthostkeychecking accept-new\n"
		"proxyjump a,b\nidentitiesonly yes\naddressfamily inet6\nhostkeyalias other\nconnecttimeout "
		"7\n"
		"identityagent none\nbogus\n\nrevokedhostkeys none\nport 99999\n";
	static const char cert[] = "hostname h\ncertificatefile ~/x-cert.pub\n";
	AUTO_FREE char *home = home_dir();
	AUTO_FREE char *want = xasprintf("%s/b-h.example-22-2222", home);
	struct ssh_settings s;
	char *path;

	ssh_settings_parse(&s, text, sizeof(text) - 1);
	assert_string_equal(s.user, "joe");
	assert_string_equal(s.hostname, "h.example");
	assert_int_equal(s.port, 2222);
	assert_int_equal(s.identities.n, 2);
	assert_int_equal(s.known_files.n, 3);
	assert_string_equal(s.known_files.v[1], "/k 2");
	assert_int_equal(s.host_key, HOST_KEY_ACCEPT_NEW);
	assert_string_equal(s.proxy_jump, "a,b");
	assert_true(s.identities_only);
	assert_int_equal(s.family, AF_INET6);
	assert_string_equal(s.host_key_alias, "other");
	assert_int_equal(s.connect_timeout, 7);
	assert_string_equal(s.agent, "none");
	assert_null(s.unsuited);
	path = ssh_settings_expand(&s, "alias", "%d/b-%h-22-%p", true);
	assert_string_equal(path, want);
	free(path);
	assert_null(ssh_settings_expand(&s, "alias", "%C", true));
	assert_null(ssh_settings_expand(&s, "alias", "x%", true));
	assert_null(ssh_settings_expand(&s, "alias", "${REHOST_NOT_SET}/x", true));
	ssh_settings_release(&s);
	ssh_settings_parse(&s, cert, sizeof(cert) - 1);
	assert_non_null(s.unsuited);
	assert_int_equal(s.host_key, HOST_KEY_STRICT);
	ssh_settings_release(&s);
}

static void test_words(void **state)
{
	static const struct {
		const char *text;
		enum diag_code code;
	} cases[] = {{"root@h: Permission denied (publickey).\n", DIAG_TRANSPORT_AUTH},
		{"ssh: Could not resolve hostname nix: Name or service not known\n", DIAG_TRANSPORT_RESOLVE},
		{"ssh: connect to host h port 22: Connection refused\n", DIAG_TRANSPORT_UNREACHABLE},
		{"ssh: connect to host h port 22: Connection timed out\n", DIAG_TRANSPORT_UNREACHABLE},
		{"kex_exchange_identification: Connection closed by remote host\n", DIAG_TRANSPORT_UNREACHABLE},
		{"No ED25519 host key is known for h and you have requested strict checking.\nHost key "
		 "verification failed.\n",
			DIAG_TRANSPORT_HOST_KEY_UNKNOWN},
		{"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nThe fingerprint for the "
		 "ED25519 key sent by the remote "
		 "host is\nSHA256:abc.\nOffending ED25519 key in /x:3\nHost key verification failed.\n",
			DIAG_TRANSPORT_HOST_KEY_CHANGED},
		{"Unable to negotiate with 1.2.3.4 port 22: no matching host key type found. Their offer: "
		 "ssh-dss\n",
			DIAG_TRANSPORT_NEGOTIATION},
		{"Timeout, server h not responding.\n", DIAG_TRANSPORT_LOST},
		{"client_loop: send disconnect: Broken pipe\n", DIAG_TRANSPORT_LOST}};
	static const char quoted[] = "a 'b c' \"d\\\"e\" f\\ g ''";
	AUTO_STRV words = {};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_DIAG d = DIAG_INIT;
		assert_true(words_classify(cases[i].text, strlen(cases[i].text), "h", &d));
		assert_string_equal(diag_info(d.code)->name, diag_info(cases[i].code)->name);
		if (cases[i].code == DIAG_TRANSPORT_HOST_KEY_CHANGED) {
			assert_non_null(strstr(d.detail, "SHA256:abc"));
			assert_non_null(strstr(d.detail, "/x:3"));
		}
	}
	assert_false(words_classify("hello", 5, "h", NULL));
	assert_true(strv_split(&words, quoted, sizeof(quoted) - 1));
	assert_int_equal(words.n, 5);
	assert_string_equal(words.v[1], "b c");
	assert_string_equal(words.v[2], "d\"e");
	assert_string_equal(words.v[3], "f g");
	assert_string_equal(words.v[4], "");
	strv_release(&words);
	assert_false(strv_split(&words, "a 'b", 4));
}

static void test_digests(void **state)
{
	static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
	static const uint8_t million[] = {0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92};
	static const uint8_t hmac[] = {0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f, 0xa2};
	struct sha256 s;
	uint8_t out[32];

	sha256_init(&s);
	sha256_update(&s, "abc", 3);
	sha256_final(&s, out);
	assert_memory_equal(out, abc, sizeof(abc));
	sha256_init(&s);
	for (unsigned i = 0; i < 1000000 / 40; i++)
		sha256_update(&s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 40);
	sha256_final(&s, out);
	assert_memory_equal(out, million, sizeof(million));
	hmac_sha1("Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_memory_equal(out, hmac, sizeof(hmac));
}

static enum known_result known_try(const char *text, const char *host, unsigned port, const char *alias,
	const char *type, const char *key, unsigned *line)
{
	AUTO_BUF blob = BUF_INIT;
	enum known_result r;
	const char *file;
	const char *unread;
	struct known k;

	assert_true(known_load(&k, NULL, host, port, alias, &unread));
	known_scan(&k, "f", text, strlen(text));
	assert_true(base64_decode(&blob, key, strlen(key)));
	r = known_check(&k, type, blob.data, blob.len, &file, line);
	known_release(&k);
	return r;
}

static void test_known_hosts(void **state)
{
	/* The hashed name is "192.168.1.61". */
	static const char text[] =
		"# comment\n"
		"host,10.0.0.1 ssh-ed25519 AAAAkey1\n"
		"[host]:2222 ssh-ed25519 AAAAkey2 remark\n"
		"*.lan,!bad.lan ecdsa-sha2-nistp256 AAAAkey3\n"
		"@revoked *.revoked ssh-ed25519 AAAAkey4\n"
		"broken\n"
		"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAAkey5\n";
	unsigned line = 0;

	assert_int_equal(known_try(text, "host", 22, NULL, "ssh-ed25519", "AAAAkey1", &line), KNOWN_MATCH);
	assert_int_equal(known_try(text, "HOST", 22, NULL, "ssh-ed25519", "AAAAkey1", &line), KNOWN_MATCH);
	assert_int_equal(known_try(text, "host", 22, NULL, "ssh-ed25519", "AAAAkey2", &line), KNOWN_CHANGED);
	assert_int_equal(line, 2);
	assert_int_equal(known_try(text, "host", 22, NULL, "ecdsa-sha2-nistp256", "AAAAkey2", &line), KNOWN_NEW);
	assert_int_equal(known_try(text, "host", 2222, NULL, "ssh-ed25519", "AAAAkey2", &line), KNOWN_MATCH);
	assert_int_equal(known_try(text, "host", 2222, NULL, "ssh-ed25519", "AAAAkey1", &line), KNOWN_MATCH);
	assert_int_equal(known_try(text, "host", 2222, NULL, "ssh-ed25519", "AAAAkey9", &line), KNOWN_CHANGED);
	assert_int_equal(known_try(text, "host", 2200, NULL, "ssh-ed25519", "AAAAkey9", &line), KNOWN_NEW);
	assert_int_equal(known_try(text, "a.lan", 22, NULL, "ecdsa-sha2-nistp256", "AAAAkey3", &line), KNOWN_MATCH);
	assert_int_equal(known_try(text, "bad.lan", 22, NULL, "ecdsa-sha2-nistp256", "AAAAkey3", &line), KNOWN_NEW);
	assert_int_equal(known_try(text, "x.revoked", 22, NULL, "ssh-ed25519", "AAAAkey4", &line), KNOWN_COMPLEX);
	assert_int_equal(known_try(text, "other", 77, "host", "ssh-ed25519", "AAAAkey1", &line), KNOWN_MATCH);
	assert_int_equal(known_try(text, "192.168.1.61", 22, NULL, "ssh-ed25519", "AAAAkey5", &line), KNOWN_MATCH);
	assert_int_equal(known_try(text, "192.168.1.62", 22, NULL, "ssh-ed25519", "AAAAkey5", &line), KNOWN_NEW);
}

static void test_bootstrap_lines(void **state)
{
	struct boot_spec s = {.kind = TRANSPORT_SSH};
	static const struct {
		const char *line;
		enum boot_line kind;
		enum diag_code code;
	} cases[] = {{"Welcome\n", BOOT_NOISE, DIAG_NONE}, {"noise" WIRE_MAGIC, BOOT_MAGIC, DIAG_NONE},
		{"REHOST-BOOT need /dev/shm/x\n", BOOT_NEED, DIAG_NONE},
		{"REHOST-BOOT using -\r\n", BOOT_USING, DIAG_NONE},
		{"REHOST-BOOT need x\n", BOOT_FAILED, DIAG_TRANSPORT_REPLY},
		{"REHOST-BOOT error arch ppc64le\n", BOOT_FAILED, DIAG_TRANSPORT_ARCH},
		{"REHOST-BOOT error noexec\n", BOOT_FAILED, DIAG_TRANSPORT_NO_EXEC_DIR},
		{"REHOST-BOOT error version rehost-receiver 0.0.1\n", BOOT_FAILED, DIAG_TRANSPORT_HELPER_VERSION},
		{"REHOST-BOOT error %s%n\n", BOOT_FAILED, DIAG_TRANSPORT_REPLY},
		{"REHOST-ERROR RH0608 13 pretend\n", BOOT_FAILED, DIAG_TRANSPORT_ROOT},
		{"REHOST-ERROR\n", BOOT_NOISE, DIAG_NONE},
		{"REHOST-ERROR x 99999999 \n", BOOT_FAILED, DIAG_TRANSPORT_ROOT}};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_DIAG d = DIAG_INIT;
		assert_int_equal(boot_line_parse(&s, cases[i].line, strlen(cases[i].line), text, &d), cases[i].kind);
		assert_string_equal(diag_info(d.code)->name, diag_info(cases[i].code)->name);
	}
	s.kind = TRANSPORT_LOCAL; /* no shell there, so nothing to obey */
	assert_int_equal(boot_line_parse(&s, "REHOST-BOOT need /x\n", 20, text, NULL), BOOT_NOISE);
}

static void test_proxy_words(void **state)
{
	char *host;
	unsigned port;

	assert_true(net_proxy_parse("http://proxy.example:3128/", &host, &port));
	assert_string_equal(host, "proxy.example");
	assert_int_equal(port, 3128);
	free(host);
	assert_false(net_proxy_parse("proxy.example", &host, &port));
	assert_false(net_proxy_parse("local:", &host, &port));
	assert_int_equal(net_http_status("HTTP/1.1 200 OK\r\n", 17), 200);
	assert_int_equal(net_http_status("HTTP/1.0 407 No\r\n", 17), 407);
	assert_int_equal(net_http_status("SSH-2.0-OpenSSH\r\n", 17), 0);
}

/* ---- connections ---- */

static void test_local(void **state)
{
	struct conf c = {.target.address = (char *)"local:"};
	struct run r = run_conf(&c, 8 << 20);
	struct transport_receiver missing = {.root = "/does/not/exist"};
	struct transport_receiver crash = {.root = "crash"};
	struct transport *t;
	AUTO_DIAG d = DIAG_INIT;

	expect_up(&r, TRANSPORT_LOCAL);
	assert_int_equal(r.helper_bytes, 0);
	run_release(&r);
	assert_true(transport_resolve(&c, true, &t, &d));
	r = run_with(t, &missing, 0, NULL);
	assert_int_equal(r.boot.code, DIAG_TRANSPORT_ROOT);
	assert_int_equal(r.boot.err, ENOENT);
	run_release(&r);
	r = run_with(t, &crash, 0, NULL);
	expect_end(&r, DIAG_TRANSPORT_RECEIVER, RES_FAILED);
	assert_non_null(strstr(r.end.detail, "signal 9"));
	assert_non_null(strstr(r.end.detail, "going down"));
	run_release(&r);
	transport_free(t);
}

static void both_kinds(const char *host_key, const char *user_key, const char *extra, uint64_t bytes)
{
	static const enum conf_transport kinds[] = {CONF_TRANSPORT_SSH, CONF_TRANSPORT_LIBSSH2};
	struct server s = server_start(host_key, extra);
	struct setup u;

	know(host_key, &s);
	for (size_t i = 0; i < 2; i++) {
		struct run r = run_conf(setup(&u, &s, user_key, kinds[i]), bytes);

		expect_up(&r, kinds[i] == CONF_TRANSPORT_SSH ? TRANSPORT_SSH : TRANSPORT_LIBSSH2);
		assert_true(r.helper_bytes > 0);
		print_message("%s %s: %.0f MB/s each way\n", kinds[i] == CONF_TRANSPORT_SSH ? "ssh" : "libssh2",
			user_key, (double)bytes / 1e6 / r.seconds);
		run_release(&r);
	}
	server_stop(&s);
	expect_clean();
}

static void test_ed25519(void **state)
{
	NEED_SSHD();
	both_kinds("host_ed25519", "key_ed25519", "", 32 << 20);
}

static void test_ecdsa(void **state)
{
	NEED_SSHD();
	both_kinds("host_ecdsa", "key_ecdsa", "", 4 << 20);
}

static void test_rekey(void **state)
{
	NEED_SSHD();
	both_kinds("host_ed25519", "key_ed25519", "RekeyLimit 16M", 200 << 20);
}

/* auto must find out that libssh2 cannot, and use ssh. */
static void falls_back(const char *host_key, const char *user_key, const char *extra)
{
	struct server s = server_start(host_key, extra);
	struct setup u;
	struct run r;

	know(host_key, &s);
	r = run_conf(setup(&u, &s, user_key, CONF_TRANSPORT_AUTO), 1 << 20);
	expect_up(&r, TRANSPORT_SSH);
	run_release(&r);
	r = run_conf(setup(&u, &s, user_key, CONF_TRANSPORT_LIBSSH2), 0);
	if (strstr(user_key, "rsa"))
		expect_end(&r, DIAG_TRANSPORT_AUTH, RES_FATAL);
	else
		expect_end(&r, DIAG_TRANSPORT_LIBSSH2_UNSUITED, RES_FATAL);
	run_release(&r);
	server_stop(&s);
}

static void test_fallback(void **state)
{
	NEED_SSHD();
	falls_back("host_rsa", "key_ed25519", "");
	falls_back("host_ed25519", "key_ed25519", "MACs hmac-sha2-256-etm@openssh.com\nCiphers aes128-ctr");
	falls_back("host_ed25519", "key_rsa", "");
}

static void test_host_keys(void **state)
{
	static const enum conf_transport kinds[] = {CONF_TRANSPORT_SSH, CONF_TRANSPORT_AUTO};
	struct server s;
	struct setup u;
	struct run r;

	NEED_SSHD();
	s = server_start("host_ed25519", "");
	for (size_t i = 0; i < 2; i++) {
		enum transport_kind kind = kinds[i] == CONF_TRANSPORT_SSH ? TRANSPORT_SSH : TRANSPORT_LIBSSH2;

		know("other_ed25519", &s);
		r = run_conf(setup(&u, &s, "key_ed25519", kinds[i]), 0);
		expect_end(&r, DIAG_TRANSPORT_HOST_KEY_CHANGED, RES_FATAL);
		assert_non_null(strstr(r.end.detail, "SHA256:"));
		assert_non_null(strstr(r.end.detail, "known:1"));
		run_release(&r);
		shell("rm -f %s/known", work);
		r = run_conf(setup(&u, &s, "key_ed25519", kinds[i]), 0);
		expect_end(&r, DIAG_TRANSPORT_HOST_KEY_UNKNOWN, RES_FATAL);
		run_release(&r);
		setup(&u, &s, "key_ed25519", kinds[i])->target.host_key = CONF_HOST_KEY_ACCEPT_NEW;
		r = run_conf(&u.conf, 1 << 20);
		expect_up(&r, kind);
		run_release(&r);
		/* Now it is known, hashed or not. */
		shell("ssh-keygen -q -H -f %s/known >/dev/null 2>&1; rm -f %s/known.old", work, work);
		r = run_conf(setup(&u, &s, "key_ed25519", kinds[i]), 1 << 20);
		expect_up(&r, kind);
		run_release(&r);
	}
	/* What cannot be read is not taken for empty. (Root reads all files; a directory is none.) */
	shell("rm -f %s/known; mkdir %s/known", work, work);
	for (size_t i = 0; i < 2; i++) {
		AUTO_DIAG d = DIAG_INIT;
		struct transport *t = NULL;

		setup(&u, &s, "key_ed25519", kinds[i])->target.host_key = CONF_HOST_KEY_ACCEPT_NEW;
		assert_false(transport_resolve(&u.conf, true, &t, &d));
		assert_int_equal(d.code, DIAG_TRANSPORT_KNOWN_HOSTS);
		assert_int_equal(d.err, EISDIR);
	}
	shell("rmdir %s/known", work);
	/* A revoked key is ssh's to judge. */
	shell("awk '{ print \"@revoked * \" $1, $2 }' %s/host_ed25519.pub >%s/known", work, work);
	r = run_conf(setup(&u, &s, "key_ed25519", CONF_TRANSPORT_AUTO), 0);
	assert_int_equal(r.kind, TRANSPORT_SSH);
	expect_end(&r, DIAG_TRANSPORT_HOST_KEY_CHANGED, RES_FATAL);
	run_release(&r);
	server_stop(&s);
}

static void test_refused(void **state)
{
	struct server s;
	struct setup u;
	struct run r;
	char old[16];

	NEED_SSHD();
	s = server_start("host_ed25519", "");
	know("host_ed25519", &s);
	r = run_conf(setup(&u, &s, "stranger", CONF_TRANSPORT_AUTO), 0);
	assert_int_equal(r.connections, 2);
	assert_int_equal(r.kind, TRANSPORT_SSH);
	expect_end(&r, DIAG_TRANSPORT_AUTH, RES_FATAL);
	assert_int_equal(diag_info(r.end.code)->exit_class, 77);
	run_release(&r);
	r = run_conf(setup(&u, &s, "stranger", CONF_TRANSPORT_LIBSSH2), 0);
	expect_end(&r, DIAG_TRANSPORT_AUTH, RES_FATAL);
	run_release(&r);
	server_stop(&s);
	/* Nobody listens any more. */
	snprintf(old, sizeof(old), "%u", s.port);
	r = run_conf(setup(&u, &s, "key_ed25519", CONF_TRANSPORT_AUTO), 0);
	expect_end(&r, DIAG_TRANSPORT_UNREACHABLE, RES_FAILED);
	assert_non_null(strstr(r.end.detail, old));
	run_release(&r);
	r = run_conf(setup(&u, &s, "key_ed25519", CONF_TRANSPORT_SSH), 0);
	expect_end(&r, DIAG_TRANSPORT_UNREACHABLE, RES_FAILED);
	run_release(&r);
	setup(&u, &s, "key_ed25519", CONF_TRANSPORT_AUTO)->target.address = (char *)"nobody.invalid";
	r = run_conf(&u.conf, 0);
	expect_end(&r, DIAG_TRANSPORT_RESOLVE, RES_FAILED);
	run_release(&r);
}

static void write_config(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void write_config(const char *fmt, ...)
{
	AUTO_FREE char *path = xasprintf("%s/ssh_config", work);
	FILE *f = fopen(path, "w");
	va_list ap;

	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static void test_jump(void **state)
{
	static const enum conf_transport kinds[] = {CONF_TRANSPORT_SSH, CONF_TRANSPORT_LIBSSH2};
	struct server s;
	struct setup u;
	struct run r;

	NEED_SSHD();
	s = server_start("host_ed25519", "");
	know("host_ed25519", &s);
	write_config("Host *\nUserKnownHostsFile %s/known\nIdentityFile %s/key_ed25519\nIdentitiesOnly yes\n"
		     "Host there\nHostName 127.0.0.1\nPort %u\nUser root\nProxyJump root@gate:%u\n"
		     "Host gate\nHostName 127.0.0.1\n"
		     "Host bad\nHostName 127.0.0.1\nPort %u\nUser root\nProxyCommand exec false\n",
		work, work, s.port, s.port, s.port);
	for (size_t i = 0; i < 2; i++) {
		setup(&u, &s, "key_ed25519", kinds[i]);
		u.conf.target.address = (char *)"there";
		u.conf.target.identity.len = 0;
		u.conf.target.known_hosts = NULL;
		r = run_conf(&u.conf, 8 << 20);
		expect_up(&r, kinds[i] == CONF_TRANSPORT_SSH ? TRANSPORT_SSH : TRANSPORT_LIBSSH2);
		run_release(&r);
		u.conf.target.address = (char *)"bad";
		r = run_conf(&u.conf, 0);
		assert_int_equal(r.result, RES_FAILED);
		assert_int_equal(diag_info(r.end.code)->exit_class, EXIT_UNREACHABLE);
		run_release(&r);
	}
	write_config("%s", "");
	server_stop(&s);
}

/* One connection of a proxy that either tunnels or refuses. */
static pid_t proxy_start(unsigned *port, unsigned target, bool refuse)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client, sock;
	static const char yes[] = "HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n",
			  no[] = "HTTP/1.1 403 Forbidden\r\n\r\n";
	socklen_t len = sizeof(a);
	char data[65536];
	ssize_t n;
	pid_t pid;

	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	pid = fork();
	if (pid) {
		close(listener);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	client = accept(listener, NULL, NULL);
	n = read(client, data, sizeof(data));
	if (n < 8 || strncmp(data, "CONNECT ", 8) != 0)
		_exit(1);
	if (refuse)
		_exit(fd_write_full(client, no, sizeof(no) - 1) < 0);
	a.sin_port = htons((uint16_t)target);
	sock = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0 || fd_write_full(client, yes, sizeof(yes) - 1) < 0)
		_exit(1);
	if (fork() == 0) {
		while ((n = read(sock, data, sizeof(data))) > 0)
			if (fd_write_full(client, data, (size_t)n) < 0)
				break;
		shutdown(client, SHUT_RDWR);
		_exit(0);
	}
	while ((n = read(client, data, sizeof(data))) > 0)
		if (fd_write_full(sock, data, (size_t)n) < 0)
			break;
	shutdown(sock, SHUT_WR);
	_exit(0);
}

static void test_http_proxy(void **state)
{
	static const enum conf_transport kinds[] = {CONF_TRANSPORT_SSH, CONF_TRANSPORT_LIBSSH2};
	struct server s;
	struct setup u;
	struct run r;

	NEED_SSHD();
	s = server_start("host_ed25519", "");
	know("host_ed25519", &s);
	for (size_t i = 0; i < 4; i++) {
		bool refuse = i >= 2;
		unsigned port;
		pid_t proxy = proxy_start(&port, s.port, refuse);
		AUTO_FREE char *where = xasprintf("http://127.0.0.1:%u", port);

		setup(&u, &s, "key_ed25519", kinds[i % 2])->target.proxy = where;
		r = run_conf(&u.conf, refuse ? 0 : 4 << 20);
		if (!refuse)
			expect_up(&r, kinds[i % 2] == CONF_TRANSPORT_SSH ? TRANSPORT_SSH : TRANSPORT_LIBSSH2);
		else
			expect_end(&r, DIAG_TRANSPORT_PROXY, RES_FAILED);
		run_release(&r);
		kill(proxy, SIGKILL);
		waitpid(proxy, NULL, 0);
	}
	server_stop(&s);
}

/* Keys that only an agent holds; keys that nobody can use. */
static void test_agent(void **state)
{
	static const enum conf_transport kinds[] = {CONF_TRANSPORT_SSH, CONF_TRANSPORT_LIBSSH2};
	struct server s;
	struct setup u;
	struct run r;

	NEED_SSHD();
	s = server_start("host_ed25519", "");
	know("host_ed25519", &s);
	shell("cd %s && ssh-agent -a %s/agent >agent.sh && export SSH_AUTH_SOCK=%s/agent && ssh-add -q "
	      "stranger key_ecdsa",
		work, work, work);
	write_config("IdentityAgent %s/agent\nIdentityFile %s/none\n", work, work);
	for (size_t i = 0; i < 2; i++) {
		setup(&u, &s, "key_ecdsa", kinds[i]);
		u.conf.target.identity.len = 0;
		r = run_conf(&u.conf, 1 << 20);
		expect_up(&r, kinds[i] == CONF_TRANSPORT_SSH ? TRANSPORT_SSH : TRANSPORT_LIBSSH2);
		run_release(&r);
		/* Named by its public half: the agent's key, and no other. */
		shell("cd %s && cp key_ecdsa.pub half.pub", work);
		r = run_conf(setup(&u, &s, "half", kinds[i]), 1 << 20);
		expect_up(&r, kinds[i] == CONF_TRANSPORT_SSH ? TRANSPORT_SSH : TRANSPORT_LIBSSH2);
		run_release(&r);
	}
	shell(". %s/agent.sh >/dev/null; ssh-agent -k >/dev/null", work);
	write_config("%s", "");
	/* Encrypted, and no agent: libssh2 leaves it to ssh, which may not ask. */
	shell("cd %s && ssh-keygen -q -t ed25519 -N secret -f locked && cat locked.pub >>authorized", work);
	r = run_conf(setup(&u, &s, "locked", CONF_TRANSPORT_AUTO), 0);
	assert_int_equal(r.connections, 2);
	expect_end(&r, DIAG_TRANSPORT_AUTH, RES_FATAL);
	run_release(&r);
	r = run_conf(setup(&u, &s, "locked", CONF_TRANSPORT_LIBSSH2), 0);
	expect_end(&r, DIAG_TRANSPORT_AUTH, RES_FATAL);
	assert_non_null(strstr(r.end.detail, "encrypted"));
	run_release(&r);
	server_stop(&s);
}

/* Login shells that talk, or are none. */
static void test_shells(void **state)
{
	static const struct {
		const char *force;
		bool up;
		enum diag_code code;
	} cases[] = {{"echo Welcome; printf 'half a line'; eval \\\"$SSH_ORIGINAL_COMMAND\\\"", true, DIAG_NONE},
		{"exec /bin/dash -c \\\"$SSH_ORIGINAL_COMMAND\\\"", true, DIAG_NONE},
		{"echo This account is currently not available.", false, DIAG_TRANSPORT_NO_SHELL},
		{"yes", false, DIAG_TRANSPORT_REPLY}, {"head -c 100000 /dev/zero", false, DIAG_TRANSPORT_REPLY}};
	/* What 'sh' itself may be; of busybox its other tools too. */
	static const char *const sh[] = {"/bin/bash", "/bin/dash", "/bin/busybox", "/bin/mksh", "/bin/zsh"};
	static const char *const others[] = {"/bin/tcsh", "/usr/bin/fish", "/bin/zsh", "/bin/mksh", "/bin/busybox"};
	struct server s;
	struct setup u;
	struct run r;

	NEED_SSHD();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *extra = xasprintf("ForceCommand %s", cases[i].force);
		char *q = extra, *w = extra;

		for (; *q; q++) /* the backslashes only keep the table readable */
			if (*q != '\\')
				*w++ = *q;
		*w = '\0';
		s = server_start("host_ed25519", extra);
		know("host_ed25519", &s);
		for (unsigned kind = 0; kind < 2; kind++) {
			r = run_conf(setup(&u, &s, "key_ed25519", kind ? CONF_TRANSPORT_SSH : CONF_TRANSPORT_LIBSSH2),
				cases[i].up ? 1 << 20 : 0);
			if (cases[i].up)
				expect_up(&r, kind ? TRANSPORT_SSH : TRANSPORT_LIBSSH2);
			else
				assert_string_equal(diag_info(r.boot.code)->name, diag_info(cases[i].code)->name);
			run_release(&r);
		}
		server_stop(&s);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		AUTO_FREE char *extra = xasprintf("ForceCommand exec %s%s -c \"$SSH_ORIGINAL_COMMAND\"", others[i],
			strstr(others[i], "busybox") ? " ash" : "");

		if (access(others[i], X_OK) != 0)
			continue;
		s = server_start("host_ed25519", extra);
		know("host_ed25519", &s);
		r = run_conf(setup(&u, &s, "key_ed25519", CONF_TRANSPORT_SSH), 1 << 20);
		expect_up(&r, TRANSPORT_SSH);
		print_message("login shell %s works\n", others[i]);
		run_release(&r);
		server_stop(&s);
	}
	for (size_t i = 0; i < ARRAY_LEN(sh); i++) {
		AUTO_FREE char *extra =
			xasprintf("ForceCommand PATH=%s/as-%zu:$PATH; eval \"$SSH_ORIGINAL_COMMAND\"", work, i);

		if (access(sh[i], X_OK) != 0)
			continue;
		shell("mkdir %s/as-%zu && if [ %s = /bin/busybox ]; then %s --install -s %s/as-%zu; else ln "
		      "-s %s %s/as-%zu/sh; fi",
			work, i, sh[i], sh[i], work, i, sh[i], work, i);
		s = server_start("host_ed25519", extra);
		know("host_ed25519", &s);
		r = run_conf(setup(&u, &s, "key_ed25519", CONF_TRANSPORT_SSH), 1 << 20);
		expect_up(&r, TRANSPORT_SSH);
		print_message("sh = %s works\n", sh[i]);
		run_release(&r);
		server_stop(&s);
	}
	expect_clean();
}

/* The environment of the login, through sshd's SetEnv. */
static struct run run_env(const char *env, const struct transport_receiver *want)
{
	AUTO_FREE char *extra = xasprintf("SetEnv %s", env);
	struct server s = server_start("host_ed25519", extra);
	struct transport_receiver r = *want;
	struct transport *t;
	struct run out = {};
	struct setup u;

	know("host_ed25519", &s);
	assert_true(transport_resolve(setup(&u, &s, "key_ed25519", CONF_TRANSPORT_SSH), true, &t, &out.end));
	r.root = r.root ? r.root : work;
	out = run_with(t, &r, 0, NULL);
	transport_free(t);
	server_stop(&s);
	return out;
}

static void test_helper_places(void **state)
{
	AUTO_FREE char *helper = xasprintf("%s/installed/rehost-receiver", work);
	AUTO_FREE char *old = xasprintf("%s/old", work);
	AUTO_FREE char *path = xasprintf("PATH=%s/installed:/usr/bin:/bin", work);
	AUTO_FREE char *runtime = xasprintf("XDG_RUNTIME_DIR=%s", work);
	AUTO_FREE char *sudo = xasprintf("PATH=%s/sudo-yes:/usr/bin:/bin", work);
	AUTO_FREE char *no_sudo = xasprintf("PATH=%s/sudo-no:/usr/bin:/bin", work);
	struct transport_receiver plain = {};
	struct run r;

	NEED_SSHD();
	shell("mkdir -p %s/installed %s/sudo-yes %s/sudo-no && cp %s/rehost-receiver %s/installed/", work, work, work,
		work, work);
	shell("printf '#!/bin/sh\\necho rehost-receiver 0.0.1 old\\n' >%s/old && chmod 755 %s/old", work, work);
	shell("printf '#!/bin/sh\\nshift; shift; exec \"$@\"\\n' >%s/sudo-yes/sudo && chmod 755 "
	      "%s/sudo-yes/sudo",
		work, work);
	shell("printf '#!/bin/sh\\necho sudo: a password is required >&2; exit 1\\n' >%s/sudo-no/sudo && "
	      "chmod 755 %s/sudo-no/sudo",
		work, work);
	/* Installed and equal: nothing is sent. */
	r = run_env(path, &plain);
	expect_up(&r, TRANSPORT_SSH);
	assert_int_equal(r.helper_bytes, 0);
	assert_string_equal(r.dir, "");
	run_release(&r);
	/* Where it goes; and the leftovers of a dead shell and of another day do go. */
	shell("mkdir -m 700 %s/.rehost-helper-dead %s/.rehost-helper-old %s/.rehost-helper-live; echo "
	      "999999999 >"
	      "%s/.rehost-helper-dead/pid; echo $PPID >%s/.rehost-helper-live/pid; touch -d '3 days ago' "
	      "%s/.rehost-helper-old",
		work, work, work, work, work, work);
	r = run_env(runtime, &plain);
	expect_up(&r, TRANSPORT_SSH);
	assert_true(strncmp(r.dir, work, strlen(work)) == 0);
	assert_int_not_equal(access(r.dir, F_OK), 0);
	run_release(&r);
	shell("cd %s && test ! -e .rehost-helper-dead && test ! -e .rehost-helper-old && test -e "
	      ".rehost-helper-live",
		work);
	/* target.helper */
	r = run_env(runtime, &(struct transport_receiver){.helper = helper});
	expect_up(&r, TRANSPORT_SSH);
	assert_int_equal(r.helper_bytes, 0);
	run_release(&r);
	r = run_env(runtime, &(struct transport_receiver){.helper = old});
	assert_int_equal(r.boot.code, DIAG_TRANSPORT_HELPER_VERSION);
	assert_non_null(strstr(r.boot.detail, "0.0.1"));
	assert_non_null(strstr(r.boot.detail, REHOST_VERSION));
	run_release(&r);
	r = run_env(runtime, &(struct transport_receiver){.helper = "/does/not/exist; touch /tmp/x'y"});
	assert_int_equal(r.boot.code, DIAG_TRANSPORT_HELPER_MISSING);
	run_release(&r);
	/* sudo */
	r = run_env(sudo, &(struct transport_receiver){.sudo = true});
	expect_up(&r, TRANSPORT_SSH);
	run_release(&r);
	r = run_env(no_sudo, &(struct transport_receiver){.sudo = true});
	assert_int_equal(r.boot.code, DIAG_TRANSPORT_SUDO);
	assert_non_null(strstr(r.boot.detail, "a password is required"));
	run_release(&r);
	/* The receiver's own words, and its death. */
	r = run_env(runtime, &(struct transport_receiver){.root = "/no such 'dir"});
	assert_int_equal(r.boot.code, DIAG_TRANSPORT_ROOT);
	assert_int_equal(r.boot.err, ENOENT);
	assert_non_null(strstr(r.boot.detail, "/no such 'dir"));
	run_release(&r);
	r = run_env(runtime, &(struct transport_receiver){.root = "crash"});
	expect_end(&r, DIAG_TRANSPORT_RECEIVER, RES_FAILED);
	assert_non_null(strstr(r.end.detail, "signal 9"));
	run_release(&r);
	shell("cd %s && rm -rf .rehost-helper-live && for i in 1 2 3 4 5; do set -- .rehost-helper-*; test "
	      "-e \"$1\" || exit 0; "
	      "sleep 0.2; done; exit 1",
		work);
	expect_clean();
}

static void test_shared(void **state)
{
	struct transport_receiver r = {.root = work};
	struct transport_conn first;
	AUTO_BUF packed = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;
	struct transport *t;
	struct server s;
	struct setup u;
	struct run second;
	char dir[256] = "";
	uint64_t bytes;
	int helper;

	NEED_SSHD();
	s = server_start("host_ed25519", "");
	know("host_ed25519", &s);
	assert_true(transport_resolve(setup(&u, &s, "key_ed25519", CONF_TRANSPORT_AUTO), true, &t, &d));
	assert_non_null(strstr(transport_name(t), "ssh root@127.0.0.1:"));
	assert_null(transport_note(t));
	assert_true(transport_start(t, &r, &first, &d));
	transport_bootstrap_pack(t, &r, &packed);
	helper = open(transport_helper_path(), O_RDONLY | O_CLOEXEC);
	assert_true(transport_bootstrap(first.fd, packed.data, packed.len, helper, dir, &bytes, &d));
	assert_true(bytes > 0);
	second = run_with(t, &r, 1 << 20, dir);
	expect_up(&second, TRANSPORT_LIBSSH2);
	assert_int_equal(second.helper_bytes, 0);
	assert_string_equal(second.dir, dir);
	run_release(&second);
	/* Killed from outside: the shell behind the receiver still cleans up. */
	shell("test -d %s && kill -9 $(pgrep -f '^%s/rehost-receiver')", dir, dir);
	assert_int_equal(transport_collect(t, &first, &d), RES_FAILED);
	assert_int_equal(d.code, DIAG_TRANSPORT_RECEIVER);
	transport_conn_release(&first);
	close(helper);
	expect_clean();
	/* A link that is cut. */
	assert_true(transport_start(t, &r, &first, &d));
	helper = open(transport_helper_path(), O_RDONLY | O_CLOEXEC);
	assert_true(transport_bootstrap(first.fd, packed.data, packed.len, helper, dir, &bytes, &d));
	close(helper);
	shell("kill -9 $(pgrep -P %d)", s.pid);
	assert_int_equal(transport_collect(t, &first, &d), RES_FAILED);
	assert_int_equal(d.code, DIAG_TRANSPORT_LOST);
	transport_conn_release(&first);
	transport_free(t);
	server_stop(&s);
	expect_clean();
}

static void test_configuration(void **state)
{
	struct conf c = {.target.address = (char *)"-oProxyCommand=touch"};
	struct transport *t;
	AUTO_DIAG d = DIAG_INIT;

	assert_false(transport_resolve(&c, true, &t, &d));
	assert_int_equal(d.code, DIAG_TRANSPORT_ADDRESS);
	c.target.address = (char *)"host";
	c.target.ssh_command = (char *)"/does/not/exist";
	c.target.transport = CONF_TRANSPORT_SSH;
	assert_false(transport_resolve(&c, true, &t, &d));
	assert_int_equal(d.code, DIAG_TRANSPORT_NO_SSH);
	c.target.transport = CONF_TRANSPORT_AUTO; /* libssh2 needs no ssh */
	assert_true(transport_resolve(&c, true, &t, &d));
	assert_int_equal(transport_kind(t), TRANSPORT_LIBSSH2);
	transport_free(t);
	if (access("/usr/bin/ssh", X_OK) != 0)
		return;
	write_config("NoSuchOption yes\n");
	AUTO_FREE char *ssh = xasprintf("ssh -F %s/ssh_config", work);
	c.target.ssh_command = ssh;
	assert_false(transport_resolve(&c, true, &t, &d));
	assert_int_equal(d.code, DIAG_TRANSPORT_SSH_CONFIG);
	write_config("CertificateFile ~/x-cert.pub\n");
	assert_true(transport_resolve(&c, true, &t, &d));
	assert_int_equal(transport_kind(t), TRANSPORT_SSH);
	assert_non_null(transport_note(t));
	transport_free(t);
	c.target.transport = CONF_TRANSPORT_LIBSSH2;
	assert_false(transport_resolve(&c, true, &t, &d));
	assert_int_equal(d.code, DIAG_TRANSPORT_LIBSSH2_UNSUITED);
	write_config("%s", "");
}

/* ---- setting up ---- */

static int begin(void **state)
{
	write_config("%s", "");
	unsetenv("SSH_AUTH_SOCK");
	unsetenv("XDG_RUNTIME_DIR");
	if (!have_sshd())
		return 0;
	shell("mkdir -p /run/sshd; cd %s && for n in host other key; do ssh-keygen -q -t ed25519 -N '' -f "
	      "${n}_ed25519; done && "
	      "for n in host key; do ssh-keygen -q -t ecdsa -N '' -f ${n}_ecdsa; ssh-keygen -q -t rsa -b "
	      "2048 -N '' -f ${n}_rsa; "
	      "done; ssh-keygen -q -t ed25519 -N '' -f stranger; cat key_*.pub >authorized",
		work);
	return 0;
}

static int end(void **state)
{
	/* An agent that a failed test has left. */
	shell("cd %s; if [ -S agent ]; then . ./agent.sh >/dev/null; ssh-agent -k >/dev/null 2>&1; fi; rm -rf %s", work,
		work);
	return 0;
}

static void move_in(char **argv)
{
	AUTO_FREE char *self = NULL;

	strcpy(work, "/tmp/rehost-transport-XXXXXX");
	if (!mkdtemp(work))
		exit(1);
	chmod(work, 0755);
	shell("cp /proc/%d/exe %s/test && cp %s/test %s/rehost-receiver", getpid(), work, work, work);
	self = xasprintf("%s/test", work);
	setenv("REHOST_TEST_WORK", work, 1);
	execv(self, argv);
	exit(1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_known_hosts),
		cmocka_unit_test(test_bootstrap_lines),
		cmocka_unit_test(test_proxy_words),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_ecdsa),
		cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_host_keys),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_http_proxy),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_shells),
		cmocka_unit_test(test_helper_places),
		cmocka_unit_test(test_shared),
	};
	const char *slash = strrchr(argv[0], '/');

	if (argc == 4 && str_eq(argv[1], "--role=link"))
		return transport_link_main(atoi(argv[2]), atoi(argv[3]));
	if (str_eq(slash ? slash + 1 : argv[0], "rehost-receiver"))
		return receiver(argc, argv);
	if (!getenv("REHOST_TEST_WORK"))
		move_in(argv);
	snprintf(work, sizeof(work), "%s", getenv("REHOST_TEST_WORK"));
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, begin, end);
}
