/* One inode on the wire. */
#include "verify/proto.h"

#include "base/lost.h"

bool verify_xattr_next(struct rd *r, struct verify_xattr *out)
{
	*out = (struct verify_xattr){};
	if (rd_left(r) == 0 || !rd_ok(r))
		return false;
	out->name = rd_bytes(r, VERIFY_NAME_MAX);
	if (out->name.len == 0 || memchr(out->name.p, '\0', out->name.len))
		r->bad = true;
	out->len = rd_varint(r, VERIFY_VALUE_MAX);
	if (out->len <= VERIFY_VALUE_RAW)
		out->value = rd_fixed(r, (size_t)out->len);
	else
		out->crc = rd_u64(r);
	return rd_ok(r);
}

static int names_compare(struct bytes a, struct bytes b)
{
	int c = memcmp(a.p, b.p, MIN(a.len, b.len));

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

bool verify_xattrs_valid(struct bytes packed)
{
	struct rd r = verify_rd(packed);
	struct verify_xattr x, last = {};

	if (packed.len > VERIFY_XATTRS_MAX)
		return false;
	while (verify_xattr_next(&r, &x)) {
		if (last.name.len && names_compare(last.name, x.name) >= 0)
			return false;
		last = x;
	}
	return rd_done(&r);
}

void verify_node_put(struct buf *out, const struct verify_node *n)
{
	wr_u8(out, n->type);
	wr_varint(out, n->err);
	if (n->type == VERIFY_T_NONE)
		return;
	wr_varint(out, n->mode);
	wr_varint(out, n->uid);
	wr_varint(out, n->gid);
	wr_varint_signed(out, n->mtime_s);
	wr_varint(out, n->mtime_ns);
	wr_varint(out, n->dev);
	wr_varint(out, n->ino);
	wr_varint(out, n->nlink);
	if (n->type == VERIFY_T_REG)
		wr_varint(out, n->size);
	if (n->type == VERIFY_T_CHR || n->type == VERIFY_T_BLK) {
		wr_varint(out, n->major);
		wr_varint(out, n->minor);
	}
	if (n->type == VERIFY_T_LNK)
		wr_bytes(out, n->link.p, n->link.len);
	wr_u8(out, n->flags_none ? 2 : n->flags_known);
	wr_varint(out, n->flags);
	wr_varint(out, n->projid);
	wr_varint(out, n->fs_type);
	wr_varint(out, n->ctime_frac);
	wr_u8(out, n->times);
	wr_bytes(out, n->xattrs.p, n->xattrs.len);
}

bool verify_node_get(struct rd *r, struct verify_node *out)
{
	uint8_t known;

	*out = (struct verify_node){.type = rd_u8(r)};
	out->err = (uint32_t)rd_varint(r, INT32_MAX);
	if (out->type >= VERIFY_T_END || (out->type == VERIFY_T_NONE && out->err == 0))
		r->bad = true;
	if (!rd_ok(r) || out->type == VERIFY_T_NONE)
		return rd_ok(r);
	out->mode = (uint32_t)rd_varint(r, 07777);
	out->uid = (uint32_t)rd_varint(r, UINT32_MAX);
	out->gid = (uint32_t)rd_varint(r, UINT32_MAX);
	out->mtime_s = rd_varint_signed(r);
	out->mtime_ns = (uint32_t)rd_varint(r, VERIFY_NANOS - 1);
	out->dev = rd_varint(r, UINT64_MAX);
	out->ino = rd_varint(r, UINT64_MAX);
	out->nlink = rd_varint(r, UINT64_MAX);
	if (out->type == VERIFY_T_REG)
		out->size = rd_varint(r, INT64_MAX);
	if (out->type == VERIFY_T_CHR || out->type == VERIFY_T_BLK) {
		out->major = (uint32_t)rd_varint(r, UINT32_MAX);
		out->minor = (uint32_t)rd_varint(r, UINT32_MAX);
	}
	if (out->type == VERIFY_T_LNK)
		out->link = rd_bytes(r, VERIFY_LINK_MAX);
	known = rd_u8(r);
	out->flags_known = known;
	out->flags_none = known == 2;
	out->flags = (uint32_t)rd_varint(r, UINT32_MAX);
	out->projid = (uint32_t)rd_varint(r, UINT32_MAX);
	out->fs_type = rd_varint(r, UINT32_MAX);
	out->ctime_frac = (uint32_t)rd_varint(r, VERIFY_NANOS - 1);
	out->times = rd_u8(r);
	out->xattrs = rd_bytes(r, VERIFY_XATTRS_MAX);
	if (known > 2 || out->times >= LOST_TIMES_END || (out->flags & ~VERIFY_FLAGS_KEPT) ||
		(rd_ok(r) && !verify_xattrs_valid(out->xattrs)))
		r->bad = true;
	return rd_ok(r);
}

void verify_record_put(struct buf *out, const void *name, size_t n, const struct verify_node *node)
{
	AUTO_BUF rec = BUF_INIT;

	wr_bytes(&rec, name, n);
	verify_node_put(&rec, node);
	wr_bytes(out, rec.data, rec.len);
}

bool verify_record_next(struct rd *r, struct bytes *out)
{
	if (rd_left(r) == 0)
		return false;
	*out = rd_bytes(r, VERIFY_RECORD_MAX);
	return rd_ok(r);
}

bool verify_record_get(struct bytes record, bool own, struct bytes *out_name, struct verify_node *out)
{
	struct rd r = verify_rd(record);

	*out_name = rd_bytes(&r, VERIFY_NAME_MAX);
	if (own ? out_name->len != 0 : !path_name_valid(out_name->p, out_name->len))
		return false;
	return verify_node_get(&r, out) && rd_done(&r);
}
