/* What ssh_config says about a host: the output of ssh -G, read into the few settings that matter here. */
#include "transport/settings.h"
#include "base/text.h"

#include <ctype.h>
#include <pwd.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

char *home_dir(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *home = pw && pw->pw_dir && *pw->pw_dir ? pw->pw_dir : getenv("HOME");

	return xstrdup(home && *home == '/' ? home : "/");
}

char *local_user(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *user = pw ? pw->pw_name : getenv("USER");

	return xstrdup(user && *user ? user : "root");
}

void ssh_settings_release(struct ssh_settings *s)
{
	free(s->hostname);
	free(s->user);
	strv_release(&s->identities);
	strv_release(&s->known_files);
	free(s->host_key_alias);
	free(s->proxy_jump);
	free(s->proxy_command);
	free(s->agent);
	free(s->unsuited);
	*s = (struct ssh_settings){};
}

static bool is_off(const char *v)
{
	return str_eq(v, "no") || str_eq(v, "false") || str_eq(v, "none") || !*v;
}

static void replace(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

/* Settings that libssh2, or our use of it, cannot honour. The values that mean "not used" are harmless. */
static void note_unsuited(struct ssh_settings *s, const char *key, const char *value)
{
	static const char *const keys[] = {"certificatefile", "knownhostscommand", "revokedhostkeys",
		"verifyhostkeydns", "proxyusefdpass", "bindaddress", "bindinterface", "pkcs11provider"};

	s->special =
		s->special || ((strncmp(key, "bind", 4) == 0 || str_eq(key, "canonicalizehostname")) && !is_off(value));
	if (s->unsuited)
		return;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(key, keys[i]) && !is_off(value))
			s->unsuited = xasprintf("ssh_config sets %s", key);
	if (str_eq(key, "pubkeyauthentication") && is_off(value))
		s->unsuited = xstrdup("ssh_config switches public keys off");
}

static void set_host_key(struct ssh_settings *s, const char *v)
{
	if (str_eq(v, "accept-new"))
		s->host_key = HOST_KEY_ACCEPT_NEW;
	else if (str_eq(v, "no") || str_eq(v, "off") || str_eq(v, "false"))
		s->host_key = HOST_KEY_OFF;
	else
		s->host_key = HOST_KEY_STRICT; /* yes, ask: nobody is there to be asked */
}

static void apply(
	struct ssh_settings *s, struct strv *user_known, struct strv *global_known, const char *key, const char *value)
{
	uint64_t v;

	if (str_eq(key, "hostname"))
		replace(&s->hostname, value);
	else if (str_eq(key, "user"))
		replace(&s->user, value);
	else if (str_eq(key, "port") && text_parse_u64(value, 65535, &v) && v)
		s->port = (unsigned)v;
	else if (str_eq(key, "identityfile")) {
		if (s->identities.n < 64 && !str_eq(value, "none"))
			strv_add(&s->identities, value);
	} else if (str_eq(key, "userknownhostsfile"))
		strv_split(user_known, value, strlen(value));
	else if (str_eq(key, "globalknownhostsfile"))
		strv_split(global_known, value, strlen(value));
	else if (str_eq(key, "hostkeyalias") && !is_off(value))
		replace(&s->host_key_alias, value);
	else if (str_eq(key, "stricthostkeychecking"))
		set_host_key(s, value);
	else if (str_eq(key, "proxyjump") && !str_eq(value, "none"))
		replace(&s->proxy_jump, value);
	else if (str_eq(key, "proxycommand") && !str_eq(value, "none"))
		replace(&s->proxy_command, value);
	else if (str_eq(key, "identityagent") && !str_eq(value, "SSH_AUTH_SOCK"))
		replace(&s->agent, value);
	else if (str_eq(key, "connecttimeout") && text_parse_u64(value, 3600, &v))
		s->connect_timeout = (unsigned)v;
	else if (str_eq(key, "addressfamily"))
		s->family = str_eq(value, "inet") ? AF_INET : str_eq(value, "inet6") ? AF_INET6 : AF_UNSPEC;
	else if (str_eq(key, "identitiesonly"))
		s->identities_only = !is_off(value);
	else
		note_unsuited(s, key, value);
}

static void known_files_add(struct strv *out, const struct strv *from)
{
	for (size_t i = 0; i < from->n && out->n < 16; i++)
		if (*from->v[i] && !str_eq(from->v[i], "none"))
			strv_add(out, from->v[i]);
}

void ssh_settings_parse(struct ssh_settings *s, const char *text, size_t n)
{
	AUTO_STRV user_known = {};
	AUTO_STRV global_known = {};
	const char *end = text + n;

	*s = (struct ssh_settings){.port = 22};
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((eol ? eol : end) - text), key_len = 0;
		AUTO_FREE char *line = xmemdup(text, len);

		text += len + (eol ? 1 : 0);
		if (strlen(line) != len || len > 65536)
			continue;
		for (; line[key_len] && !isspace((unsigned char)line[key_len]); key_len++)
			line[key_len] = (char)tolower((unsigned char)line[key_len]);
		if (!line[key_len])
			continue;
		line[key_len++] = '\0';
		while (isspace((unsigned char)line[key_len]))
			key_len++;
		while (len > key_len && isspace((unsigned char)line[len - 1]))
			line[--len] = '\0';
		apply(s, &user_known, &global_known, line, line + key_len);
	}
	known_files_add(&s->known_files, &user_known);
	known_files_add(&s->known_files, &global_known);
}

void ssh_settings_default(struct ssh_settings *s, const char *host)
{
	*s = (struct ssh_settings){.port = 22};
	s->hostname = xstrdup(host);
	s->user = local_user();
	strv_add(&s->identities, "~/.ssh/id_ed25519");
	strv_add(&s->identities, "~/.ssh/id_ecdsa");
	strv_add(&s->known_files, "~/.ssh/known_hosts");
	strv_add(&s->known_files, "/etc/ssh/ssh_known_hosts");
}

/* ${NAME}: appends its value and returns what follows; NULL when it is malformed or unset. */
static const char *expand_variable(struct buf *out, const char *p)
{
	const char *end = strchr(p, '}'), *value;
	AUTO_FREE char *name = NULL;

	if (!end)
		return NULL;
	name = xmemdup(p + 2, (size_t)(end - p - 2));
	value = getenv(name);
	if (!value)
		return NULL;
	buf_append_str(out, value);
	return end + 1;
}

static bool expand_token(const struct ssh_settings *s, const char *host, char token, struct buf *out)
{
	AUTO_FREE char *value = NULL;

	switch (token) {
	case '%':
		buf_append_u8(out, '%');
		return true;
	case 'h':
		buf_append_str(out, s->hostname);
		return true;
	case 'n':
		buf_append_str(out, host);
		return true;
	case 'p':
		buf_printf(out, "%u", s->port);
		return true;
	case 'r':
		buf_append_str(out, s->user);
		return true;
	case 'd':
		value = home_dir();
		break;
	case 'u':
		value = local_user();
		break;
	default:
		return false;
	}
	buf_append_str(out, value);
	return true;
}

char *ssh_settings_expand(const struct ssh_settings *s, const char *host, const char *text, bool is_path)
{
	AUTO_BUF out = BUF_INIT;
	const char *p = text;

	if (is_path && p[0] == '~' && (p[1] == '/' || !p[1])) {
		AUTO_FREE char *home = home_dir();
		buf_append_str(&out, home);
		p++;
	} else if (is_path && p[0] == '~') {
		return NULL; /* another user's home */
	}
	while (*p) {
		if (is_path && p[0] == '$' && p[1] == '{') {
			p = expand_variable(&out, p);
			if (!p)
				return NULL;
		} else if (*p == '%') {
			if (!p[1] || !expand_token(s, host, p[1], &out))
				return NULL;
			p += 2;
		} else {
			buf_append_u8(&out, (uint8_t)*p++);
		}
	}
	return buf_detach(&out);
}
