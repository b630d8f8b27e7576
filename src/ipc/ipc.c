#include "ipc/ipc.h"
#include "ipc/role.h"

#define BLOB_MAX (4u << 20)
#define PATH_BYTES_MAX WIRE_PATH_MAX

static void put(struct buf *out, const struct bytes *b)
{
	wr_bytes(out, b->p, b->len);
}

static struct bytes get(struct rd *r)
{
	return rd_bytes(r, BLOB_MAX);
}

static struct rd frame_rd(const struct frame *f)
{
	return rd_init(f->payload, f->len);
}

void ipc_config_put(struct buf *out, const struct ipc_config *c)
{
	wr_u32(out, c->flags);
	buf_append(out, c->seed, sizeof(c->seed));
	put(out, &c->fenced);
	put(out, &c->opened);
	put(out, &c->lost);
	put(out, &c->kept);
	put(out, &c->rules);
	put(out, &c->hidden);
	put(out, &c->bootstrap);
	put(out, &c->shared_dir);
	put(out, &c->empty_dir);
	wr_u8(out, c->zstd_level);
	wr_u64(out, (uint64_t)c->changed_since);
	wr_u64(out, (uint64_t)c->doubt_from);
	wr_u64(out, (uint64_t)c->doubt_exact);
	wr_u64(out, (uint64_t)c->doubt_to);
	put(out, &c->skip);
	wr_u32(out, c->mount_count);
	for (uint32_t i = 0; i < c->mount_count; i++) {
		put(out, &c->mounts[i].rel);
		put(out, &c->mounts[i].target_rel);
	}
}

bool ipc_config_get(const struct frame *f, struct ipc_config *c)
{
	struct rd r = frame_rd(f);
	struct bytes seed;

	*c = (struct ipc_config){};
	c->flags = rd_u32(&r);
	seed = rd_fixed(&r, sizeof(c->seed));
	c->fenced = get(&r);
	c->opened = get(&r);
	c->lost = get(&r);
	c->kept = get(&r);
	c->rules = get(&r);
	c->hidden = get(&r);
	c->bootstrap = get(&r);
	c->shared_dir = get(&r);
	c->empty_dir = get(&r);
	c->zstd_level = rd_u8(&r);
	c->changed_since = (int64_t)rd_u64(&r);
	c->doubt_from = (int64_t)rd_u64(&r);
	c->doubt_exact = (int64_t)rd_u64(&r);
	c->doubt_to = (int64_t)rd_u64(&r);
	c->skip = get(&r);
	c->mount_count = rd_u32(&r);
	if (!rd_ok(&r) || c->mount_count > ROLE_MOUNTS_MAX)
		return false;
	memcpy(c->seed, seed.p, sizeof(c->seed));
	c->mounts = xcalloc(c->mount_count, sizeof(*c->mounts));
	for (uint32_t i = 0; i < c->mount_count; i++) {
		c->mounts[i].rel = get(&r);
		c->mounts[i].target_rel = get(&r);
	}
	if (rd_done(&r))
		return true;
	free(c->mounts);
	c->mounts = NULL;
	return false;
}

void ipc_unit_put(struct buf *out, const struct ipc_unit *u)
{
	wr_u32(out, u->id);
	wr_u8(out, u->kind);
	wr_u8(out, u->flags);
	wr_u32(out, u->mount);
	put(out, &u->src);
	put(out, &u->dst);
	if (u->kind == UNIT_SEGMENT) {
		put(out, &u->path);
		put(out, &u->basis_path);
		wr_u64(out, u->size);
		wr_u64(out, u->off);
		wr_u64(out, u->len);
		wr_u64(out, u->basis);
		wr_u64(out, u->ino);
		wr_u64(out, u->mtime_ns);
	} else {
		put(out, &u->doubts);
	}
}

bool ipc_unit_get(const struct frame *f, struct ipc_unit *u)
{
	struct rd r = frame_rd(f);

	*u = (struct ipc_unit){};
	u->id = rd_u32(&r);
	u->kind = rd_u8(&r);
	u->flags = rd_u8(&r);
	u->mount = rd_u32(&r);
	u->src = get(&r);
	u->dst = get(&r);
	if (u->kind == UNIT_SEGMENT) {
		u->path = get(&r);
		u->basis_path = get(&r);
		u->size = rd_u64(&r);
		u->off = rd_u64(&r);
		u->len = rd_u64(&r);
		u->basis = rd_u64(&r);
		u->ino = rd_u64(&r);
		u->mtime_ns = rd_u64(&r);
	} else {
		u->doubts = get(&r);
	}
	return rd_done(&r) && u->kind <= UNIT_PATH;
}

void ipc_ready_put(struct buf *out, const struct ipc_ready *m)
{
	buf_append(out, m->boot_id, sizeof(m->boot_id));
	wr_u64(out, m->root_dev);
	wr_u64(out, m->root_ino);
	wr_u64(out, m->root_mount);
	wr_u64(out, (uint64_t)m->now);
	wr_u8(out, m->root_live);
	wr_u8(out, m->root_uid);
	wr_u64(out, m->helper_bytes);
	put(out, &m->shared_dir);
	put(out, &m->places);
}

bool ipc_ready_get(const struct frame *f, struct ipc_ready *m)
{
	struct rd r = frame_rd(f);
	struct bytes boot = rd_fixed(&r, sizeof(m->boot_id));

	m->root_dev = rd_u64(&r);
	m->root_ino = rd_u64(&r);
	m->root_mount = rd_u64(&r);
	m->now = (int64_t)rd_u64(&r);
	m->root_live = rd_u8(&r);
	m->root_uid = rd_u8(&r);
	m->helper_bytes = rd_u64(&r);
	m->shared_dir = rd_bytes(&r, 255);
	m->places = get(&r);
	if (!rd_done(&r) || m->now < 0 || m->now > WIRE_TIME_MAX || !msg_places_valid(&m->places))
		return false;
	memcpy(m->boot_id, boot.p, sizeof(m->boot_id));
	return true;
}

void ipc_given_put(struct buf *out, const struct ipc_given *g)
{
	wr_u8(out, g->flags);
	wr_u8(out, g->other_mount);
	put(out, &g->name);
	if (g->other_mount) {
		wr_u32(out, g->mount);
		put(out, &g->dst);
	}
}

bool ipc_given_get(struct rd *r, struct ipc_given *g)
{
	*g = (struct ipc_given){};
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	g->flags = rd_u8(r);
	g->other_mount = rd_u8(r);
	g->name = rd_bytes(r, 255);
	if (g->other_mount) {
		g->mount = rd_u32(r);
		g->dst = rd_bytes(r, PATH_BYTES_MAX);
	}
	if (!path_name_valid(g->name.p, g->name.len))
		r->bad = true;
	return rd_ok(r);
}

void ipc_share_put(struct buf *out, const struct ipc_share *s)
{
	wr_u32(out, s->file);
	wr_u32(out, s->unit);
	put(out, &s->src);
	wr_u32(out, s->mount);
	put(out, &s->path);
	put(out, &s->basis_path);
	wr_u64(out, s->size);
	wr_u64(out, s->basis);
	wr_u64(out, s->ino);
	wr_u64(out, s->mtime_ns);
}

bool ipc_share_get(const struct frame *f, struct ipc_share *s)
{
	struct rd r = frame_rd(f);

	s->file = rd_u32(&r);
	s->unit = rd_u32(&r);
	s->src = get(&r);
	s->mount = rd_u32(&r);
	s->path = get(&r);
	s->basis_path = get(&r);
	s->size = rd_u64(&r);
	s->basis = rd_u64(&r);
	s->ino = rd_u64(&r);
	s->mtime_ns = rd_u64(&r);
	return rd_done(&r);
}

void ipc_item_put(struct buf *out, const struct ipc_item *i)
{
	wr_u8(out, i->op);
	wr_u8(out, i->type);
	wr_u32(out, i->why);
	wr_u64(out, i->bytes);
	put(out, &i->path);
	put(out, &i->link);
}

bool ipc_item_get(const struct frame *f, struct ipc_item *i)
{
	struct rd r = frame_rd(f);

	i->op = rd_u8(&r);
	i->type = rd_u8(&r);
	i->why = rd_u32(&r);
	i->bytes = rd_u64(&r);
	i->path = rd_bytes(&r, PATH_BYTES_MAX);
	i->link = rd_bytes(&r, PATH_BYTES_MAX);
	return rd_done(&r);
}

void ipc_count_put(struct buf *out, const struct ipc_count *c)
{
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		wr_varint(out, counts_get(&c->counts, i));
}

bool ipc_count_get(const struct frame *f, struct ipc_count *c)
{
	struct rd r = frame_rd(f);

	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		*counts_at(&c->counts, i) = rd_varint(&r, UINT64_MAX);
	return rd_done(&r);
}

void ipc_epoch_put(struct buf *out, const struct ipc_epoch *m)
{
	msg_epoch_put(out, &m->epoch);
}

bool ipc_epoch_get(const struct frame *f, struct ipc_epoch *m)
{
	return msg_epoch_get(f, &m->epoch);
}

void ipc_used_put(struct buf *out, const struct ipc_used *m)
{
	pace_used_put(out, &m->used);
}

bool ipc_used_get(const struct frame *f, struct ipc_used *m)
{
	return pace_used_get(f, &m->used);
}

#define X(NAME, name, role)                                                \
	void ipc_##name##_send(struct chan *c, const struct ipc_##name *m) \
	{                                                                  \
		AUTO_BUF b = BUF_INIT;                                     \
                                                                           \
		ipc_##name##_put(&b, m);                                   \
		chan_send_buf(c, IPC_##NAME, 0, &b);                       \
	}
IPC_TO_WORKERS(X)
IPC_TO_COORDINATOR(X)
#undef X
