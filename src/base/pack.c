#include "base/pack.h"

/* The next n bytes, or NULL and bad. */
static const uint8_t *take(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > rd_left(r)) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return p;
}

uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = take(r, 1);

	return p ? *p : 0;
}

uint32_t rd_u32(struct rd *r)
{
	const uint8_t *p = take(r, 4);

	return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

uint64_t rd_u64(struct rd *r)
{
	const uint8_t *p = take(r, 8);
	uint64_t v = 0;

	for (int i = 7; p && i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* One value has one form: longer ones are malformed, so that what was checked or hashed is what was meant. */
uint64_t rd_varint(struct rd *r, uint64_t max)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *p = take(r, 1);

		if (!p)
			return 0;
		if (shift == 63 && *p > 1)
			break;
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (*p & 0x80)
			continue;
		if ((*p == 0 && shift) || v > max)
			break;
		return v;
	}
	r->bad = true;
	return 0;
}

int64_t rd_varint_signed(struct rd *r)
{
	uint64_t v = rd_varint(r, UINT64_MAX);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

struct bytes rd_fixed(struct rd *r, size_t n)
{
	const uint8_t *p = take(r, n);

	return (struct bytes){.p = p, .len = p ? n : 0};
}

struct bytes rd_bytes(struct rd *r, size_t max)
{
	size_t n = (size_t)rd_varint(r, max);

	return rd_fixed(r, n);
}

bool rd_name(struct rd *r, char *out, size_t max)
{
	struct bytes s = rd_bytes(r, max);

	out[0] = '\0';
	if (s.len == 0 || memchr(s.p, '\0', s.len)) {
		r->bad = true;
		return false;
	}
	memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return true;
}

char *rd_path(struct rd *r, size_t max)
{
	struct bytes s = rd_bytes(r, max);

	if (r->bad)
		return NULL;
	if (!path_valid(s.p, s.len)) {
		r->bad = true;
		return NULL;
	}
	return xmemdup(s.p, s.len);
}

void wr_u8(struct buf *b, uint8_t v)
{
	buf_append_u8(b, v);
}

void wr_u32(struct buf *b, uint32_t v)
{
	uint8_t *p = buf_extend(b, 4);

	for (int i = 0; i < 4; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

void wr_u64(struct buf *b, uint64_t v)
{
	uint8_t *p = buf_extend(b, 8);

	for (int i = 0; i < 8; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

void wr_varint(struct buf *b, uint64_t v)
{
	uint8_t p[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	buf_append(b, p, n);
}

void wr_varint_signed(struct buf *b, int64_t v)
{
	wr_varint(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

void wr_bytes(struct buf *b, const void *p, size_t n)
{
	wr_varint(b, n);
	buf_append(b, p, n);
}

void wr_str(struct buf *b, const char *s)
{
	wr_bytes(b, s, strlen(s));
}
