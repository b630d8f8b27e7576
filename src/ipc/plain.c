#include "ipc/ipc.h"

#define BYTES_MAX (4u << 20)

/* One pair for each type of field: put_TYPE(), get_TYPE(). What they get points into the frame. */

static void put_u8(struct buf *out, uint8_t v)
{
	wr_u8(out, v);
}

static void get_u8(struct rd *r, uint8_t *v)
{
	*v = rd_u8(r);
}

static void put_flag(struct buf *out, bool v)
{
	wr_u8(out, v);
}

static void get_flag(struct rd *r, bool *v)
{
	uint8_t u = rd_u8(r);

	r->bad = r->bad || u > 1;
	*v = u;
}

static void put_u32(struct buf *out, uint32_t v)
{
	wr_u32(out, v);
}

static void get_u32(struct rd *r, uint32_t *v)
{
	*v = rd_u32(r);
}

static void put_u64(struct buf *out, uint64_t v)
{
	wr_u64(out, v);
}

static void get_u64(struct rd *r, uint64_t *v)
{
	*v = rd_u64(r);
}

static void put_bytes(struct buf *out, struct bytes v)
{
	wr_bytes(out, v.p, v.len);
}

static void get_bytes(struct rd *r, struct bytes *v)
{
	*v = rd_bytes(r, BYTES_MAX);
}

/* "" or names joined by '/'. */
static void put_path(struct buf *out, struct bytes v)
{
	wr_bytes(out, v.p, v.len);
}

static void get_path(struct rd *r, struct bytes *v)
{
	struct rd again = *r;
	AUTO_FREE char *path = rd_path(&again, WIRE_PATH_MAX);

	get_bytes(r, v);
	r->bad = r->bad || !path;
}

/* All that is left. */
static void put_rest(struct buf *out, struct bytes v)
{
	buf_append(out, v.p, v.len);
}

static void get_rest(struct rd *r, struct bytes *v)
{
	*v = rd_fixed(r, rd_left(r));
}

static void put_diag(struct buf *out, struct diag v)
{
	wr_diag(out, &v);
}

static void get_diag(struct rd *r, struct diag *v)
{
	if (!rd_diag(r, v))
		r->bad = true;
}

/* What was got and is not wanted. */
#define DROP(value) _Generic((value), struct diag * : diag_drop, default : nothing_drop)(value)

static void diag_drop(struct diag *d)
{
	diag_release(d);
}

static void nothing_drop(void *p)
{
}

#define PUT(type, field) put_##type(out, m->field);
#define GET(type, field) get_##type(&r, &m->field);
#define FORGET(type, field) DROP(&m->field);
#define X(NAME, name)                                                      \
	void ipc_##name##_put(struct buf *out, const struct ipc_##name *m) \
	{                                                                  \
		IPC_##NAME##_FIELDS(PUT)                                   \
	}                                                                  \
                                                                           \
	bool ipc_##name##_get(const struct frame *f, struct ipc_##name *m) \
	{                                                                  \
		struct rd r = rd_init(f->payload, f->len);                 \
                                                                           \
		*m = (struct ipc_##name){};                                \
		IPC_##NAME##_FIELDS(GET) if (rd_done(&r)) return true;     \
		IPC_##NAME##_FIELDS(FORGET) return false;                  \
	}
IPC_PLAIN(X)
#undef X
