#include "operator/proto.h"
#include "facts/facts.h"

#define VERSION_MAX 64
#define TAKEN_MAX (INT64_C(1) << 36) /* a year 4147 */

static struct rd frame_rd(const struct frame *f)
{
	return rd_init(f->payload, f->len);
}

void operator_hello_put(struct buf *out, const struct operator_hello *m)
{
	wr_u32(out, m->protocol); /* first, so that any version can read it */
	wr_bytes(out, m->version.p, m->version.len);
}

bool operator_hello_get(const struct frame *f, struct operator_hello *m)
{
	struct rd r = frame_rd(f);

	m->protocol = rd_u32(&r);
	m->version = rd_bytes(&r, VERSION_MAX);
	return m->protocol == OPERATOR_PROTOCOL ? rd_done(&r) : rd_ok(&r);
}

void operator_facts_put(struct buf *out, const struct operator_facts *m)
{
	wr_u32(out, m->limit_ms);
}

bool operator_facts_get(const struct frame *f, struct operator_facts *m)
{
	struct rd r = frame_rd(f);

	m->limit_ms = rd_u32(&r);
	return rd_done(&r) && m->limit_ms && m->limit_ms <= FACTS_LIMIT_MAX_MS;
}

void operator_part_put(struct buf *out, const struct operator_part *m)
{
	wr_u8(out, m->flags);
	wr_bytes(out, m->name.p, m->name.len);
	buf_append(out, m->text.p, m->text.len);
}

static bool is_section_name(const struct bytes *name)
{
	for (size_t i = 0; i < name->len; i++)
		if ((name->p[i] < 'a' || name->p[i] > 'z') && name->p[i] != '_')
			return false;
	return name->len;
}

bool operator_part_get(const struct frame *f, struct operator_part *m)
{
	struct rd r = frame_rd(f);

	m->flags = rd_u8(&r);
	m->name = rd_bytes(&r, FACTS_NAME_MAX);
	m->text = rd_fixed(&r, rd_left(&r));
	if (!rd_done(&r) || m->flags & ~(OPERATOR_PART_LAST | OPERATOR_PART_UNKNOWN) || !is_section_name(&m->name))
		return false;
	if (m->flags & OPERATOR_PART_UNKNOWN)
		return m->flags & OPERATOR_PART_LAST && m->text.len && m->text.len <= OPERATOR_REASON_MAX;
	return m->text.len <= OPERATOR_PART_BYTES;
}

void operator_facts_done_put(struct buf *out, const struct operator_facts_done *m)
{
	wr_u32(out, m->schema);
	wr_u32(out, m->sections);
	wr_u8(out, m->live);
	wr_u64(out, (uint64_t)m->taken);
}

bool operator_facts_done_get(const struct frame *f, struct operator_facts_done *m)
{
	struct rd r = frame_rd(f);

	m->schema = rd_u32(&r);
	m->sections = rd_u32(&r);
	m->live = rd_u8(&r);
	m->taken = (int64_t)rd_u64(&r);
	return rd_done(&r) && m->live <= 1 && m->sections <= FACTS_SECTIONS_MAX && m->taken >= 0 &&
		m->taken <= TAKEN_MAX;
}
