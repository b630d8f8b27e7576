/*
 * The canonical encoding.
 *
 *	head	1 byte	type, with HEAD_FLAGS and HEAD_XATTRS when those follow (they are left out when empty)
 *	mode	varint	META_F_MODE, not of symbolic links
 *	uid gid	varints	META_F_OWNER
 *	mtime	zigzag varint of seconds, varint of nanoseconds; META_F_MTIME
 *	size	varint	regular files
 *	link	varint length, bytes; symbolic links
 *	rdev	varints major, minor; devices
 *	flags	varint	META_F_FLAGS, files and directories
 *	xattrs	varint length, packed list
 *
 * Every value has one form, so that equal metadata are equal bytes; any other form is refused.
 */
#include "meta/private.h"

#include <limits.h>

#define HEAD_TYPE 0x0f
#define HEAD_FLAGS 0x10
#define HEAD_XATTRS 0x20

static uint32_t flags_packed(const struct meta *m, unsigned fields)
{
	return m->type == META_REG || m->type == META_DIR ? m->flags & flags_mask(fields) : 0;
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
	const uint32_t flags = flags_packed(m, fields);
	AUTO_BUF xattrs = BUF_INIT;

	if (m->xattrs.len && (fields & XATTR_FIELDS))
		xattrs_filter(&xattrs, &m->xattrs, fields);
	buf_append_u8(out, m->type | (flags ? HEAD_FLAGS : 0) | (xattrs.len ? HEAD_XATTRS : 0));
	if ((fields & META_F_MODE) && m->type != META_LNK)
		varint_put(out, m->mode);
	if (fields & META_F_OWNER) {
		varint_put(out, m->uid);
		varint_put(out, m->gid);
	}
	if (fields & META_F_MTIME) {
		varint_put(out, ((uint64_t)m->mtime_s << 1) ^ (m->mtime_s < 0 ? UINT64_MAX : 0));
		varint_put(out, m->mtime_ns);
	}
	if (m->type == META_REG)
		varint_put(out, m->size);
	if (m->type == META_LNK) {
		varint_put(out, m->link.len);
		buf_append(out, m->link.data, m->link.len);
	}
	if (m->type == META_CHR || m->type == META_BLK) {
		varint_put(out, m->rdev_major);
		varint_put(out, m->rdev_minor);
	}
	if (flags)
		varint_put(out, flags);
	if (xattrs.len) {
		varint_put(out, xattrs.len);
		buf_append(out, xattrs.data, xattrs.len);
	}
}

static bool get_u32(const uint8_t **p, const uint8_t *end, uint32_t max, uint32_t *out)
{
	uint64_t v;

	if (!varint_get(p, end, max, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Mode, owner, mtime. */
static bool unpack_common(const uint8_t **p, const uint8_t *end, unsigned fields, struct meta *m)
{
	uint32_t mode;
	uint64_t v;

	if ((fields & META_F_MODE) && m->type != META_LNK) {
		if (!get_u32(p, end, 07777, &mode))
			return false;
		m->mode = (uint16_t)mode;
	}
	/* The last id means "no change" to chown. */
	if ((fields & META_F_OWNER) &&
		(!get_u32(p, end, UINT32_MAX - 1, &m->uid) || !get_u32(p, end, UINT32_MAX - 1, &m->gid)))
		return false;
	if (fields & META_F_MTIME) {
		if (!varint_get(p, end, UINT64_MAX, &v) || !get_u32(p, end, 999999999, &m->mtime_ns))
			return false;
		m->mtime_s = (int64_t)((v >> 1) ^ (v & 1 ? UINT64_MAX : 0));
	}
	return true;
}

static bool unpack_of_type(const uint8_t **p, const uint8_t *end, struct meta *m)
{
	uint64_t n;

	switch (m->type) {
	case META_REG:
		return varint_get(p, end, INT64_MAX, &m->size);
	case META_CHR:
	case META_BLK:
		return get_u32(p, end, UINT32_MAX, &m->rdev_major) && get_u32(p, end, UINT32_MAX, &m->rdev_minor);
	case META_LNK:
		if (!varint_get(p, end, META_LINK_MAX, &n) || n == 0 || (size_t)(end - *p) < n || memchr(*p, 0, n))
			return false;
		buf_append(&m->link, *p, n);
		*p += n;
		return true;
	}
	return true;
}

size_t meta_unpack(const void *bytes, size_t n, unsigned fields, struct meta *m)
{
	const uint8_t *const begin = bytes, *const end = begin + n, *p = begin;
	uint64_t len;
	uint8_t head;

	meta_clear(m);
	if (n == 0)
		return 0;
	head = *p++;
	m->type = head & HEAD_TYPE;
	if ((head & ~(HEAD_TYPE | HEAD_FLAGS | HEAD_XATTRS)) || m->type == META_NONE || m->type >= META_TYPE_END)
		goto invalid;
	if (!unpack_common(&p, end, fields, m) || !unpack_of_type(&p, end, m))
		goto invalid;
	if (head & HEAD_FLAGS) {
		if (!get_u32(&p, end, UINT32_MAX, &m->flags) || m->flags == 0 || m->flags != flags_packed(m, fields))
			goto invalid;
	}
	if (head & HEAD_XATTRS) {
		if (!varint_get(&p, end, META_XATTRS_MAX, &len) || len == 0 || (size_t)(end - p) < len ||
			!xattr_packed_valid(p, len, fields))
			goto invalid;
		buf_append(&m->xattrs, p, len);
		p += len;
	}
	return (size_t)(p - begin);
invalid:
	meta_clear(m);
	return 0;
}
