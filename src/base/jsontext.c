#include "base/jsontext.h"
#include "base/text.h"

#define DEPTH_MAX 64 /* what is open is a bit each, so that nothing here recurses */

struct in {
	const char *p, *end;
};

static void skip_blank(struct in *in)
{
	while (in->p < in->end && (*in->p == ' ' || *in->p == '\t' || *in->p == '\n' || *in->p == '\r'))
		in->p++;
}

static bool take(struct in *in, char c)
{
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

static bool take_word(struct in *in, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(in->end - in->p) < n || memcmp(in->p, word, n) != 0)
		return false;
	in->p += n;
	return true;
}

static bool take_digits(struct in *in)
{
	const char *begin = in->p;

	while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
		in->p++;
	return in->p > begin;
}

static bool take_number(struct in *in)
{
	take(in, '-');
	if (!take(in, '0') && !take_digits(in))
		return false;
	if (take(in, '.') && !take_digits(in))
		return false;
	if (!take(in, 'e') && !take(in, 'E'))
		return true;
	if (!take(in, '+'))
		take(in, '-');
	return take_digits(in);
}

/* Four hexadecimal digits; -1: they are none. */
static int take_unit(struct in *in)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int v = 0;

	for (int i = 0; i < 4; i++, in->p++) {
		const char *at = in->p < in->end && *in->p ? strchr(digits, *in->p) : NULL;

		if (!at)
			return -1;
		v = v << 4 | (int)(at - digits < 16 ? at - digits : at - digits - 6);
	}
	return v;
}

static bool take_escape(struct in *in)
{
	int v;

	if (in->p == in->end)
		return false;
	if (*in->p != 'u')
		return *in->p && strchr("\"\\/bfnrt", *in->p++);
	in->p++;
	v = take_unit(in);
	if (v >= 0xd800 && v < 0xdc00) {
		v = take_word(in, "\\u") ? take_unit(in) : -1;
		return v >= 0xdc00 && v < 0xe000;
	}
	return v > 0 && !(v >= 0xdc00 && v < 0xe000);
}

static bool take_string(struct in *in)
{
	if (!take(in, '"'))
		return false;
	while (in->p < in->end) {
		char c = *in->p++;

		if (c == '"')
			return true;
		if ((unsigned char)c < 0x20 || (c == '\\' && !take_escape(in)))
			return false;
	}
	return false;
}

static bool take_scalar(struct in *in)
{
	if (in->p < in->end && *in->p == '"')
		return take_string(in);
	return take_word(in, "true") || take_word(in, "false") || take_word(in, "null") || take_number(in);
}

static bool take_name(struct in *in)
{
	skip_blank(in);
	if (!take_string(in))
		return false;
	skip_blank(in);
	return take(in, ':');
}

struct nest {
	uint64_t kinds; /* 1: an object */
	unsigned open, most;
};

enum taken { TAKEN_BAD, TAKEN_WHOLE, TAKEN_OPEN };

/* A value, or the beginning of one up to where its first one is. */
static enum taken take_value(struct in *in, struct nest *nest)
{
	bool object = take(in, '{');

	if (!object && !take(in, '['))
		return take_scalar(in) ? TAKEN_WHOLE : TAKEN_BAD;
	if (nest->open == nest->most)
		return TAKEN_BAD;
	skip_blank(in);
	if (take(in, object ? '}' : ']'))
		return TAKEN_WHOLE;
	nest->kinds = (nest->kinds & ~(UINT64_C(1) << nest->open)) | (uint64_t)object << nest->open;
	nest->open++;
	return !object || take_name(in) ? TAKEN_OPEN : TAKEN_BAD;
}

/* Behind a whole value: closes what is closed there. TAKEN_OPEN: one more value comes. */
static enum taken take_end(struct in *in, struct nest *nest)
{
	for (; nest->open; nest->open--) {
		bool object = nest->kinds >> (nest->open - 1) & 1;

		skip_blank(in);
		if (take(in, ','))
			return !object || take_name(in) ? TAKEN_OPEN : TAKEN_BAD;
		if (!take(in, object ? '}' : ']'))
			return TAKEN_BAD;
	}
	return TAKEN_WHOLE;
}

bool jsontext_valid(const void *p, size_t n, unsigned depth, size_t values)
{
	struct in in = {p, n ? (const char *)p + n : p};
	struct nest nest = {.most = MIN(depth, (unsigned)DEPTH_MAX)};
	enum taken t = TAKEN_OPEN;

	if (!text_is_utf8(p, n))
		return false;
	while (t == TAKEN_OPEN) {
		skip_blank(&in);
		if (!values--)
			return false;
		t = take_value(&in, &nest);
		if (t == TAKEN_WHOLE)
			t = take_end(&in, &nest);
	}
	skip_blank(&in);
	return t == TAKEN_WHOLE && in.p == in.end;
}
