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

/* ---- the image ---- */

#define MIB (UINT64_C(1) << 20)
#define FILE_MAX 4095

void operator_image_put(struct buf *out, const struct operator_image *m)
{
	wr_str(out, m->file);
	wr_u64(out, m->size);
	wr_u64(out, m->room);
	wr_str(out, m->disk);
	wr_u8(out, m->count);
	for (size_t i = 0; i < m->count; i++) {
		const struct operator_partition *p = &m->partitions[i];

		wr_u64(out, p->start);
		wr_u64(out, p->size);
		wr_u8(out, p->filesystem);
		wr_u64(out, p->inodes);
		wr_str(out, p->type);
		wr_str(out, p->id);
		wr_str(out, p->name);
		wr_str(out, p->uuid);
	}
}

/* They become arguments and input of programs: 8-4-4-4-12 hexadecimal digits, or with `serial` 4-4. */
static bool get_id(struct rd *r, char *out, bool serial)
{
	const size_t n = serial ? 9 : OPERATOR_ID_SIZE - 1;
	const struct bytes b = rd_bytes(r, OPERATOR_ID_SIZE - 1);

	if (b.len != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const bool dash = serial ? i == 4 : i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? b.p[i] != '-' : !memchr("0123456789abcdefABCDEF", b.p[i], 22))
			return false;
	}
	memcpy(out, b.p, n);
	out[n] = '\0';
	return true;
}

static bool get_partition(struct rd *r, struct operator_partition *p, uint64_t from, uint64_t end)
{
	p->start = rd_u64(r);
	p->size = rd_u64(r);
	p->filesystem = rd_u8(r);
	p->inodes = rd_u64(r);
	if (p->start % MIB || p->size % MIB || !p->size || p->start < from || p->start > end ||
		p->size > end - p->start || p->filesystem >= OPERATOR_FS_END || p->inodes > UINT32_MAX)
		return false;
	if (!get_id(r, p->type, false) || !get_id(r, p->id, false) || !rd_name(r, p->name, OPERATOR_NAME_SIZE - 1) ||
		p->name[strspn(p->name, "abcdefghijklmnopqrstuvwxyz")])
		return false;
	return p->filesystem == OPERATOR_FS_NONE ? !rd_bytes(r, 0).len && rd_ok(r)
						 : get_id(r, p->uuid, p->filesystem == OPERATOR_FS_VFAT);
}

bool operator_image_get(const struct frame *f, struct operator_image *m)
{
	struct rd r = frame_rd(f);
	struct bytes file;
	uint64_t from = MIB;

	*m = (struct operator_image){};
	file = rd_bytes(&r, FILE_MAX);
	if (file.len < 2 || *file.p != '/' || memchr(file.p, '\0', file.len) || file.p[file.len - 1] == '/')
		return false;
	m->file = bytes_dup(&file);
	m->size = rd_u64(&r);
	m->room = rd_u64(&r);
	if (m->size % MIB || m->size < 2 * MIB || m->size > OPERATOR_IMAGE_MAX || !get_id(&r, m->disk, false))
		return false;
	m->count = rd_u8(&r);
	if (!m->count || m->count > OPERATOR_PARTITIONS_MAX)
		return false;
	for (size_t i = 0; i < m->count; i++) {
		if (!get_partition(&r, &m->partitions[i], from, m->size - MIB))
			return false;
		from = m->partitions[i].start + m->partitions[i].size;
	}
	return rd_done(&r);
}

void operator_image_release(struct operator_image *m)
{
	free(m->file);
	m->file = NULL;
}

void operator_image_done_put(struct buf *out, const struct operator_image_done *m)
{
	wr_u8(out, m->made);
}

bool operator_image_done_get(const struct frame *f, struct operator_image_done *m)
{
	struct rd r = frame_rd(f);

	m->made = rd_u8(&r);
	return rd_done(&r) && m->made <= 1;
}
