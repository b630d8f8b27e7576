/*
 * Packing: integers and byte strings to and from a buffer. Little endian fixed widths and LEB128 varints.
 *
 * A reader never goes past its end: the first malformed or missing value sets `bad`, after which every get returns
 * zero or empty. Callers check rd_ok() once, after the last get. Byte strings point into the buffer read.
 */
#pragma once

#include "base/buf.h"
#include "base/path.h"

struct rd {
	const uint8_t *p, *end;
	bool bad;
};

struct bytes {
	const uint8_t *p;
	size_t len;
};
static inline char *bytes_dup(const struct bytes *b) /* as a new string, to be freed */
{
	return xmemdup(b->p, b->len);
}

/* Of a string; NULL is empty. */
static inline struct bytes bytes_of(const char *s)
{
	return (struct bytes){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline struct rd rd_init(const void *p, size_t n)
{
	return (struct rd){.p = p, .end = n ? (const uint8_t *)p + n : p}; /* p may be NULL */
}
static inline bool rd_ok(const struct rd *r) /* nothing was malformed */
{
	return !r->bad;
}
static inline bool rd_done(const struct rd *r) /* ... and everything was used */
{
	return !r->bad && r->p == r->end;
}
static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}
uint8_t rd_u8(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
uint64_t rd_varint(struct rd *r, uint64_t max); /* above max is malformed */
int64_t rd_varint_signed(struct rd *r); /* zigzag */
struct bytes rd_fixed(struct rd *r, size_t n);
struct bytes rd_bytes(struct rd *r, size_t max); /* varint length, then that many */
/* A byte string without NUL and with 1..max bytes, as a NUL-terminated copy in out (capacity max + 1). */
bool rd_name(struct rd *r, char *out, size_t max);
/* A path that is path_valid(). Freed by the caller; NULL (and bad) when it is not one. */
char *rd_path(struct rd *r, size_t max);

void wr_u8(struct buf *b, uint8_t v);
void wr_u32(struct buf *b, uint32_t v);
void wr_u64(struct buf *b, uint64_t v);
void wr_varint(struct buf *b, uint64_t v);
void wr_varint_signed(struct buf *b, int64_t v);
void wr_bytes(struct buf *b, const void *p, size_t n);
void wr_str(struct buf *b, const char *s); /* wr_bytes of its bytes */
