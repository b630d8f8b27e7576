/* What the link needs of this host's files, and of the user's agent, while it still has his rights. */
#include "transport/link_keys.h"
#include "transport/keyfile.h"
#include "transport/link.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void link_keys_pass_over(struct link_keys *k, const char *what, const char *why)
{
	buf_printf(&k->passed_over, "%s%s %s", k->passed_over.len ? ", " : "", what, why);
}

static bool rsa_works(void)
{
	/* rsa-sha2, which is what modern servers want, came with 1.11.0. */
	return libssh2_version(0x010b00) != NULL;
}

static bool type_usable(const unsigned char *blob, size_t n)
{
	static const char *const types[] = {
		"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t len = strlen(types[i]);

		if (n > 4 + len && blob[3] == len && memcmp(blob + 4, types[i], len) == 0)
			return i < 4 || rsa_works();
	}
	return false;
}

/* IdentitiesOnly: the agent may only use the keys whose public half lies beside an identity file. */
static bool chosen(const struct link_spec *s, const unsigned char *blob, size_t n)
{
	if (!s->identities_only)
		return true;
	for (size_t i = 0; i < s->identities.n; i++) {
		AUTO_FREE char *path = xasprintf("%s.pub", s->identities.v[i]);
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

static void ask_agent(struct link *l, struct link_keys *k)
{
	struct libssh2_agent_publickey *id = NULL;

	if (!l->spec->agent)
		return;
	k->agent = libssh2_agent_init(l->session);
	if (!k->agent)
		return;
	libssh2_agent_set_identity_path(k->agent, l->spec->agent);
	if (libssh2_agent_connect(k->agent) != 0 || libssh2_agent_list_identities(k->agent) != 0)
		return;
	while (k->id_count < AGENT_KEYS_MAX && !libssh2_agent_get_identity(k->agent, &id, id)) {
		if (!chosen(l->spec, id->blob, id->blob_len))
			continue;
		if (type_usable(id->blob, id->blob_len))
			k->ids[k->id_count++] = id;
		else
			link_keys_pass_over(k, "a key of the agent", "is of a type libssh2 cannot use");
	}
}

/* Only what libssh2 can use without asking anybody. */
static void read_key(struct link_keys *k, const char *path)
{
	struct stat st;
	char *text;
	size_t n;
	enum key_kind kind;

	if (stat(path, &st) < 0)
		return; /* most of the default names are not there */
	if (st.st_uid == geteuid() && st.st_mode & 077) {
		link_keys_pass_over(k, path, "can be read by others");
		return;
	}
	if (fd_read_file(AT_FDCWD, path, 65536, &text, &n) < 0) {
		link_keys_pass_over(k, path, "cannot be read");
		return;
	}
	kind = key_classify(text, n);
	if (kind == KEY_PLAIN || (kind == KEY_RSA && rsa_works())) {
		k->files[k->file_count++] = (struct key_text){path, text, n};
		return;
	}
	explicit_bzero(text, n);
	free(text);
	link_keys_pass_over(
		k, path, kind == KEY_RSA ? "is an RSA key" : "is encrypted or of a type libssh2 cannot use");
}

/* The first of the files is the user's. -1: ssh itself only warns when it cannot be written, and so do we. */
static int open_known(const struct link_spec *s)
{
	const char *path = s->host_key != HOST_KEY_STRICT && s->known_files.n ? s->known_files.v[0] : NULL;
	AUTO_FREE char *dir = path ? xstrdup(path) : NULL;
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!path)
		return -1;
	if (slash && slash > dir) {
		*slash = '\0';
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return -1;
	}
	return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

bool link_keys_gather(struct link *l, struct link_keys *k)
{
	const struct link_spec *s = l->spec;
	const char *unread;

	if (!known_load(&k->known, &s->known_files, s->hostname, s->port, s->key_name, &unread))
		return link_fail(l, LINK_KNOWN_HOSTS, "cannot read '%s': %s", unread, strerror(errno));
	k->known_fd = open_known(s);
	ask_agent(l, k);
	for (size_t i = 0; i < s->identities.n && k->file_count < FILE_KEYS_MAX; i++)
		read_key(k, s->identities.v[i]);
	return true;
}

void link_keys_release(struct link_keys *k)
{
	known_release(&k->known);
	cleanup_close(&k->known_fd);
	if (k->agent) {
		libssh2_agent_disconnect(k->agent);
		libssh2_agent_free(k->agent);
	}
	for (unsigned i = 0; i < k->file_count; i++) {
		explicit_bzero(k->files[i].text, k->files[i].n);
		free(k->files[i].text);
	}
	buf_release(&k->passed_over);
	*k = (struct link_keys)LINK_KEYS_INIT;
}
