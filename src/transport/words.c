/* Words: lists of strings, quoting, and what OpenSSH's client means by what it says. */
#include "transport/words.h"
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

void strv_take(struct strv *s, char *value)
{
	s->v = xrealloc(s->v, (s->n + 2) * sizeof(*s->v));
	s->v[s->n++] = value;
	s->v[s->n] = NULL;
}

void strv_add(struct strv *s, const char *value)
{
	strv_take(s, xstrdup(value));
}

void strv_addf(struct strv *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(s, xvasprintf(fmt, ap));
	va_end(ap);
}

void strv_add_all(struct strv *s, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(s, from->v[i]);
}

void strv_release(struct strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strv){};
}

bool strv_split(struct strv *out, const char *text, size_t n)
{
	size_t i = 0;

	for (;;) {
		struct buf word = BUF_INIT;
		char quote = 0;

		while (i < n && isspace((unsigned char)text[i]))
			i++;
		if (i == n)
			return true;
		for (; i < n && (quote || !isspace((unsigned char)text[i])); i++) {
			char c = text[i];

			if (quote ? c == quote : c == '\'' || c == '"')
				quote = quote ? 0 : c;
			else if (c == '\\' && quote != '\'' && i + 1 < n)
				buf_append_u8(&word, (uint8_t)text[++i]);
			else
				buf_append_u8(&word, (uint8_t)c);
		}
		strv_take(out, buf_detach(&word));
		if (quote)
			return false;
	}
}

void shell_quote(struct buf *out, const char *s)
{
	buf_append_u8(out, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_append_str(out, "'\\''");
		else
			buf_append_u8(out, (uint8_t)*s);
	}
	buf_append_u8(out, '\'');
}

char *noise_excerpt(const void *p, size_t n)
{
	const char *s = p;
	size_t end = n, begin;

	for (;;) {
		while (end && isspace((unsigned char)s[end - 1]))
			end--;
		begin = end;
		while (begin && s[begin - 1] != '\n')
			begin--;
		if (begin < end || end == 0)
			break;
	}
	return xmemdup(s + begin, MIN(end - begin, (size_t)300));
}

/* What a line of the client's stderr tells. The first that matches in a text decides, in the order of this table. */
struct saying {
	const char *text;
	enum diag_code code;
};

static const struct saying sayings[] = {
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", DIAG_TRANSPORT_HOST_KEY_CHANGED},
	{"differs from the key for the IP address", DIAG_TRANSPORT_HOST_KEY_CHANGED},
	{"REVOKED HOST KEY", DIAG_TRANSPORT_HOST_KEY_CHANGED},
	{"host key is known for", DIAG_TRANSPORT_HOST_KEY_UNKNOWN},
	{"Host key verification failed", DIAG_TRANSPORT_HOST_KEY_UNKNOWN},
	{"no matching host key type found", DIAG_TRANSPORT_NEGOTIATION},
	{"Unable to negotiate with", DIAG_TRANSPORT_NEGOTIATION},
	{"Permission denied (", DIAG_TRANSPORT_AUTH},
	{"Permission denied, please try again", DIAG_TRANSPORT_AUTH},
	{"Too many authentication failures", DIAG_TRANSPORT_AUTH},
	{"No supported authentication methods", DIAG_TRANSPORT_AUTH},
	{"Could not resolve hostname", DIAG_TRANSPORT_RESOLVE},
	{"Name or service not known", DIAG_TRANSPORT_RESOLVE},
	{"Bad configuration option", DIAG_TRANSPORT_SSH_CONFIG},
	{"Bad owner or permissions", DIAG_TRANSPORT_SSH_CONFIG},
	{"configuration options", DIAG_TRANSPORT_SSH_CONFIG},
	{"rehost: proxy: ", DIAG_TRANSPORT_PROXY}, /* our own relay, see net_relay_main() */
	{"rehost: connect: cannot resolve", DIAG_TRANSPORT_RESOLVE},
	{"rehost: connect: ", DIAG_TRANSPORT_UNREACHABLE},
	{"Connection refused", DIAG_TRANSPORT_UNREACHABLE},
	{"Connection timed out", DIAG_TRANSPORT_UNREACHABLE},
	{"Operation timed out", DIAG_TRANSPORT_UNREACHABLE},
	{"No route to host", DIAG_TRANSPORT_UNREACHABLE},
	{"Network is unreachable", DIAG_TRANSPORT_UNREACHABLE},
	{"Network unreachable", DIAG_TRANSPORT_UNREACHABLE},
	{"Host is down", DIAG_TRANSPORT_UNREACHABLE},
	{"kex_exchange_identification", DIAG_TRANSPORT_UNREACHABLE},
	{"ssh_exchange_identification", DIAG_TRANSPORT_UNREACHABLE},
	{"banner exchange", DIAG_TRANSPORT_UNREACHABLE},
	{"not responding", DIAG_TRANSPORT_LOST},
	{"Broken pipe", DIAG_TRANSPORT_LOST},
	{"closed by remote host", DIAG_TRANSPORT_LOST},
	{"Connection reset", DIAG_TRANSPORT_LOST},
	{"Connection closed by", DIAG_TRANSPORT_LOST},
	{"message authentication code incorrect", DIAG_TRANSPORT_LOST},
	{"Corrupted MAC", DIAG_TRANSPORT_LOST},
};

static void line_around(const char *text, const char *at, char out[320])
{
	const char *end = at + strcspn(at, "\r\n");
	size_t n;

	while (at > text && at[-1] != '\n' && at[-1] != '\r')
		at--;
	n = (size_t)(end - at);
	while (n && isspace((unsigned char)at[n - 1]))
		n--;
	snprintf(out, 320, "%.*s", (int)MIN(n, (size_t)300), at);
}

/* "Offending ED25519 key in FILE:LINE" and the fingerprint, which ssh prints on a line of its own. */
static char *host_key_details(const char *text)
{
	AUTO_BUF b = BUF_INIT;
	const char *print = strstr(text, "SHA256:"), *offending = strstr(text, "Offending ");
	char line[320];

	if (print)
		buf_printf(&b, ", it shows %.*s", (int)MIN(strcspn(print, " .\r\n"), (size_t)80), print);
	if (offending) {
		line_around(text, offending, line);
		buf_printf(&b, " (%s)", line);
	}
	return buf_detach(&b);
}

bool words_classify(const void *err, size_t n, const char *name, struct diag *d)
{
	AUTO_FREE char *text = xmemdup(err, n);
	AUTO_FREE char *details = NULL;
	char line[320];

	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		const char *at = strstr(text, sayings[i].text);

		if (!at)
			continue;
		if (sayings[i].code == DIAG_TRANSPORT_HOST_KEY_CHANGED) {
			details = host_key_details(text);
			diag_set(d, sayings[i].code, 0, NULL, "the host key of '%s' has changed%s", name, details);
			return true;
		}
		line_around(text, at, line);
		diag_set(d, sayings[i].code, 0, NULL, "cannot connect to '%s': %s", name, line);
		return true;
	}
	return false;
}
