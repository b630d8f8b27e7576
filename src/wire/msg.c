#include "wire/msg.h"
#include "base/text.h"

#include <stdio.h>

#define VERSION_MAX 64
#define RULES_MAX (4u << 20)
#define HIDDEN_MAX (1u << 20)
#define PLACES_MAX (4u << 20)
#define META_MAX (META_XATTRS_MAX + META_LINK_MAX + 256)
#define DIAG_TEXT_MAX 8192

/* Paths are checked where they enter. */
static struct bytes get_path(struct rd *r)
{
	struct bytes b = rd_bytes(r, WIRE_PATH_MAX);

	if (!path_valid(b.p, b.len))
		r->bad = true;
	return b;
}

static struct bytes get_name(struct rd *r)
{
	struct bytes b = rd_bytes(r, META_NAME_MAX);

	if (!r->bad && !path_name_valid(b.p, b.len))
		r->bad = true;
	return b;
}

static struct bytes rest(struct rd *r)
{
	return rd_fixed(r, rd_left(r));
}

static void put_bytes(struct buf *out, const struct bytes *b)
{
	wr_bytes(out, b->p, b->len);
}

static void put_fixed(struct buf *out, const struct bytes *b)
{
	buf_append(out, b->p, b->len);
}

static struct rd frame_rd(const struct frame *f)
{
	return rd_init(f->payload, f->len);
}

/* ---- diagnostics ---- */

void wr_diag(struct buf *b, const struct diag *d)
{
	const char *path = d->path ? d->path : "", *detail = d->detail ? d->detail : "";
	size_t path_len = strlen(path), detail_len = strlen(detail);

	wr_varint(b, strtoul(diag_info(d->code)->id + 2, NULL, 10)); /* the number is stable, the enum is not */
	wr_varint(b, (uint64_t)(d->err > 0 ? d->err : 0));
	wr_bytes(b, path, MIN(path_len, (size_t)DIAG_TEXT_MAX));
	wr_bytes(b, detail, MIN(detail_len, (size_t)DIAG_TEXT_MAX));
}

static char *copy_text(const struct bytes *b)
{
	return b->len && !memchr(b->p, 0, b->len) ? xmemdup(b->p, b->len) : NULL;
}

bool rd_diag(struct rd *r, struct diag *out)
{
	uint64_t number = rd_varint(r, 9999);
	uint64_t err = rd_varint(r, 4095);
	char id[8];
	struct bytes path = rd_bytes(r, DIAG_TEXT_MAX), detail = rd_bytes(r, DIAG_TEXT_MAX);

	diag_release(out);
	if (r->bad)
		return false;
	snprintf(id, sizeof(id), "%04u", (unsigned)number);
	out->code = number ? diag_find(id) : DIAG_NONE;
	if (number && out->code == DIAG_NONE)
		out->code = DIAG_INTERNAL;
	out->err = (int)err;
	out->path = copy_text(&path);
	if (detail.len && !memchr(detail.p, 0, detail.len)) {
		/* The other side has escaped it already; what it has not cannot reach a terminal either. */
		struct buf clean = BUF_INIT;

		text_clean(&clean, detail.p, detail.len);
		out->detail = buf_detach(&clean);
	}
	return true;
}

/* What was got is the caller's only if all is well. */
static bool keep(bool ok, struct diag *d)
{
	if (!ok)
		diag_release(d);
	return ok;
}

/* A failure is told with its reason, or it would not be counted as one. */
static void require_reason(bool failed, struct diag *d)
{
	if (failed && !diag_is_set(d))
		diag_set(d, DIAG_INTERNAL, 0, NULL, "the other side gave no reason for a failure");
}

/* ---- session ---- */

void msg_hello_put(struct buf *out, const struct msg_hello *m)
{
	wr_u32(out, m->protocol); /* first, so that any version can read it */
	put_bytes(out, &m->version);
	buf_append(out, m->seed, sizeof(m->seed));
	wr_u32(out, m->fields);
	wr_u32(out, m->flags);
	put_bytes(out, &m->rules);
	put_bytes(out, &m->hidden);
	put_bytes(out, &m->kept);
}

bool msg_hello_get(const struct frame *f, struct msg_hello *m)
{
	struct rd r = frame_rd(f);
	struct bytes seed;

	m->protocol = rd_u32(&r);
	m->version = rd_bytes(&r, VERSION_MAX);
	if (rd_ok(&r) && m->protocol != WIRE_PROTOCOL)
		return true; /* the rest may look different: the caller refuses by version */
	seed = rd_fixed(&r, sizeof(m->seed));
	m->fields = rd_u32(&r);
	m->flags = rd_u32(&r);
	m->rules = rd_bytes(&r, RULES_MAX);
	m->hidden = rd_bytes(&r, HIDDEN_MAX);
	m->kept = rd_bytes(&r, HIDDEN_MAX);
	if (!rd_done(&r) || (m->fields & ~(uint32_t)META_F_ALL) || m->flags >= HELLO_SIZE_ONLY_BASE)
		return false;
	memcpy(m->seed, seed.p, sizeof(m->seed));
	return true;
}

static void put_time(struct buf *out, int64_t t)
{
	wr_u64(out, (uint64_t)t);
}
static int64_t get_time(struct rd *r)
{
	uint64_t t = rd_u64(r);

	r->bad = r->bad || t > WIRE_TIME_MAX;
	return r->bad ? 0 : (int64_t)t;
}
void msg_place_put(struct buf *out, const struct msg_place *p)
{
	put_bytes(out, &p->path);
	wr_u64(out, p->type);
	wr_u64(out, p->number);
	wr_u64(out, p->dev);
	wr_u64(out, p->ino);
	wr_u64(out, (uint64_t)p->born);
	wr_u8(out, p->empty);
}

bool msg_place_get(struct rd *r, struct msg_place *p)
{
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	p->path = rd_bytes(r, WIRE_PATH_MAX);
	p->type = rd_u64(r);
	p->number = rd_u64(r);
	p->dev = rd_u64(r);
	p->ino = rd_u64(r);
	p->born = (int64_t)rd_u64(r);
	p->empty = rd_u8(r);
	if (p->empty > 1 || !path_valid(p->path.p, p->path.len))
		r->bad = true;
	return rd_ok(r);
}

bool msg_places_valid(const struct bytes *places)
{
	struct rd r = rd_init(places->p, places->len);
	struct msg_place p;
	unsigned n = 0;

	while (msg_place_get(&r, &p))
		if (n++ == WIRE_PLACES_MAX || (p.path.len == 0) != (n == 1))
			return false;
	return rd_done(&r);
}

void msg_hello_ok_put(struct buf *out, const struct msg_hello_ok *m)
{
	wr_u32(out, m->protocol);
	put_bytes(out, &m->version);
	wr_u32(out, m->fields);
	wr_u8(out, m->root_uid);
	buf_append(out, m->boot_id, sizeof(m->boot_id));
	wr_u64(out, m->root_dev);
	wr_u64(out, m->root_ino);
	wr_u64(out, m->root_mount);
	wr_u8(out, m->root_live);
	put_bytes(out, &m->places);
	put_time(out, m->now);
}

bool msg_hello_ok_get(const struct frame *f, struct msg_hello_ok *m)
{
	struct rd r = frame_rd(f);
	struct bytes boot;

	m->protocol = rd_u32(&r);
	m->version = rd_bytes(&r, VERSION_MAX);
	if (rd_ok(&r) && m->protocol != WIRE_PROTOCOL)
		return true;
	m->fields = rd_u32(&r);
	m->root_uid = rd_u8(&r);
	boot = rd_fixed(&r, sizeof(m->boot_id));
	m->root_dev = rd_u64(&r);
	m->root_ino = rd_u64(&r);
	m->root_mount = rd_u64(&r);
	m->root_live = rd_u8(&r);
	m->places = rd_bytes(&r, PLACES_MAX);
	m->now = get_time(&r);
	if (!rd_done(&r) || (m->fields & ~(uint32_t)META_F_ALL) || m->root_uid > 1 || m->root_live > 1 ||
		!msg_places_valid(&m->places))
		return false;
	memcpy(m->boot_id, boot.p, sizeof(m->boot_id));
	return true;
}
void msg_suspect_put(struct buf *out, const struct suspect *s)
{
	put_time(out, s->from);
	put_time(out, s->to);
}
bool msg_suspect_get(struct rd *r, struct suspect *s)
{
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	s->from = get_time(r);
	s->to = get_time(r);
	return rd_ok(r);
}
void msg_epoch_put(struct buf *out, const struct msg_epoch *m)
{
	put_time(out, m->time);
	wr_u8(out, m->all);
}
bool msg_epoch_get(const struct frame *f, struct msg_epoch *m)
{
	struct rd r = frame_rd(f);

	m->time = get_time(&r);
	m->all = rd_u8(&r);
	return rd_done(&r) && m->all <= 1;
}

void msg_lost_put(struct buf *out, const struct msg_lost *m)
{
	wr_bytes(out, m->what.p, m->what.len);
	wr_varint(out, m->files);
	wr_bytes(out, m->path.p, m->path.len);
}

bool msg_lost_get(struct rd *r, struct msg_lost *m)
{
	if (!rd_left(r))
		return false;
	m->what = rd_bytes(r, LOST_WHAT_MAX);
	m->files = rd_varint(r, UINT64_MAX);
	m->path = rd_bytes(r, WIRE_PATH_MAX);
	r->bad = r->bad || !path_valid(m->path.p, m->path.len);
	r->bad = r->bad || m->what.len == 0 || memchr(m->what.p, 0, m->what.len);
	return rd_ok(r);
}

/* ---- directories ---- */

static void put_digest(struct buf *out, const struct digest *d)
{
	wr_u64(out, d->lo);
	wr_u64(out, d->hi);
	wr_varint(out, d->count);
}

static struct digest get_digest(struct rd *r)
{
	struct digest d;

	d.lo = rd_u64(r);
	d.hi = rd_u64(r);
	d.count = rd_varint(r, UINT64_MAX);
	return d;
}

void msg_dir_put(struct buf *out, const struct msg_dir *m)
{
	bool same = m->src.len == m->dst.len && (!m->src.len || !memcmp(m->src.p, m->dst.p, m->src.len));

	wr_u8(out, m->flags);
	wr_u8(out, same);
	put_bytes(out, &m->src);
	if (!same)
		put_bytes(out, &m->dst);
	wr_varint(out, m->slice);
	wr_varint(out, m->slices);
	if (!(m->flags & DIR_NEW)) {
		wr_varint(out, m->buckets);
		put_digest(out, &m->digest);
	}
	put_fixed(out, &m->meta);
}

bool msg_dir_get(const struct frame *f, struct msg_dir *m)
{
	struct rd r = frame_rd(f);
	uint8_t same;

	*m = (struct msg_dir){.buckets = 1};
	m->flags = rd_u8(&r);
	same = rd_u8(&r);
	m->src = get_path(&r);
	m->dst = same ? m->src : get_path(&r);
	m->slice = (uint32_t)rd_varint(&r, UINT32_MAX);
	m->slices = (uint32_t)rd_varint(&r, UINT32_MAX);
	if (!(m->flags & DIR_NEW)) {
		m->buckets = (uint32_t)rd_varint(&r, WIRE_BUCKETS_MAX);
		m->digest = get_digest(&r);
	}
	m->meta = rest(&r);
	return rd_done(&r) && same <= 1 && m->flags < (DIR_NO_DELETE << 1) && m->slice < m->slices && m->buckets;
}

void msg_dir_diff_put(struct buf *out, const struct msg_dir_diff *m)
{
	wr_u8(out, m->empty);
	put_fixed(out, &m->buckets);
}

bool msg_dir_diff_get(const struct frame *f, struct msg_dir_diff *m)
{
	struct rd r = frame_rd(f);

	m->empty = rd_u8(&r);
	m->buckets = rest(&r);
	return rd_done(&r) && m->empty <= 1 && m->buckets.len % 8 == 0 && m->buckets.len / 8 <= WIRE_BUCKETS_MAX;
}

void msg_list_head_put(struct buf *out, bool last, const uint8_t *bitmap, size_t n)
{
	wr_u8(out, last ? MSG_LAST : 0);
	wr_bytes(out, bitmap, n);
}

bool msg_list_head_get(struct rd *r, bool *out_last, struct bytes *out_bitmap)
{
	uint8_t flags = rd_u8(r);

	*out_last = flags & MSG_LAST;
	*out_bitmap = rd_bytes(r, WIRE_BUCKETS_MAX / 8);
	return rd_ok(r) && flags <= MSG_LAST;
}

void msg_entry_put(struct buf *out, const struct entry *e, bool with_content)
{
	wr_u8(out, e->flags);
	put_bytes(out, &e->name);
	put_bytes(out, &e->meta);
	if (with_content)
		put_bytes(out, &e->content);
}

bool msg_entry_get(struct rd *r, bool with_content, struct entry *e)
{
	*e = (struct entry){};
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	e->flags = rd_u8(r);
	e->name = get_name(r);
	e->meta = rd_bytes(r, META_MAX);
	if (with_content)
		e->content = rd_bytes(r, FRAME_MAX);
	if (e->flags >= (ENTRY_DOUBT << 1) || e->meta.len == 0)
		r->bad = true;
	return rd_ok(r);
}

void msg_need_put(struct buf *out, const struct need *n)
{
	wr_varint(out, n->index);
	wr_u8(out, n->op);
	wr_varint(out, n->why);
	if (n->op == NEED_UPDATE || n->op == NEED_LINK_STATE)
		wr_varint(out, n->basis);
	if (n->op == NEED_LINK_STATE) {
		wr_u8(out, (uint8_t)(n->exists | n->doubt << 1));
		if (n->exists) {
			wr_varint(out, n->dev);
			wr_varint(out, n->ino);
			wr_varint(out, n->nlink);
		}
	}
	if (n->op == NEED_FAILED)
		wr_diag(out, &n->diag);
}

bool msg_need_get(struct rd *r, struct need *n)
{
	uint8_t state;

	*n = (struct need){};
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	n->index = (uint32_t)rd_varint(r, UINT32_MAX);
	n->op = rd_u8(r);
	n->why = (uint32_t)rd_varint(r, META_D_END - 1);
	if (n->op == NEED_UPDATE || n->op == NEED_LINK_STATE)
		n->basis = rd_varint(r, UINT64_MAX);
	if (n->op == NEED_LINK_STATE) {
		state = rd_u8(r);
		n->exists = state & 1;
		n->doubt = state >> 1;
		if (n->exists) {
			n->dev = rd_varint(r, UINT64_MAX);
			n->ino = rd_varint(r, UINT64_MAX);
			n->nlink = rd_varint(r, UINT64_MAX);
		}
	}
	if (n->op == NEED_FAILED)
		rd_diag(r, &n->diag);
	if (n->op < NEED_CREATED || n->op > NEED_WAY || n->doubt > n->exists)
		r->bad = true;
	require_reason(n->op == NEED_FAILED, &n->diag);
	return keep(rd_ok(r), &n->diag);
}

static void put_diag_maybe(struct buf *out, const struct diag *d)
{
	wr_u8(out, diag_is_set(d));
	if (diag_is_set(d))
		wr_diag(out, d);
}

static void get_diag_maybe(struct rd *r, struct diag *d)
{
	uint8_t has = rd_u8(r);

	*d = (struct diag)DIAG_INIT;
	if (has > 1)
		r->bad = true;
	if (has)
		rd_diag(r, d);
}

void msg_dir_done_put(struct buf *out, const struct msg_dir_done *m)
{
	wr_u32(out, m->set);
	wr_u32(out, m->failed);
	put_diag_maybe(out, &m->diag);
}

bool msg_dir_done_get(const struct frame *f, struct msg_dir_done *m)
{
	struct rd r = frame_rd(f);

	m->set = rd_u32(&r);
	m->failed = rd_u32(&r);
	get_diag_maybe(&r, &m->diag);
	return keep(rd_done(&r), &m->diag);
}

/* ---- small entries ---- */

enum { PUT_FAILED = 1, PUT_MADE = 2, PUT_INO = 4, PUT_DIAG = 8 };

void msg_put_done_put(struct buf *out, const struct put_done *p)
{
	wr_varint(out, p->index);
	wr_u8(out,
		(uint8_t)((p->failed ? PUT_FAILED : 0) | (p->made ? PUT_MADE : 0) | (p->ino ? PUT_INO : 0) |
			(diag_is_set(&p->diag) ? PUT_DIAG : 0)));
	if (p->ino) {
		wr_varint(out, p->dev);
		wr_varint(out, p->ino);
	}
	if (diag_is_set(&p->diag))
		wr_diag(out, &p->diag);
}

bool msg_put_done_get(struct rd *r, struct put_done *p)
{
	uint8_t flags;

	*p = (struct put_done){};
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	p->index = (uint32_t)rd_varint(r, UINT32_MAX);
	flags = rd_u8(r);
	p->failed = flags & PUT_FAILED;
	p->made = flags & PUT_MADE;
	if (flags & PUT_INO) {
		p->dev = rd_varint(r, UINT64_MAX);
		p->ino = rd_varint(r, UINT64_MAX);
	}
	if (flags & PUT_DIAG)
		rd_diag(r, &p->diag);
	if (flags >= PUT_DIAG << 1)
		r->bad = true;
	require_reason(p->failed, &p->diag);
	return keep(rd_ok(r), &p->diag);
}

/* ---- large files ---- */

void msg_file_put(struct buf *out, const struct msg_file *m)
{
	wr_u8(out, m->flags);
	if (m->flags & FILE_SEGMENT) {
		put_bytes(out, &m->path);
		put_bytes(out, &m->basis_path);
		wr_varint(out, m->off);
		wr_varint(out, m->len);
	} else {
		wr_u32(out, m->dir);
		put_bytes(out, &m->name);
	}
	wr_varint(out, m->size);
	put_fixed(out, &m->meta);
}

bool msg_file_get(const struct frame *f, struct msg_file *m)
{
	struct rd r = frame_rd(f);

	*m = (struct msg_file){};
	m->flags = rd_u8(&r);
	if (m->flags & FILE_SEGMENT) {
		m->path = get_path(&r);
		m->basis_path = get_path(&r);
		m->off = rd_varint(&r, INT64_MAX);
		m->len = rd_varint(&r, (uint64_t)INT64_MAX - m->off);
		if (m->path.len == 0 || m->len == 0)
			r.bad = true;
	} else {
		m->dir = rd_u32(&r);
		m->name = get_name(&r);
	}
	m->size = rd_varint(&r, INT64_MAX);
	m->meta = rest(&r);
	return rd_done(&r) && m->flags < FILE_COMPARE << 1;
}

void msg_file_ok_put(struct buf *out, const struct msg_file_ok *m)
{
	put_bytes(out, &m->path);
	put_bytes(out, &m->basis_path);
	wr_u8(out, m->inplace);
	wr_varint(out, m->basis);
}

bool msg_file_ok_get(const struct frame *f, struct msg_file_ok *m)
{
	struct rd r = frame_rd(f);

	m->path = get_path(&r);
	m->basis_path = get_path(&r);
	m->inplace = rd_u8(&r);
	m->basis = rd_varint(&r, INT64_MAX);
	return rd_done(&r) && m->inplace <= 1 && m->path.len;
}

void msg_data_head_put(struct buf *out, uint64_t off)
{
	wr_u64(out, off);
}

bool msg_data_get(const struct frame *f, struct msg_data *m)
{
	struct rd r = frame_rd(f);

	m->off = rd_u64(&r);
	m->data = rest(&r);
	m->len = m->data.len;
	return rd_done(&r) && m->off <= INT64_MAX - FRAME_MAX;
}

void msg_hole_put(struct buf *out, uint64_t off, uint64_t len)
{
	wr_u64(out, off);
	wr_u64(out, len);
}

bool msg_hole_get(const struct frame *f, struct msg_data *m)
{
	struct rd r = frame_rd(f);

	*m = (struct msg_data){};
	m->off = rd_u64(&r);
	m->len = rd_u64(&r);
	return rd_done(&r) && m->off <= INT64_MAX && m->len <= INT64_MAX - m->off;
}

static uint32_t chunk_count(uint32_t len, uint32_t chunk)
{
	return len / chunk + (len % chunk != 0);
}

void msg_seg_hash_put(struct buf *out, const struct msg_seg_hash *m)
{
	wr_varint(out, m->off);
	wr_varint(out, m->len);
	wr_varint(out, m->chunk);
	put_fixed(out, &m->hashes);
}

bool msg_seg_hash_get(const struct frame *f, struct msg_seg_hash *m)
{
	struct rd r = frame_rd(f);

	m->off = rd_varint(&r, INT64_MAX - WIRE_SEGMENT);
	m->len = (uint32_t)rd_varint(&r, WIRE_SEGMENT);
	m->chunk = (uint32_t)rd_varint(&r, WIRE_SEGMENT);
	m->hashes = rest(&r);
	return rd_done(&r) && m->len && m->chunk >= 4096 && m->hashes.len == (size_t)chunk_count(m->len, m->chunk) * 16;
}

void msg_seg_run_put(struct buf *out, const struct seg_run *r)
{
	wr_varint(out, r->off);
	wr_varint(out, r->len);
	wr_bytes(out, r->sig.p, r->sig.len);
	if (r->sig.len) {
		wr_varint(out, r->window_off);
		wr_varint(out, r->window_len);
	}
}

bool msg_seg_run_get(struct rd *r, struct seg_run *run)
{
	*run = (struct seg_run){};
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	run->off = rd_varint(r, INT64_MAX - WIRE_RUN_MAX);
	run->len = (uint32_t)rd_varint(r, WIRE_RUN_MAX);
	run->sig = rd_bytes(r, FRAME_MAX);
	if (run->sig.len) {
		run->window_off = rd_varint(r, INT64_MAX - WIRE_RUN_MAX - 2 * WIRE_WINDOW_MARGIN);
		run->window_len = (uint32_t)rd_varint(r, WIRE_RUN_MAX + 2 * WIRE_WINDOW_MARGIN);
	}
	if (run->len == 0)
		r->bad = true;
	return rd_ok(r);
}

void msg_run_put(struct buf *out, const struct msg_run *m)
{
	wr_varint(out, m->off);
	wr_varint(out, m->len);
	wr_varint(out, m->window_off);
	wr_varint(out, m->window_len);
	buf_append(out, m->hash, sizeof(m->hash));
	put_fixed(out, &m->delta);
}

bool msg_run_get(const struct frame *f, struct msg_run *m)
{
	struct rd r = frame_rd(f);
	struct bytes hash;

	m->off = rd_varint(&r, INT64_MAX - WIRE_RUN_MAX);
	m->len = (uint32_t)rd_varint(&r, WIRE_RUN_MAX);
	m->window_off = rd_varint(&r, INT64_MAX - WIRE_RUN_MAX - 2 * WIRE_WINDOW_MARGIN);
	m->window_len = (uint32_t)rd_varint(&r, WIRE_RUN_MAX + 2 * WIRE_WINDOW_MARGIN);
	hash = rd_fixed(&r, sizeof(m->hash));
	m->delta = rest(&r);
	if (!rd_done(&r) || m->len == 0)
		return false;
	memcpy(m->hash, hash.p, sizeof(m->hash));
	return true;
}

void msg_file_end_put(struct buf *out, const struct msg_file_end *m)
{
	wr_u8(out, m->flags);
	put_fixed(out, &m->meta);
}

bool msg_file_end_get(const struct frame *f, struct msg_file_end *m)
{
	struct rd r = frame_rd(f);

	m->flags = rd_u8(&r);
	m->meta = rest(&r);
	return rd_done(&r) && m->flags < FILE_END_UNCHANGED << 1;
}

void msg_file_done_put(struct buf *out, const struct msg_file_done *m)
{
	wr_u8(out, m->status);
	wr_varint(out, m->why);
	wr_varint(out, m->dev);
	wr_varint(out, m->ino);
	put_diag_maybe(out, &m->diag);
	put_fixed(out, &m->runs);
}

bool msg_file_done_get(const struct frame *f, struct msg_file_done *m)
{
	struct rd r = frame_rd(f);

	m->status = rd_u8(&r);
	m->why = (uint32_t)rd_varint(&r, META_D_END - 1);
	m->dev = rd_varint(&r, UINT64_MAX);
	m->ino = rd_varint(&r, UINT64_MAX);
	get_diag_maybe(&r, &m->diag);
	m->runs = rest(&r);
	require_reason(m->status == FILE_FAILED, &m->diag);
	return keep(rd_done(&r) && m->status <= FILE_FAILED, &m->diag);
}

void msg_again_put(struct buf *out, uint64_t off, uint32_t len)
{
	wr_u64(out, off);
	wr_u32(out, len);
}

bool msg_again_get(struct rd *r, uint64_t *off, uint32_t *len)
{
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	*off = rd_u64(r);
	*len = rd_u32(r);
	if (*off > INT64_MAX - WIRE_RUN_MAX || *len == 0 || *len > WIRE_RUN_MAX)
		r->bad = true;
	return rd_ok(r);
}

/* ---- single operations ---- */

void msg_meta_put(struct buf *out, const struct msg_meta *m)
{
	wr_u32(out, m->dir);
	wr_u8(out, m->flags);
	put_bytes(out, &m->name);
	put_fixed(out, &m->meta);
}

bool msg_meta_get(const struct frame *f, struct msg_meta *m)
{
	struct rd r = frame_rd(f);

	m->dir = rd_u32(&r);
	m->flags = rd_u8(&r);
	m->name = get_name(&r);
	m->meta = rest(&r);
	return rd_done(&r) && !(m->flags & ~ENTRY_BREAK);
}

void msg_link_put(struct buf *out, const struct msg_link *m)
{
	wr_u32(out, m->dir);
	put_bytes(out, &m->name);
	put_bytes(out, &m->existing);
	wr_varint(out, m->dev);
	wr_varint(out, m->ino);
}

bool msg_link_get(const struct frame *f, struct msg_link *m)
{
	struct rd r = frame_rd(f);

	m->dir = rd_u32(&r);
	m->name = get_name(&r);
	m->existing = get_path(&r);
	m->dev = rd_varint(&r, UINT64_MAX);
	m->ino = rd_varint(&r, UINT64_MAX);
	return rd_done(&r) && m->existing.len;
}

void msg_op_done_put(struct buf *out, const struct msg_op_done *m)
{
	wr_u8(out, m->failed);
	wr_u8(out, m->changed);
	wr_varint(out, m->why);
	wr_varint(out, m->dev);
	wr_varint(out, m->ino);
	put_diag_maybe(out, &m->diag);
}

bool msg_op_done_get(const struct frame *f, struct msg_op_done *m)
{
	struct rd r = frame_rd(f);

	m->failed = rd_u8(&r);
	m->changed = rd_u8(&r);
	m->why = (uint32_t)rd_varint(&r, META_D_END - 1);
	m->dev = rd_varint(&r, UINT64_MAX);
	m->ino = rd_varint(&r, UINT64_MAX);
	get_diag_maybe(&r, &m->diag);
	require_reason(m->failed, &m->diag);
	return keep(rd_done(&r) && m->failed <= 1 && m->changed <= 1, &m->diag);
}

void msg_delete_head_put(struct buf *out, const struct msg_delete_head *m)
{
	wr_u32(out, m->dir);
	wr_u8(out, m->flags);
	wr_u64(out, m->budget);
}

bool msg_delete_head_get(struct rd *r, struct msg_delete_head *m)
{
	m->dir = rd_u32(r);
	m->flags = rd_u8(r);
	m->budget = rd_u64(r);
	return rd_ok(r) && !(m->flags & ~DELETE_WAY);
}

void msg_delete_done_head_put(struct buf *out, const struct msg_delete_done *m)
{
	wr_u8(out, m->flags);
	wr_u64(out, m->deleted);
	wr_u8(out, m->budget_reached);
}

bool msg_delete_done_get(const struct frame *f, struct msg_delete_done *m)
{
	struct rd r = frame_rd(f);

	m->flags = rd_u8(&r);
	m->deleted = rd_u64(&r);
	m->budget_reached = rd_u8(&r);
	m->records = r;
	return rd_ok(&r) && m->flags <= MSG_LAST && m->budget_reached <= 1;
}

void msg_delete_record_put(struct buf *out, const struct delete_record *r)
{
	wr_u8(out, r->type);
	put_bytes(out, &r->path);
	if (r->type == META_NONE)
		wr_diag(out, &r->diag);
}

bool msg_delete_record_get(struct rd *r, struct delete_record *out)
{
	*out = (struct delete_record){};
	if (!rd_ok(r) || rd_left(r) == 0)
		return false;
	out->type = rd_u8(r);
	out->path = get_path(r);
	if (out->type == META_NONE)
		rd_diag(r, &out->diag);
	if (out->type >= META_TYPE_END)
		r->bad = true;
	require_reason(out->type == META_NONE, &out->diag);
	return keep(rd_ok(r), &out->diag);
}

/* ---- measuring ---- */

void msg_pong_put(struct buf *out, const struct msg_pong *m)
{
	wr_u64(out, m->clock_ns);
	wr_u64(out, m->filled);
}

bool msg_pong_get(const struct frame *f, struct msg_pong *m)
{
	struct rd r = frame_rd(f);

	m->clock_ns = rd_u64(&r);
	m->filled = rd_u64(&r);
	return rd_done(&r) && m->clock_ns <= INT64_MAX && m->filled <= INT64_MAX;
}

void msg_load_put(struct buf *out, const struct sysload *m)
{
	wr_u64(out, m->busy);
	wr_u64(out, m->total);
	wr_u32(out, m->cpus);
	wr_u64(out, m->mem_total);
	wr_u64(out, m->mem_available);
}

bool msg_load_get(const struct frame *f, struct sysload *m)
{
	struct rd r = frame_rd(f);

	m->busy = rd_u64(&r);
	m->total = rd_u64(&r);
	m->cpus = rd_u32(&r);
	m->mem_total = rd_u64(&r);
	m->mem_available = rd_u64(&r);
	return rd_done(&r) && m->busy <= m->total && m->mem_available <= m->mem_total;
}
