#include "base/fd.h"
#include "engine/private.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define DEFERRED_IN_MEMORY (1u << 20)
#define PATH_BYTES (4u << 20)

struct unit *queue_unit_new(uint8_t kind, uint8_t flags, uint32_t mount, const char *src, const char *dst)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	u->kind = kind;
	u->flags = flags;
	u->mount = mount;
	u->src = xstrdup(src);
	u->dst = xstrdup(dst);
	return u;
}

void queue_unit_free(struct unit *u)
{
	buf_release(&u->given);
	free(u->src);
	free(u->dst);
	free(u->path);
	free(u->basis_path);
	free(u);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

bool queue_unit_gave(struct unit *u, const struct digest_key *k, const void *name, size_t n)
{
	uint64_t h = digest_name(k, name, n); /* keyed: nobody who names directories can make one be taken for another */

	if (u->again && bsearch(&h, u->given.data, u->given_before, sizeof(h), by_value))
		return true;
	buf_append(&u->given, &h, sizeof(h));
	return false;
}

void queue_unit_redo(struct unit *u)
{
	u->given_before = u->given.len / sizeof(uint64_t);
	if (u->given_before)
		qsort(u->given.data, u->given_before, sizeof(uint64_t), by_value);
	u->again = u->given_before > 0;
}

void queue_push(struct queue *q, struct unit *u)
{
	u->next = q->head;
	q->head = u;
	q->len++;
}

struct unit *queue_pop(struct queue *q)
{
	struct unit *u = q->head;

	if (!u)
		return NULL;
	q->head = u->next;
	u->next = NULL;
	q->len--;
	return u;
}

void queue_clear(struct queue *q)
{
	struct unit *u;

	while ((u = queue_pop(q)))
		queue_unit_free(u);
}

static void spill(struct deferred *d, const char *state_dir)
{
	if (d->fd < 0)
		d->fd = open(state_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	/* A write that fails in the middle is begun again at the same place, with what has come meanwhile. */
	if (d->fd >= 0 && fd_pwrite_full(d->fd, d->mem.data, d->mem.len, (off_t)d->spilled) == 0) {
		d->spilled += d->mem.len;
		buf_clear(&d->mem);
	}
}

void deferred_add(struct deferred *d, const struct unit *u, const char *state_dir)
{
	wr_u32(&d->mem, u->mount);
	wr_str(&d->mem, u->src);
	wr_str(&d->mem, u->dst);
	d->count++;
	if (d->mem.len > DEFERRED_IN_MEMORY)
		spill(d, state_dir);
}

static void take(struct rd *r, struct queue *q)
{
	while (rd_ok(r) && rd_left(r)) {
		uint32_t mount = rd_u32(r);
		struct bytes src = rd_bytes(r, PATH_BYTES), dst = rd_bytes(r, PATH_BYTES);
		AUTO_FREE char *s = xmemdup(src.p, src.len);
		AUTO_FREE char *t = xmemdup(dst.p, dst.len);
		if (rd_ok(r))
			queue_push(q, queue_unit_new(UNIT_DIR, UNIT_REVISIT, mount, s, t));
	}
}

void deferred_take(struct deferred *d, struct queue *q)
{
	struct rd r = rd_init(d->mem.data, d->mem.len);

	take(&r, q);
	if (d->spilled) {
		AUTO_BUF b = BUF_INIT;
		ssize_t len = fd_pread_full(d->fd, buf_reserve(&b, d->spilled), d->spilled, 0);

		r = rd_init(b.data, len > 0 ? (size_t)len : 0);
		take(&r, q);
	}
	deferred_release(d);
}

void deferred_release(struct deferred *d)
{
	if (d->fd >= 0)
		close(d->fd);
	buf_release(&d->mem);
	*d = (struct deferred){.fd = -1};
}
