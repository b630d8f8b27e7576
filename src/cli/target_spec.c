#include "cli/target_spec.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define LOCAL "local:"

static bool is_local(const char *text)
{
	return strncmp(text, LOCAL, strlen(LOCAL)) == 0;
}

bool target_spec_is_one(const char *text)
{
	/* The colons of [v6] come before any slash too. */
	return is_local(text) || text[strcspn(text, ":/")] == ':';
}

static bool fail(struct diag *d, char **out_hint, char *hint, const char *text, const char *why)
{
	diag_set(d, DIAG_CLI_TARGET, 0, NULL, "'%s' is no target: %s", text, why);
	*out_hint = hint;
	return false;
}

/* What ssh may be given as a word: nothing it could take for an option, no white space, no control characters. */
static bool is_word(const char *s, size_t len, const char *forbidden)
{
	if (!len || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || strchr(forbidden, s[i]))
			return false;
	return true;
}

static bool is_ipv6(const char *s, size_t len)
{
	char host[INET6_ADDRSTRLEN];
	const char *zone = memchr(s, '%', len);
	struct in6_addr addr;

	if (zone)
		len = (size_t)(zone - s);
	if (len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	return inet_pton(AF_INET6, host, &addr) == 1;
}

/* "2001:db8::1:/srv" would be the host 2001: an address that forgot its brackets. */
static bool lacks_brackets(const char *text)
{
	size_t end = strcspn(text, "/");
	const char *at = memrchr(text, '@', end), *colon;

	if (at) {
		end -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (is_ipv6(text, end))
		return true;
	colon = memrchr(text, ':', end);
	return colon && is_ipv6(text, (size_t)(colon - text));
}

static char *strip_slashes(const char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	return xmemdup(dir, len);
}

/* The directory itself may not exist yet, the one above it should: links above it are resolved, so that one
 * directory has one name. */
static char *make_absolute(const char *dir)
{
	AUTO_FREE char *cwd = NULL, *full = NULL, *above = NULL;
	char *real, *slash;

	if (dir[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return NULL;
		full = xasprintf("%s/%s", cwd, dir);
	} else
		full = xstrdup(dir);
	real = realpath(full, NULL);
	if (real)
		return real;
	slash = strrchr(full, '/');
	*slash = '\0';
	above = realpath(*full ? full : "/", NULL);
	if (!above) {
		*slash = '/';
		return STEAL(full);
	}
	return xasprintf("%s/%s", str_eq(above, "/") ? "" : above, slash + 1);
}

static bool parse_local(const char *text, struct target_spec *out, struct diag *d, char **out_hint)
{
	AUTO_FREE char *dir = strip_slashes(text + strlen(LOCAL));

	if (!*dir)
		return fail(d, out_hint, xstrdup("write local:DIR"), text, "it names no directory");
	out->local = true;
	out->dir = make_absolute(dir);
	if (!out->dir) {
		diag_set(d, DIAG_CLI_TARGET, errno, NULL,
			"cannot find the working directory, which '%s' is relative to", text);
		return false;
	}
	return true;
}

/* text up to the colon behind HOST; returns what follows the colon, or NULL. */
static const char *parse_host(const char *text, struct target_spec *out, struct diag *d, char **out_hint)
{
	size_t before = strcspn(text, ":/["), len;
	const char *end = text + before, *host = text, *at;

	if (*end == '[' && (end == text || end[-1] == '@')) {
		host = end + 1;
		end = strchr(host, ']');
		if (!end || end[1] != ':') {
			fail(d, out_hint, xstrdup("write [ADDRESS]:DIR or [ADDRESS]:PORT:DIR"), text,
				"no ']:' ends the address");
			return NULL;
		}
		len = (size_t)(end - host);
		if (!is_ipv6(host, len) && !is_word(host, len, ":@[")) {
			fail(d, out_hint, NULL, text, "no address stands between the brackets");
			return NULL;
		}
		at = host - 1 > text ? host - 2 : NULL;
		end++;
	} else {
		end = text + strcspn(text, ":/");
		at = memrchr(text, '@', (size_t)(end - text));
		if (at)
			host = at + 1;
		len = (size_t)(end - host);
		if (*end != ':') {
			fail(d, out_hint,
				xasprintf("write [USER@]HOST:DIR, or local:%s for a directory of this host", text),
				text, "it has no colon before a slash");
			return NULL;
		}
		if (end[1] == ':' || lacks_brackets(text)) {
			fail(d, out_hint,
				xstrdup("put an IPv6 address in brackets: [::1]:DIR; rsync daemons are not "
					"spoken to"),
				text, "too many colons");
			return NULL;
		}
		if (!is_word(host, len, "[]")) {
			fail(d, out_hint, NULL, text, "it names no host");
			return NULL;
		}
	}
	if (at && !is_word(text, (size_t)(at - text), "")) {
		fail(d, out_hint, NULL, text, "it names no user before the '@'");
		return NULL;
	}
	if (at)
		out->user = xmemdup(text, (size_t)(at - text));
	out->host = xmemdup(host, len);
	return end + 1;
}

bool target_spec_parse(const char *text, struct target_spec *out, struct diag *d, char **out_hint)
{
	const char *rest;
	size_t digits;

	*out = (struct target_spec){0};
	*out_hint = NULL;
	if (is_local(text))
		return parse_local(text, out, d, out_hint);
	rest = parse_host(text, out, d, out_hint);
	if (!rest)
		return false;
	digits = strspn(rest, "0123456789");
	if (digits && rest[digits] == ':') {
		AUTO_FREE char *port = xmemdup(rest, digits);
		uint64_t n;

		if (!text_parse_u64(port, 65535, &n) || n == 0)
			return fail(d, out_hint,
				xstrdup("a port is 1 to 65535; write HOST:./NAME for a name with a colon"), text,
				"its port is out of range");
		out->port = (unsigned)n;
		rest += digits + 1;
	}
	if (!*rest)
		return fail(d, out_hint, xasprintf("write '%s.' for the login's home directory", text), text,
			"it names no directory");
	if (rest[0] == '~') {
		if (rest[1] && rest[1] != '/')
			return fail(d, out_hint,
				xstrdup("write the home directory out, or './~NAME' for a name that begins "
					"so"),
				text, "the home of another user is not looked up");
		rest++;
		rest += strspn(rest, "/");
		if (!*rest)
			rest = ".";
	}
	out->dir = strip_slashes(rest);
	return true;
}

void target_spec_release(struct target_spec *s)
{
	free(s->user);
	free(s->host);
	free(s->dir);
	*s = (struct target_spec){0};
}

void target_spec_format(struct buf *out, const struct target_spec *s)
{
	if (s->local) {
		buf_append_str(out, LOCAL);
	} else {
		bool brackets = strchr(s->host, ':') != NULL;

		if (s->user)
			buf_printf(out, "%s@", s->user);
		buf_printf(out, brackets ? "[%s]:" : "%s:", s->host);
		if (s->port)
			buf_printf(out, "%u:", s->port);
	}
	buf_append_str(out, s->dir);
}
