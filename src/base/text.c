#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

/* Length of the UTF-8 sequence at p (1..4), or 0 when it is none: overlong forms and surrogates are none. */
static size_t utf8_len(const uint8_t *p, size_t n)
{
	uint32_t c;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	c = p[0] & (0xff >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

bool text_is_utf8(const void *p, size_t n)
{
	const uint8_t *s = p;

	while (n) {
		size_t len = utf8_len(s, n);
		if (!len)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

/* Control characters beyond ASCII (U+0080..U+009F) move a terminal too. */
static bool is_c1(const uint8_t *p, size_t len)
{
	return len == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

/* A byte or character that a terminal does not show but obeys, or that is none. */
static bool is_unsafe(const uint8_t *p, size_t len)
{
	return !len || (len == 1 && (*p < 0x20 || *p == 0x7f)) || is_c1(p, len);
}

static void append_hex(struct buf *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "\\x%02x", p[i]);
}

void text_escape(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;

	while (n) {
		const size_t len = utf8_len(s, n), bytes = len ? len : 1;

		if (len == 1 && *s == '\n')
			buf_append_str(out, "\\n");
		else if (len == 1 && *s == '\t')
			buf_append_str(out, "\\t");
		else if (len == 1 && *s == '\\')
			buf_append_str(out, "\\\\");
		else if (is_unsafe(s, len))
			append_hex(out, s, bytes);
		else
			buf_append(out, s, len);
		s += bytes;
		n -= bytes;
	}
}

void text_clean(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;

	while (n) {
		const size_t len = utf8_len(s, n), bytes = len ? len : 1;

		if (is_unsafe(s, len))
			append_hex(out, s, bytes);
		else
			buf_append(out, s, len);
		s += bytes;
		n -= bytes;
	}
}

char *text_escaped(const char *s)
{
	struct buf b = BUF_INIT;

	text_escape(&b, s, strlen(s));
	return buf_detach(&b);
}

void text_json_string(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;
	bool utf8 = text_is_utf8(p, n);
	AUTO_BUF escaped = BUF_INIT;

	if (!utf8) {
		text_escape(&escaped, p, n);
		s = escaped.data;
		n = escaped.len;
	}
	buf_append_u8(out, '"');
	for (size_t i = 0; i < n; i++) {
		switch (s[i]) {
		case '"':
			buf_append_str(out, "\\\"");
			break;
		case '\\':
			buf_append_str(out, "\\\\");
			break;
		case '\n':
			buf_append_str(out, "\\n");
			break;
		case '\t':
			buf_append_str(out, "\\t");
			break;
		default:
			if (s[i] < 0x20 || s[i] == 0x7f)
				buf_printf(out, "\\u%04x", s[i]);
			else if (i + 1 < n && is_c1(s + i, 2))
				buf_printf(out, "\\u%04x", s[++i]);
			else
				buf_append_u8(out, s[i]);
		}
	}
	buf_append_u8(out, '"');
}

void text_base64(struct buf *out, const void *p, size_t n)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *s = p;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)s[i] << 16;
		if (i + 1 < n)
			v |= (uint32_t)s[i + 1] << 8;
		if (i + 2 < n)
			v |= s[i + 2];
		buf_append_u8(out, (uint8_t)abc[v >> 18]);
		buf_append_u8(out, (uint8_t)abc[v >> 12 & 63]);
		buf_append_u8(out, (uint8_t)(i + 1 < n ? abc[v >> 6 & 63] : '='));
		buf_append_u8(out, (uint8_t)(i + 2 < n ? abc[v & 63] : '='));
	}
}

void text_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)bytes;
	size_t u = 0;

	while (v >= (u ? 1023.95 : 1024) && u + 1 < ARRAY_LEN(units)) { /* never "1024.0 KiB" */
		v /= 1024;
		u++;
	}
	if (u == 0)
		buf_printf(out, "%llu B", (unsigned long long)bytes);
	else
		buf_printf(out, v < 10 ? "%.2f %s" : "%.1f %s", v, units[u]);
}

void text_duration(struct buf *out, uint64_t s)
{
	unsigned long long h = s / 3600, m = s / 60 % 60;

	if (h)
		buf_printf(out, "%llu:%02llu:%02u", h, m, (unsigned)(s % 60));
	else
		buf_printf(out, "%llu:%02u", m, (unsigned)(s % 60));
}

bool text_parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	char *end;
	unsigned long long v;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || *end || v > max)
		return false;
	*out = v;
	return true;
}

/* A non-negative decimal number with an optional fraction; no exponent, sign, hex, nan. */
static bool parse_decimal(const char *s, double *out, const char **out_end)
{
	const char *p = s;
	double v = 0, scale = 1;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		v = v * 10 + (*p - '0');
	if (*p == '.' && isdigit((unsigned char)p[1]))
		for (p++; isdigit((unsigned char)*p); p++) {
			if (scale >= 1e15) /* beyond what a double holds */
				continue;
			v = v * 10 + (*p - '0');
			scale *= 10;
		}
	*out = v / scale; /* rounded once: a sum of places makes 0.035h 125 s */
	*out_end = p;
	return true;
}

bool text_parse_size(const char *s, uint64_t *out_bytes)
{
	static const char units[] = "KMGTPE";
	const char *p, *u;
	double v;

	if (!parse_decimal(s, &v, &p))
		return false;
	if (*p && (u = strchr(units, toupper((unsigned char)*p)))) {
		v *= exp2(10.0 * (double)(u - units + 1));
		p++;
		if (*p == 'i')
			p++;
	}
	if (*p == 'B')
		p++;
	if (*p || v >= 0x1p63)
		return false;
	*out_bytes = (uint64_t)v;
	return true;
}

bool text_parse_duration(const char *s, uint64_t *out_seconds)
{
	double v, unit = 1;
	const char *p;

	if (!parse_decimal(s, &v, &p))
		return false;
	switch (*p) {
	case '\0':
		break;
	case 's':
		p++;
		break;
	case 'm':
		unit = 60;
		p++;
		break;
	case 'h':
		unit = 3600;
		p++;
		break;
	case 'd':
		unit = 86400;
		p++;
		break;
	default:
		return false;
	}
	if (*p || v * unit >= 1e12)
		return false;
	*out_seconds = (uint64_t)(v * unit);
	return true;
}

unsigned text_distance(const char *a, const char *b)
{
	unsigned rows[3][65]; /* of this letter of a, the one before, the one before that */
	unsigned *row = rows[0], *above = rows[1], *two_above = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > 64 || lb > 64)
		return 1000;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *oldest = two_above;

		two_above = above;
		above = row;
		row = oldest;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned change = above[j - 1] + (a[i - 1] != b[j - 1]);
			unsigned beside = MIN(above[j], row[j - 1]) + 1;

			row[j] = MIN(beside, change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], two_above[j - 2] + 1);
		}
	}
	return row[lb];
}

const char *text_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned best_d = 1000;

	for (size_t i = 0; i < n; i++) {
		unsigned d = text_distance(word, names[i]);
		if (d < best_d) {
			best_d = d;
			best = names[i];
		}
	}
	/* Of a short word everything is near. */
	return best_d <= MAX(2u, (unsigned)strlen(word) / 3) && best_d < strlen(word) ? best : NULL;
}
