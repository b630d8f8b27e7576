#include "verify/proto.h"
#include "verify/fields.h"

#include <xxhash.h>

uint64_t verify_name_hash(uint64_t seed, const void *name, size_t n)
{
	return XXH3_64bits_withSeed(name, n, seed);
}

/* ---- session ---- */

void verify_hello_put(struct buf *out, const struct verify_hello *m)
{
	size_t at = frame_begin(out, V_HELLO, 0);

	wr_u32(out, m->protocol);
	wr_u8(out, m->flags);
	wr_u32(out, m->fields);
	wr_u64(out, m->seed);
	frame_end(out, at);
}

bool verify_hello_get(const struct frame *f, struct verify_hello *m)
{
	struct rd r = rd_init(f->payload, f->len);

	*m = (struct verify_hello){.protocol = rd_u32(&r)};
	if (rd_ok(&r) && m->protocol != VERIFY_PROTOCOL)
		return true;
	m->flags = rd_u8(&r);
	m->fields = rd_u32(&r);
	m->seed = rd_u64(&r);
	return rd_done(&r) && !(m->flags & ~VERIFY_LEAVE_CACHE) && !(m->fields & ~(uint32_t)VERIFY_F_ALL);
}

void verify_hello_ok_put(struct buf *out, const struct verify_hello_ok *m)
{
	size_t at = frame_begin(out, V_HELLO_OK, 0);

	wr_u32(out, m->protocol);
	wr_u32(out, m->fields);
	wr_u32(out, m->uid);
	frame_end(out, at);
}

bool verify_hello_ok_get(const struct frame *f, struct verify_hello_ok *m)
{
	struct rd r = rd_init(f->payload, f->len);

	m->protocol = rd_u32(&r);
	m->fields = rd_u32(&r);
	m->uid = rd_u32(&r);
	return rd_done(&r) && m->protocol == VERIFY_PROTOCOL && !(m->fields & ~(uint32_t)VERIFY_F_ALL);
}

void verify_error_put(struct buf *out, uint32_t protocol)
{
	size_t at = frame_begin(out, V_ERROR, 0);

	wr_u32(out, protocol);
	frame_end(out, at);
}

bool verify_error_get(const struct frame *f, uint32_t *out_protocol)
{
	struct rd r = rd_init(f->payload, f->len);

	*out_protocol = rd_u32(&r);
	return rd_done(&r);
}

/* ---- listings ---- */

void verify_list_put(struct buf *out, uint32_t id, const struct verify_list *m)
{
	size_t at = frame_begin(out, V_LIST, id);

	wr_u8(out, m->flags);
	wr_u32(out, m->slice);
	wr_u32(out, m->slices);
	wr_str(out, m->path);
	if (m->flags & VERIFY_LIST_NAME)
		wr_bytes(out, m->name.p, m->name.len);
	frame_end(out, at);
}

bool verify_list_get(const struct frame *f, struct verify_list *m)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t both = VERIFY_LIST_OWN | VERIFY_LIST_ENTRIES;

	*m = (struct verify_list){};
	m->flags = rd_u8(&r);
	m->slice = rd_u32(&r);
	m->slices = rd_u32(&r);
	m->path = rd_path(&r, VERIFY_PATH_MAX);
	if (m->flags & VERIFY_LIST_NAME) {
		m->name = rd_bytes(&r, VERIFY_NAME_MAX);
		if (!path_name_valid(m->name.p, m->name.len))
			r.bad = true;
	}
	if (rd_done(&r) && m->path && m->slices && m->slices <= VERIFY_SLICES_MAX && m->slice < m->slices &&
		(m->flags == VERIFY_LIST_NAME || (m->flags && !(m->flags & ~both))))
		return true;
	free(m->path);
	m->path = NULL;
	return false;
}

void verify_list_end_put(struct buf *out, uint32_t id, const struct verify_list_end *m)
{
	size_t at = frame_begin(out, V_LIST_END, id);

	wr_u8(out, m->status);
	wr_u32(out, m->err);
	wr_u64(out, m->count);
	frame_end(out, at);
}

bool verify_list_end_get(const struct frame *f, struct verify_list_end *m)
{
	struct rd r = rd_init(f->payload, f->len);

	m->status = rd_u8(&r);
	m->err = rd_u32(&r);
	m->count = rd_u64(&r);
	return rd_done(&r) && m->status < VERIFY_LIST_STATUS_END && m->err <= INT32_MAX;
}

/* ---- contents ---- */

void verify_hash_put(struct buf *out, uint32_t id, const struct verify_hash *m)
{
	size_t at = frame_begin(out, V_HASH, id);

	wr_str(out, m->path);
	for (size_t i = 0; i < m->count; i++)
		wr_bytes(out, m->names[i].p, m->names[i].len);
	frame_end(out, at);
}

bool verify_hash_get(const struct frame *f, struct verify_hash *m)
{
	struct rd r = rd_init(f->payload, f->len);

	m->path = rd_path(&r, VERIFY_PATH_MAX);
	m->count = 0;
	while (rd_ok(&r) && rd_left(&r) && m->count < VERIFY_HASH_FILES) {
		struct bytes name = rd_bytes(&r, VERIFY_NAME_MAX);

		if (rd_ok(&r) && !path_name_valid(name.p, name.len))
			r.bad = true;
		m->names[m->count++] = name;
	}
	if (rd_done(&r) && m->path && m->count)
		return true;
	free(m->path);
	m->path = NULL;
	return false;
}

void verify_hashed_put(struct buf *out, const struct verify_hashed *m)
{
	wr_varint(out, m->err);
	wr_varint(out, m->size);
	wr_u64(out, m->crc);
}

bool verify_hashed_get(struct rd *r, struct verify_hashed *m)
{
	m->err = (uint32_t)rd_varint(r, INT32_MAX);
	m->size = rd_varint(r, INT64_MAX);
	m->crc = rd_u64(r);
	return rd_ok(r);
}
