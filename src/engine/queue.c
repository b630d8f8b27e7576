#include "engine/queue.h"
#include "ipc/ipc.h"

#include <errno.h>
#include <sys/mman.h>

#define FEW_BYTES (64u << 10) /* of names that a unit has handed on, in memory */
#define STEP_BYTES (1u << 20)

struct unit *queue_unit_new(uint8_t kind, uint8_t flags, uint32_t mount, const char *src, const char *dst)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	u->kind = kind;
	u->flags = flags;
	u->mount = mount;
	u->src = xstrdup(src);
	u->dst = xstrdup(dst);
	u->given.many.fd = -1;
	return u;
}

void queue_unit_free(struct unit *u)
{
	buf_release(&u->given.few);
	region_unmap(&u->given.many);
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

static bool holds(const uint8_t *p, size_t n, uint64_t h)
{
	return n && bsearch(&h, p, n, sizeof(h), by_value);
}

static void sort(uint8_t *p, size_t bytes, size_t *out_n)
{
	*out_n = bytes / sizeof(uint64_t);
	if (*out_n)
		qsort(p, *out_n, sizeof(uint64_t), by_value);
}

/* False when there is no room: it may then be handed on twice, which costs time. */
static bool note_one_of_many(struct region *r, uint64_t h, const char *dir)
{
	if (!r->p && !region_map(r, dir, STEP_BYTES))
		return false;
	if (r->len == r->cap) {
		if (r->fd >= 0) /* nobody looks at it now: it need not be in memory */
			madvise(r->p, r->cap, MADV_DONTNEED);
		if (!region_grow(r, r->cap + STEP_BYTES))
			return false;
	}
	memcpy(r->p + r->len, &h, sizeof(h));
	r->len += sizeof(h);
	return true;
}

bool queue_unit_gave(struct unit *u, const struct digest_key *k, const void *name, size_t n, const char *dir)
{
	uint64_t h =
		digest_name(k, name, n); /* keyed: nobody who names directories can make one be taken for another */
	struct given *g = &u->given;

	if (u->again && (holds(g->few.data, g->few_before, h) || holds(g->many.p, g->many_before, h)))
		return true;
	if (g->few.len < FEW_BYTES || !note_one_of_many(&g->many, h, dir))
		buf_append(&g->few, &h, sizeof(h));
	return false;
}

void queue_unit_redo(struct unit *u)
{
	struct given *g = &u->given;

	sort(g->few.data, g->few.len, &g->few_before);
	sort(g->many.p, g->many.len, &g->many_before);
	u->again = g->few_before > 0;
	u->listed = false;
}

void queue_init(struct queue *q, const char *dir)
{
	*q = (struct queue){};
	spill_init(&q->packed, dir);
}

void queue_push(struct queue *q, struct unit *u)
{
	u->next = q->head;
	q->head = u;
	q->len++;
}

void queue_add(struct queue *q, uint8_t kind, uint8_t flags, uint32_t mount, const char *src, const char *dst)
{
	struct buf *b = spill_begin(&q->packed);
	bool same = str_eq(src, dst);

	wr_u8(b, kind);
	wr_u8(b, flags);
	wr_u8(b, same);
	wr_u32(b, mount);
	wr_str(b, src);
	if (!same)
		wr_str(b, dst);
	spill_end(&q->packed);
	q->len++;
}

/* NULL: this is no record of ours. */
static struct unit *unpack(const struct bytes *record)
{
	struct rd r = rd_init(record->p, record->len);
	uint8_t kind = rd_u8(&r), flags = rd_u8(&r), same = rd_u8(&r);
	uint32_t mount = rd_u32(&r);
	struct bytes src = rd_bytes(&r, WIRE_PATH_MAX);
	struct bytes dst = same ? src : rd_bytes(&r, WIRE_PATH_MAX);

	if (!rd_done(&r))
		return NULL;
	AUTO_FREE char *s = xmemdup(src.p, src.len);
	AUTO_FREE char *d = xmemdup(dst.p, dst.len);
	return queue_unit_new(kind, flags, mount, s, d);
}

struct unit *queue_pop(struct queue *q)
{
	struct unit *u = q->head;
	struct bytes record;

	if (u) {
		q->head = u->next;
		u->next = NULL;
	} else if (!spill_take(&q->packed, &record)) {
		return NULL;
	} else if (!(u = unpack(&record))) { /* an empty path would be the root */
		q->packed.err = EIO;
		return NULL;
	}
	q->len--;
	return u;
}

void queue_release(struct queue *q)
{
	while (q->head) {
		struct unit *u = q->head;

		q->head = u->next;
		queue_unit_free(u);
	}
	spill_release(&q->packed);
	q->len = 0;
}
