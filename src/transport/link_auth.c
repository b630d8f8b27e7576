/* Who the server is, and who we are. */
#include "transport/link.h"
#include "base/fd.h"
#include "base/text.h"

#include <libssh2.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void remember(struct link *l, const struct link_keys *keys, const char *type, const char *blob, size_t n)
{
	const int fd = keys->known_fd;
	AUTO_BUF line = BUF_INIT;
	struct stat st;
	char last = '\n';

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)
		return;
	buf_printf(&line, "%s%s %s ", last == '\n' ? "" : "\n", keys->known.name, type);
	text_base64(&line, blob, n);
	buf_append_u8(&line, '\n');
	if (fd_write_full(fd, line.data, line.len) < 0)
		link_report_send(l->control, LINK_STDERR, "cannot write known_hosts\n", 25);
}

bool link_check_host_key(struct link *l, const struct link_keys *keys)
{
	const struct known *k = &keys->known;
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
		remember(l, keys, type, blob, n);
		return true;
	}
}

/* ---- the login ---- */

struct auth {
	struct link *l;
	struct link_keys *keys;
	const char *user;
	unsigned tried; /* keys the server refused */
};

static bool over(int rc)
{
	return rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_TIMEOUT;
}

static bool try_agent(struct auth *a)
{
	int rc = -1;

	for (unsigned i = 0; i < a->keys->id_count && !over(rc); i++) {
		rc = LINK_CALL(a->l, libssh2_agent_userauth(a->keys->agent, a->user, a->keys->ids[i]));
		if (rc == 0)
			return true;
		a->tried++;
	}
	return false;
}

static bool try_files(struct auth *a)
{
	int rc = -1;

	for (unsigned i = 0; i < a->keys->file_count && !over(rc); i++) {
		const struct key_text *k = &a->keys->files[i];

		rc = LINK_CALL(a->l,
			libssh2_userauth_publickey_frommemory(
				a->l->session, a->user, strlen(a->user), NULL, 0, k->text, k->n, ""));
		if (rc == 0)
			return true;
		/* Built with another library than OpenSSL it may not know how. */
		if (rc == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED || rc == LIBSSH2_ERROR_FILE)
			link_keys_pass_over(a->keys, k->path, "is a key that this libssh2 cannot use");
		else
			a->tried++;
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

bool link_authenticate(struct link *l, struct link_keys *keys)
{
	struct auth a = {.l = l, .keys = keys, .user = l->spec->user};
	const struct buf *passed_over = &keys->passed_over;
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
			a.tried == 1 ? "" : "s", passed_over->len ? "; " : "",
			passed_over->len ? buf_cstr(&keys->passed_over) : "");
	return ok;
}
