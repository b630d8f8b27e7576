#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void buf_release(struct buf *b)
{
	int keep = errno;

	free(b->data);
	errno = keep;
	*b = (struct buf)BUF_INIT;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(b->len, n, &need))
		need = SIZE_MAX; /* xrealloc ends the process */
	if (need > b->cap || !b->data) {
		size_t cap = MAX(b->cap + b->cap / 2, (size_t)64);
		cap = MAX(cap, need);
		b->data = xrealloc(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
	uint8_t *p = buf_reserve(b, n);

	b->len += n;
	return p;
}

void buf_append(struct buf *b, const void *p, size_t n)
{
	if (n)
		memcpy(buf_extend(b, n), p, n);
}

void buf_append_u8(struct buf *b, uint8_t v)
{
	*buf_extend(b, 1) = v;
}

void buf_append_str(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		buf_reserve(b, (size_t)n + 1);
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

char *buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return (char *)b->data;
}

char *buf_detach(struct buf *b)
{
	char *s = buf_cstr(b);

	*b = (struct buf)BUF_INIT;
	return s;
}
