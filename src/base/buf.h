/*
 * A growable byte buffer. Initialise with BUF_INIT (or zeroes); release with buf_release(), which leaves it empty
 * and usable. `data` is owned by the buffer and moves when it grows.
 */
#pragma once

#include "base/util.h"

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT \
	{        \
	}
#define AUTO_BUF __attribute__((cleanup(buf_release))) struct buf

void buf_release(struct buf *b);
static inline void buf_clear(struct buf *b)
{
	b->len = 0;
}
/* Room for n more bytes; returns where they go. The caller adds to len what it wrote. */
uint8_t *buf_reserve(struct buf *b, size_t n);
/* Appends n bytes of undefined content and returns where they begin. */
uint8_t *buf_extend(struct buf *b, size_t n);
void buf_append(struct buf *b, const void *p, size_t n);
void buf_append_u8(struct buf *b, uint8_t v);
void buf_append_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* The content with a NUL behind it (not counted in len). */
char *buf_cstr(struct buf *b);
/* Hands the content to the caller (NUL-terminated, to be freed); the buffer is empty afterwards. */
char *buf_detach(struct buf *b);
