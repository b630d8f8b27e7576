/* The address of the target: [user@]host[:port], [v6] in brackets, local: */
#include "transport/address.h"
#include "base/text.h"

#include <ctype.h>

/*
 * Host and user become arguments of ssh and of proxy commands (in a shell). OpenSSH itself refuses a leading
 * '-' and shell characters; so do we, before anything is executed.
 */
bool address_word_ok(const char *s)
{
	if (!*s || *s == '-' || strlen(s) > 255)
		return false;
	for (; *s; s++)
		if (!isgraph((unsigned char)*s) || strchr("'\"`$\\;&<>|(){}!*?", *s))
			return false;
	return true;
}

void address_release(struct address *a)
{
	free(a->user);
	free(a->host);
	*a = (struct address){};
}

static bool port_parse(const char *s, unsigned *out)
{
	uint64_t v;

	if (!text_parse_u64(s, 65535, &v) || v == 0)
		return false;
	*out = (unsigned)v;
	return true;
}

/* "[v6]" or "[v6]:port", or a bracketed name. */
static bool bracketed(const char *s, struct address *out)
{
	const char *end = strchr(s, ']');

	if (!end || end == s + 1)
		return false;
	out->host = xmemdup(s + 1, (size_t)(end - s - 1));
	if (!end[1])
		return true;
	return end[1] == ':' && port_parse(end + 2, &out->port);
}

bool address_parse(const char *text, struct address *out)
{
	const char *at = strrchr(text, '@'), *host = at ? at + 1 : text, *colon;

	*out = (struct address){};
	if (str_eq(text, "local:")) {
		out->local = true;
		return true;
	}
	if (at)
		out->user = xmemdup(text, (size_t)(at - text));
	colon = strchr(host, ':');
	if (*host == '[') {
		if (!bracketed(host, out))
			goto bad;
	} else if (colon && !strchr(colon + 1, ':')) {
		out->host = xmemdup(host, (size_t)(colon - host));
		if (!port_parse(colon + 1, &out->port))
			goto bad;
	} else {
		out->host = xstrdup(host); /* a name, or an IPv6 address without brackets */
	}
	if (!address_word_ok(out->host) || strpbrk(out->host, "/[]@") || (out->user && !address_word_ok(out->user)))
		goto bad;
	return true;
bad:
	address_release(out);
	return false;
}
