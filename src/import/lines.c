#include "import/lines.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

void lines_init(struct lines *l, const char *text, size_t n)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t skip = n >= 3 && memcmp(text, bom, 3) == 0 ? 3 : 0;

	*l = (struct lines){.at = text + skip, .end = text + n};
}

bool lines_next(struct lines *l, struct buf *out)
{
	const char *nl;
	size_t n;

	if (l->at >= l->end)
		return false;
	nl = memchr(l->at, '\n', (size_t)(l->end - l->at));
	n = (size_t)((nl ? nl : l->end) - l->at);
	buf_clear(out);
	buf_append(out, l->at, n && l->at[n - 1] == '\r' ? n - 1 : n);
	buf_cstr(out);
	l->at = nl ? nl + 1 : l->end;
	l->line++;
	return true;
}

static void put_trimmed(struct buf *out, const char *s, size_t n)
{
	while (n && is_blank(*s)) {
		s++;
		n--;
	}
	while (n && is_blank(s[n - 1]))
		n--;
	buf_append(out, s, n);
	buf_cstr(out);
}

/* A line that goes on with the value before it. */
static bool continues(const struct lines *l)
{
	const char *p = l->at;

	if (p >= l->end || !is_blank(*p))
		return false;
	while (p < l->end && is_blank(*p))
		p++;
	return p < l->end && *p != '\n' && *p != '#' && *p != ';';
}

bool lines_next_key(struct lines *l, struct buf *out_key, struct buf *out_value, unsigned *out_line)
{
	AUTO_BUF line = BUF_INIT;

	while (lines_next(l, &line)) {
		const char *s = buf_cstr(&line), *end;
		size_t n;

		while (is_blank(*s))
			s++;
		if (!*s || *s == '#' || *s == ';')
			continue;
		buf_clear(out_key);
		buf_clear(out_value);
		*out_line = l->line;
		if (*s == '[') {
			end = strchr(s, ']');
			put_trimmed(out_value, s + 1, end ? (size_t)(end - s - 1) : strlen(s + 1));
			buf_cstr(out_key);
			return true;
		}
		n = strcspn(s, "=:");
		put_trimmed(out_key, s, n);
		put_trimmed(out_value, s + n + !!s[n], strlen(s + n + !!s[n]));
		while (continues(l) && lines_next(l, &line)) {
			if (out_value->len && out_value->data[out_value->len - 1] != ',')
				buf_append_u8(out_value, ',');
			put_trimmed(out_value, buf_cstr(&line), line.len);
		}
		if (out_key->len)
			return true;
	}
	return false;
}

bool lines_next_item(const char **at, char separator, bool skip, struct buf *out)
{
	while (*at) {
		const char *s = *at, *end = strchr(s, separator);

		buf_clear(out);
		put_trimmed(out, s, end ? (size_t)(end - s) : strlen(s));
		*at = end ? end + 1 : NULL;
		if (out->len || !skip)
			return true;
	}
	return false;
}
