#include "base/fd.h"
#include "engine/spill.h"

#include <errno.h>
#include <unistd.h>

/*
 * A stack of records of which only the top is in memory, as a queue that is taken from where it was added to needs no
 * more. What lies deeper is in an unlinked file. A record is followed by its length, for it is read from its end.
 */

#define BLOCK (1u << 20) /* what is written or read at once; between one and two of them are in memory */
#define FULL_MAX (64u << 20) /* in memory when there is a file that has no room; beyond it the stack has failed */
#define LENGTH_BYTES 4

static void write_out(struct spill *s)
{
	if (!s->dir)
		return;
	if (s->fd < 0)
		s->fd = fd_temporary(s->dir);
	while (s->mem.len >= 2 * BLOCK) {
		/* A write that fails in the middle is begun again at the same place, with what has come meanwhile. */
		if (s->fd < 0 || fd_pwrite_full(s->fd, s->mem.data, BLOCK, (off_t)s->spilled) < 0) {
			if (s->mem.len > FULL_MAX)
				s->err = errno;
			s->write_at = s->mem.len + BLOCK;
			return;
		}
		s->spilled += BLOCK;
		buf_consume(&s->mem, BLOCK);
	}
	s->write_at = 2 * BLOCK;
}

/* Brings back what was written last, before what is in memory. */
static bool read_back(struct spill *s)
{
	size_t n = (size_t)MIN(s->spilled, (uint64_t)BLOCK);
	ssize_t got;

	buf_reserve(&s->mem, n);
	memmove(s->mem.data + n, s->mem.data, s->mem.len);
	got = fd_pread_full(s->fd, s->mem.data, n, (off_t)(s->spilled - n));
	if (got != (ssize_t)n) {
		s->err = got < 0 ? errno : EIO;
		return false;
	}
	s->mem.len += n;
	s->spilled -= n;
	return true;
}

static bool need(struct spill *s, size_t n)
{
	while (s->mem.len < n && s->spilled)
		if (!read_back(s))
			return false;
	if (s->mem.len < n)
		s->err = EIO;
	return s->mem.len >= n;
}

void spill_init(struct spill *s, const char *dir)
{
	*s = (struct spill){.fd = -1, .dir = dir, .write_at = 2 * BLOCK};
}

struct buf *spill_begin(struct spill *s)
{
	s->begun = s->mem.len;
	return &s->mem;
}

void spill_end(struct spill *s)
{
	wr_u32(&s->mem, (uint32_t)(s->mem.len - s->begun));
	s->count++;
	if (s->mem.len >= s->write_at)
		write_out(s);
}

bool spill_take(struct spill *s, struct bytes *out)
{
	struct rd r;
	uint32_t len;

	if (!s->count || s->err || !need(s, LENGTH_BYTES))
		return false;
	r = rd_init(s->mem.data + s->mem.len - LENGTH_BYTES, LENGTH_BYTES);
	len = rd_u32(&r);
	if (!need(s, (size_t)len + LENGTH_BYTES))
		return false;
	s->mem.len -= (size_t)len + LENGTH_BYTES;
	*out = (struct bytes){s->mem.data + s->mem.len, len};
	s->count--;
	return true;
}

void spill_release(struct spill *s)
{
	if (s->fd >= 0)
		close(s->fd);
	buf_release(&s->mem);
	spill_init(s, s->dir);
}
