/*
 * Substitutes for what tells who a host is. Each value gets one, in the same form, wherever it stands: a UUID in fstab is still the
 * UUID of its file system. What is no secret to begin with stays: loopback, documentation and unspecified addresses.
 */
#include "facts/document.h"
#include "base/buf.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <search.h>
#include <stdio.h>

#define HOST_MAX 255 /* bytes of a name */

enum kind { KIND_UUID, KIND_HEX, KIND_MAC, KIND_IPV4, KIND_IPV6, KIND_NAME, KIND_SERIAL, KINDS };

struct known {
	char *value, *substitute;
};

/* A document of another host's may hold a million of them, chosen to be slow. */
struct names {
	void *tree; /* of struct known, by value: tsearch() */
	unsigned given[KINDS];
};

static char *make(enum kind kind, unsigned n)
{
	switch (kind) {
	case KIND_UUID:
		return xasprintf("00000000-0000-4000-8000-%012x", n);
	case KIND_HEX:
		return xasprintf("%032x", n);
	case KIND_MAC:
		return xasprintf("02:00:00:%02x:%02x:%02x", n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
	case KIND_IPV4:
		return xasprintf("198.%u.%u.%u", 18 + (n >> 16 & 1), n >> 8 & 0xff, n & 0xff); /* RFC 2544: nobody's */
	case KIND_IPV6:
		return xasprintf("2001:db8::%x", n);
	case KIND_NAME:
		return xasprintf("host%u", n);
	default:
		return xasprintf("SERIAL%u", n);
	}
}

static int by_value(const void *a, const void *b)
{
	return strcasecmp(((const struct known *)a)->value, ((const struct known *)b)->value);
}

static void known_free(void *p)
{
	struct known *k = p;

	free(k->value);
	free(k->substitute);
	free(k);
}

static const char *substitute(struct names *names, enum kind kind, const char *p, size_t n)
{
	struct known *new = xcalloc(1, sizeof(*new)), **at;

	new->value = xmemdup(p, n);
	at = tsearch(new, &names->tree, by_value);
	if (!at)
		abort(); /* no memory: as everywhere */
	if (*at == new)
		new->substitute = make(kind, ++names->given[kind]);
	else
		known_free(new);
	return (*at)->substitute;
}

/* ---- finding ---- */

/* x: a hexadecimal digit; anything else stands for itself. The length when p has this form and no more of the kind follows. */
static size_t form(const char *p, const char *pattern)
{
	size_t n = 0;

	for (; pattern[n]; n++)
		if (pattern[n] == 'x' ? !isxdigit((unsigned char)p[n]) : p[n] != pattern[n])
			return 0;
	return isalnum((unsigned char)p[n]) ? 0 : n;
}

/* strspn(), but of no more than max bytes: texts are long, and this is asked at every word. */
static size_t span(const char *p, const char *accept, size_t max)
{
	size_t n = 0;

	while (n < max && p[n] && strchr(accept, p[n]))
		n++;
	return n;
}

static size_t ipv4(const char *p)
{
	char text[16];
	size_t n = span(p, "0123456789.", sizeof(text) + 1);
	struct in_addr a;

	while (n && p[n - 1] == '.') /* of a sentence */
		n--;
	if (n < 7 || n >= sizeof(text))
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, &a) != 1)
		return 0;
	a.s_addr = ntohl(a.s_addr);
	return a.s_addr >> 24 == 127 || !a.s_addr || a.s_addr >> 24 == 255 ? 0 : n;
}

static size_t ipv6(const char *p)
{
	char text[INET6_ADDRSTRLEN];
	size_t n = span(p, "0123456789abcdefABCDEF:", sizeof(text));
	struct in6_addr a;

	if (n < 3 || n >= sizeof(text) || !memchr(p, ':', n))
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, &a) != 1 || IN6_IS_ADDR_LOOPBACK(&a) || IN6_IS_ADDR_UNSPECIFIED(&a))
		return 0;
	return n;
}

static size_t find(const char *p, enum kind *out)
{
	size_t n;

	if ((n = form(p, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))) {
		*out = KIND_UUID;
	} else if ((n = form(p, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))) {
		*out = KIND_HEX;
	} else if ((n = form(p, "xx:xx:xx:xx:xx:xx")) && p[n] != ':') {
		*out = strncmp(p, "00:00:00:00:00:00", n) == 0 ? KINDS : KIND_MAC;
	} else if ((n = ipv4(p))) {
		*out = KIND_IPV4;
	} else if ((n = ipv6(p))) {
		*out = KIND_IPV6;
	}
	return n;
}

static char *replaced(struct names *names, const char *text, const char *host)
{
	const size_t h = host ? strlen(host) : 0;
	AUTO_BUF out = BUF_INIT;
	bool inside = false; /* of a word: no value begins there */

	for (const char *p = text; *p;) {
		enum kind kind = KINDS;
		size_t n = inside ? 0 : find(p, &kind);

		if (!n && !inside && h && strncmp(p, host, h) == 0 && !isalnum((unsigned char)p[h])) {
			n = h;
			kind = KIND_NAME;
		}
		if (n && kind != KINDS)
			buf_append_str(&out, substitute(names, kind, p, n));
		else
			buf_append(&out, p, n = n ? n : 1);
		inside = isalnum((unsigned char)p[n - 1]);
		p += n;
	}
	return xstrdup(buf_cstr(&out));
}

/* Names of members whose values say it as they are. */
static bool is_serial(const char *name)
{
	static const char *const names[] = {"serial", "product_serial", "chassis_asset_tag"};

	for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

static void walk(struct names *names, cJSON *item, const char *host)
{
	for (cJSON *i = item; i; i = i->next) {
		if (cJSON_IsString(i) && *i->valuestring) {
			AUTO_FREE char *text = is_serial(i->string)
				? xstrdup(substitute(names, KIND_SERIAL, i->valuestring, strlen(i->valuestring)))
				: replaced(names, i->valuestring, host);

			cJSON_SetValuestring(i, text);
		}
		walk(names, i->child, host);
	}
}

void facts_anonymize(cJSON *facts)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(facts, "os"), "hostname");
	AUTO_FREE char *host = cJSON_IsString(name) ? xstrdup(name->valuestring) : NULL;
	struct names names = {0};

	if (host && strlen(host) > HOST_MAX) /* it is none */
		free(STEAL(host));
	walk(&names, facts->child, host);
	tdestroy(names.tree, known_free);
}
