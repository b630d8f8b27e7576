#include "conf/ini.h"

/* Not isspace(): the locale has no say in what a blank is. CR is one, for files written on other systems. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void trim(const char **p, size_t *n)
{
	while (*n && is_blank(**p)) {
		(*p)++;
		(*n)--;
	}
	while (*n && is_blank((*p)[*n - 1]))
		(*n)--;
}

static void put(struct buf *out, const char *p, size_t n)
{
	buf_clear(out);
	buf_append(out, p, n);
	buf_cstr(out);
}

static enum ini_kind fail(struct buf *out_name, const char *why)
{
	put(out_name, why, strlen(why));
	return INI_ERROR;
}

void ini_trim(struct buf *out, const char *value)
{
	size_t n = strlen(value);

	trim(&value, &n);
	put(out, value, n);
}

void ini_init(struct ini *p, const char *text, size_t n)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (n >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		n -= 3;
	}
	*p = (struct ini){.at = text, .end = text + n, .line = 0};
}

/* "[name]", blanks already trimmed. */
static enum ini_kind section(const char *s, size_t n, struct buf *out_name)
{
	const char *close = memchr(s, ']', n);

	if (!close)
		return fail(out_name, "the section's name has no ']'");
	if (close != s + n - 1)
		return fail(out_name, "text after the section's ']'");
	s++;
	n -= 2;
	trim(&s, &n);
	if (!n)
		return fail(out_name, "the section has no name");
	put(out_name, s, n);
	return INI_SECTION;
}

static enum ini_kind key(const char *s, size_t n, struct buf *out_name, struct buf *out_value)
{
	const char *eq = memchr(s, '=', n), *value;
	size_t len, value_len;

	if (!eq)
		return fail(out_name, "neither '[section]' nor 'key = value'");
	len = (size_t)(eq - s);
	value = eq + 1;
	value_len = n - len - 1;
	trim(&s, &len);
	trim(&value, &value_len);
	if (!len)
		return fail(out_name, "no key before '='");
	put(out_name, s, len);
	put(out_value, value, value_len);
	return INI_KEY;
}

enum ini_kind ini_next(struct ini *p, struct buf *out_name, struct buf *out_value)
{
	while (p->at < p->end) {
		const char *s = p->at;
		const char *nl = memchr(s, '\n', (size_t)(p->end - s));
		size_t n = (size_t)((nl ? nl : p->end) - s);

		p->at = nl ? nl + 1 : p->end;
		p->line++;
		if (memchr(s, '\0', n))
			return fail(out_name, "the line holds a NUL byte");
		trim(&s, &n);
		if (!n || *s == '#' || *s == ';')
			continue;
		if (*s == '[')
			return section(s, n, out_name);
		return key(s, n, out_name, out_value);
	}
	return INI_END;
}

bool ini_list_next(const char **at, struct buf *out_item)
{
	while (*at && **at) {
		const char *s = *at, *item;
		size_t n;

		buf_clear(out_item);
		for (; *s && *s != ','; s++) {
			if (*s == '\\' && s[1] == ',')
				s++;
			buf_append_u8(out_item, (uint8_t)*s);
		}
		*at = *s ? s + 1 : s;
		item = buf_cstr(out_item);
		n = out_item->len;
		trim(&item, &n);
		if (!n)
			continue;
		memmove(out_item->data, item, n);
		out_item->len = n;
		buf_cstr(out_item);
		return true;
	}
	return false;
}

void ini_list_quote(struct buf *out, const char *item)
{
	for (; *item; item++) {
		if (*item == ',')
			buf_append_u8(out, '\\');
		buf_append_u8(out, (uint8_t)*item);
	}
}
