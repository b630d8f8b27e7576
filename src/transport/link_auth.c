/* Who the server is, and who we are. */
#include "transport/keyfile.h"
#include "transport/link.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGENT_KEYS_MAX 4 /* servers count every key as a failure: MaxAuthTries is 6 */
#define FILE_KEYS_MAX 4

/* ---- the host key ---- */

static const char *key_type(int type)
{
	switch (type) {
	case LIBSSH2_HOSTKEY_TYPE_RSA:
		return "ssh-rsa";
	case LIBSSH2_HOSTKEY_TYPE_ECDSA_256:
		return "ecdsa-sha2-nistp256";
	case LIBSSH2_HOSTKEY_TYPE_ECDSA_384:
		return "ecdsa-sha2-nistp384";
	case LIBSSH2_HOSTKEY_TYPE_ECDSA_521:
		return "ecdsa-sha2-nistp521";
	case LIBSSH2_HOSTKEY_TYPE_ED25519:
		return "ssh-ed25519";
	default:
		return NULL;
	}
}

static void fingerprint(struct link *l, struct buf *out)
{
	const char *hash = libssh2_hostkey_hash(l->session, LIBSSH2_HOSTKEY_HASH_SHA256);

	buf_append_str(out, "SHA256:");
	if (hash)
		text_base64(out, hash, 32);
	while (out->len && out->data[out->len - 1] == '=')
		out->len--;
}

/* The first of the files is the user's; ssh itself only warns when it cannot be written, and so do we. */
static void remember(struct link *l, const struct known *k, const char *type, const char *blob, size_t n)
{
	const char *path = l->spec->known_files.n ? l->spec->known_files.v[0] : NULL;
	AUTO_FREE char *dir = path ? xstrdup(path) : NULL;
	char *slash = dir ? strrchr(dir, '/') : NULL;
	AUTO_BUF line = BUF_INIT;
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char last = '\n';

	if (!path)
		return;
	if (slash && slash > dir) {
		*slash = '\0';
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return;
	}
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)
		return;
	buf_printf(&line, "%s%s %s ", last == '\n' ? "" : "\n", k->name, type);
	text_base64(&line, blob, n);
	buf_append_u8(&line, '\n');
	if (fd_write_full(fd, line.data, line.len) < 0)
		link_report_send(l->control, LINK_STDERR, "cannot write known_hosts\n", 25);
}

bool link_check_host_key(struct link *l, const struct known *k)
{
	AUTO_BUF print = BUF_INIT;
	const char *file = "", *type, *blob;
	unsigned line = 0;
	size_t n;
	int kind;

	blob = libssh2_session_hostkey(l->session, &n, &kind);
	type = key_type(kind);
	if (!blob || !type)
		return link_fail(l, LINK_UNSUPPORTED, "the host key is of a type libssh2 does not know");
	fingerprint(l, &print);
	switch (known_check(k, type, blob, n, &file, &line)) {
	case KNOWN_MATCH:
		return true;
	case KNOWN_COMPLEX:
		return link_fail(
			l, LINK_UNSUPPORTED, "known_hosts holds @cert-authority or @revoked lines for '%s'", k->name);
	case KNOWN_CHANGED:
		if (l->spec->host_key == HOST_KEY_OFF)
			return link_fail(
				l, LINK_UNSUPPORTED, "the host key has changed, and StrictHostKeyChecking is off");
		return link_fail(l, LINK_KEY_CHANGED,
			"the host key of '%s' has changed, it shows %s %s, other than %s:%u", k->name, type,
			buf_cstr(&print), file, line);
	case KNOWN_NEW:
	default:
		if (l->spec->host_key == HOST_KEY_STRICT)
			return link_fail(l, LINK_KEY_UNKNOWN, "the host key of '%s' is not known, it shows %s %s",
				k->name, type, buf_cstr(&print));
		remember(l, k, type, blob, n);
		return true;
	}
}

/* ---- the login ---- */

struct auth {
	struct link *l;
	const char *user;
	unsigned tried; /* keys the server refused */
	bool rsa; /* this libssh2 can sign as modern servers want it */
	struct buf passed_over; /* why keys were not tried */
};

static bool rsa_works(struct link *l)
{
	/* rsa-sha2 came with 1.11.0. */
	return libssh2_version(0x010b00) != NULL;
}

static void pass_over(struct auth *a, const char *what, const char *why)
{
	buf_printf(&a->passed_over, "%s%s %s", a->passed_over.len ? ", " : "", what, why);
}

static bool type_usable(const struct auth *a, const unsigned char *blob, size_t n)
{
	static const char *const types[] = {
		"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t len = strlen(types[i]);

		if (n > 4 + len && blob[3] == len && memcmp(blob + 4, types[i], len) == 0)
			return i < 4 || a->rsa;
	}
	return false;
}

/* IdentitiesOnly: the agent may only use the keys whose public half lies beside an identity file. */
static bool chosen(const struct auth *a, const unsigned char *blob, size_t n)
{
	const struct strv *ids = &a->l->spec->identities;

	if (!a->l->spec->identities_only)
		return true;
	for (size_t i = 0; i < ids->n; i++) {
		AUTO_FREE char *path = xasprintf("%s.pub", ids->v[i]);
		AUTO_FREE char *text = NULL;
		AUTO_BUF raw = BUF_INIT;
		AUTO_STRV words = {};
		size_t len;

		if (fd_read_file(AT_FDCWD, path, 65536, &text, &len) == 0 && strv_split(&words, text, len) &&
			words.n >= 2 && base64_decode(&raw, words.v[1], strlen(words.v[1])) && raw.len == n &&
			memcmp(raw.data, blob, n) == 0)
			return true;
	}
	return false;
}

static bool try_agent(struct auth *a)
{
	struct link *l = a->l;
	LIBSSH2_AGENT *agent;
	struct libssh2_agent_publickey *id = NULL;
	bool ok = false;

	if (!l->spec->agent)
		return false;
	agent = libssh2_agent_init(l->session);
	if (!agent)
		return false;
	libssh2_agent_set_identity_path(agent, l->spec->agent);
	if (libssh2_agent_connect(agent) == 0 && libssh2_agent_list_identities(agent) == 0) {
		for (unsigned used = 0; !ok && used < AGENT_KEYS_MAX && !libssh2_agent_get_identity(agent, &id, id);) {
			int rc;

			if (!chosen(a, id->blob, id->blob_len))
				continue;
			if (!type_usable(a, id->blob, id->blob_len)) {
				pass_over(a, "a key of the agent", "is of a type libssh2 cannot use");
				continue;
			}
			used++;
			rc = LINK_CALL(l, libssh2_agent_userauth(agent, a->user, id));
			ok = rc == 0;
			a->tried++;
			if (rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_TIMEOUT)
				break;
		}
	}
	libssh2_agent_disconnect(agent);
	libssh2_agent_free(agent);
	return ok;
}

/* Whether the file holds a key that libssh2 can use without asking anybody. */
static bool key_usable(struct auth *a, const char *path)
{
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t n;
	enum key_kind kind;

	if (stat(path, &st) < 0)
		return false; /* most of the default names are not there */
	if (st.st_uid == geteuid() && st.st_mode & 077) {
		pass_over(a, path, "can be read by others");
		return false;
	}
	if (fd_read_file(AT_FDCWD, path, 65536, &text, &n) < 0) {
		pass_over(a, path, "cannot be read");
		return false;
	}
	kind = key_classify(text, n);
	explicit_bzero(text, n);
	if (kind == KEY_PLAIN || (kind == KEY_RSA && a->rsa))
		return true;
	pass_over(a, path, kind == KEY_RSA ? "is an RSA key" : "is encrypted or of a type libssh2 cannot use");
	return false;
}

static bool try_files(struct auth *a)
{
	const struct strv *ids = &a->l->spec->identities;
	unsigned used = 0;

	for (size_t i = 0; i < ids->n && used < FILE_KEYS_MAX; i++) {
		int rc;

		if (!key_usable(a, ids->v[i]))
			continue;
		used++;
		rc = LINK_CALL(a->l,
			libssh2_userauth_publickey_fromfile_ex(
				a->l->session, a->user, (unsigned)strlen(a->user), NULL, ids->v[i], ""));
		if (rc == 0)
			return true;
		a->tried++;
		if (rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_TIMEOUT)
			return false;
	}
	return false;
}

/* Asks which methods there are, which is itself an attempt with none. */
static bool list_methods(struct auth *a, char **out)
{
	struct link *l = a->l;

	while (!(*out = libssh2_userauth_list(l->session, a->user, (unsigned)strlen(a->user)))) {
		if (libssh2_userauth_authenticated(l->session))
			return true;
		if (libssh2_session_last_errno(l->session) != LIBSSH2_ERROR_EAGAIN || !link_wait(l))
			return link_fail_ssh(l, LINK_LOST, "the login did not begin");
	}
	return true;
}

bool link_authenticate(struct link *l)
{
	struct auth a = {.l = l, .user = l->spec->user, .rsa = rsa_works(l)};
	char *methods;
	bool ok;

	if (!list_methods(&a, &methods))
		return false;
	if (!methods)
		return true;
	if (!strstr(methods, "publickey"))
		return link_fail(l, LINK_AUTH, "the server does not take keys, only %.100s", methods);
	ok = try_agent(&a) || try_files(&a);
	if (!ok && (l->broken || l->ended) && !l->dismissed)
		link_fail(l, LINK_LOST, "the connection ended during the login"); /* that is no refusal */
	else if (!ok)
		link_fail(l, LINK_AUTH, "'%s' was not let in with %u key%s%s%s", a.user, a.tried,
			a.tried == 1 ? "" : "s", a.passed_over.len ? "; " : "", buf_cstr(&a.passed_over));
	buf_release(&a.passed_over);
	return ok;
}
