/*
 * The canonical encoding.
 *
 *	head	1 byte	type, with HEAD_FLAGS, HEAD_XATTRS and HEAD_PROJECT when those follow (they are left out when empty or 0),
 *			HEAD_PARTIAL when some of the xattrs could not be read
 *	mode	varint	META_F_MODE, not of symbolic links
 *	uid gid	varints	META_F_OWNER
 *	mtime	zigzag varint of seconds, varint of nanoseconds; META_F_MTIME
 *	size	varint	regular files
 *	link	varint length, bytes; symbolic links
 *	rdev	varints major, minor; devices
 *	flags	varint	META_F_FLAGS, files and directories
 *	project	varint	META_F_PROJECT, files and directories
 *	xattrs	varint length, packed list
 *
 * Every value has one form, so that equal metadata are equal bytes; any other form is refused.
 */
#include "base/pack.h"
#include "meta/private.h"

#define HEAD_TYPE 0x0f
#define HEAD_FLAGS 0x10
#define HEAD_XATTRS 0x20
#define HEAD_PROJECT 0x40
#define HEAD_PARTIAL 0x80

static uint32_t flags_packed(const struct meta *m, unsigned fields)
{
	return m->type == META_REG || m->type == META_DIR ? m->flags & flags_mask(fields) : 0;
}

static uint32_t project_packed(const struct meta *m, unsigned fields)
{
	return (m->type == META_REG || m->type == META_DIR) && (fields & META_F_PROJECT) ? m->projid : 0;
}

/* The packed xattrs the profile keeps: all of them, as a rule, when they were read under the same profile. */
static void xattrs_filter(struct buf *out, const struct buf *xattrs, unsigned fields)
{
	struct meta_xattr x;
	size_t pos = 0, from = 0;

	while (meta_xattr_next(xattrs, &pos, &x)) {
		if (xattr_field(x.name) & fields)
			buf_append(out, xattrs->data + from, pos - from);
		from = pos;
	}
}

void meta_pack(struct buf *out, const struct meta *m, unsigned fields)
{
	const uint32_t flags = flags_packed(m, fields), project = project_packed(m, fields);
	const bool partial = m->partial && (fields & XATTR_FIELDS);
	AUTO_BUF xattrs = BUF_INIT;

	if (m->xattrs.len && (fields & XATTR_FIELDS))
		xattrs_filter(&xattrs, &m->xattrs, fields);
	buf_append_u8(out,
		m->type | (flags ? HEAD_FLAGS : 0) | (xattrs.len ? HEAD_XATTRS : 0) | (project ? HEAD_PROJECT : 0) |
			(partial ? HEAD_PARTIAL : 0));
	if ((fields & META_F_MODE) && m->type != META_LNK)
		wr_varint(out, m->mode);
	if (fields & META_F_OWNER) {
		wr_varint(out, m->uid);
		wr_varint(out, m->gid);
	}
	if (fields & META_F_MTIME) {
		wr_varint_signed(out, m->mtime_s);
		wr_varint(out, m->mtime_ns);
	}
	if (m->type == META_REG)
		wr_varint(out, m->size);
	if (m->type == META_LNK)
		wr_bytes(out, m->link.data, m->link.len);
	if (m->type == META_CHR || m->type == META_BLK) {
		wr_varint(out, m->rdev_major);
		wr_varint(out, m->rdev_minor);
	}
	if (flags)
		wr_varint(out, flags);
	if (project)
		wr_varint(out, project);
	if (xattrs.len)
		wr_bytes(out, xattrs.data, xattrs.len);
}

/* Mode, owner, mtime. */
static void unpack_common(struct rd *r, unsigned fields, struct meta *m)
{
	if ((fields & META_F_MODE) && m->type != META_LNK)
		m->mode = (uint16_t)rd_varint(r, 07777);
	if (fields & META_F_OWNER) { /* the last id means "no change" to chown */
		m->uid = (uint32_t)rd_varint(r, UINT32_MAX - 1);
		m->gid = (uint32_t)rd_varint(r, UINT32_MAX - 1);
	}
	if (fields & META_F_MTIME) {
		m->mtime_s = rd_varint_signed(r);
		m->mtime_ns = (uint32_t)rd_varint(r, 999999999);
	}
}

static void unpack_of_type(struct rd *r, struct meta *m)
{
	struct bytes link;

	switch (m->type) {
	case META_REG:
		m->size = rd_varint(r, INT64_MAX);
		break;
	case META_CHR:
	case META_BLK:
		m->rdev_major = (uint32_t)rd_varint(r, UINT32_MAX);
		m->rdev_minor = (uint32_t)rd_varint(r, UINT32_MAX);
		break;
	case META_LNK:
		link = rd_bytes(r, META_LINK_MAX);
		r->bad = r->bad || link.len == 0 || memchr(link.p, 0, link.len);
		if (rd_ok(r))
			buf_append(&m->link, link.p, link.len);
		break;
	}
}

static bool head_valid(uint8_t head)
{
	const uint8_t type = head & HEAD_TYPE;

	return type != META_NONE && type < META_TYPE_END;
}

size_t meta_unpack(const void *bytes, size_t n, unsigned fields, struct meta *m)
{
	struct rd r = rd_init(bytes, n);
	const uint8_t head = rd_u8(&r);

	meta_clear(m);
	if (!head_valid(head)) /* no byte at all: 0, which is none */
		return 0;
	m->type = head & HEAD_TYPE;
	unpack_common(&r, fields, m);
	unpack_of_type(&r, m);
	if (head & HEAD_FLAGS) {
		m->flags = (uint32_t)rd_varint(&r, UINT32_MAX);
		r.bad = r.bad || m->flags == 0 || m->flags != flags_packed(m, fields);
	}
	if (head & HEAD_PROJECT) {
		m->projid = (uint32_t)rd_varint(&r, UINT32_MAX);
		r.bad = r.bad || m->projid == 0 || m->projid != project_packed(m, fields);
	}
	m->partial = head & HEAD_PARTIAL;
	r.bad = r.bad || (m->partial && !(fields & XATTR_FIELDS));
	if (head & HEAD_XATTRS) {
		struct bytes xattrs = rd_bytes(&r, META_XATTRS_MAX);

		r.bad = r.bad || xattrs.len == 0 || !xattr_packed_valid(xattrs.p, xattrs.len, fields);
		if (rd_ok(&r))
			buf_append(&m->xattrs, xattrs.p, xattrs.len);
	}
	if (rd_ok(&r))
		return n - rd_left(&r);
	meta_clear(m);
	return 0;
}
