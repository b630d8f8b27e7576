/* Which fields differ. */
#include "meta/private.h"

static bool buf_eq(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static unsigned diff_bit(const char *name)
{
	return xattr_field(name) == META_F_ACL ? META_D_ACL : META_D_XATTR;
}

/* Both lists are sorted: one walk over the two. */
static unsigned xattrs_diff(const struct buf *a, const struct buf *b, unsigned fields)
{
	size_t pos_a = 0, pos_b = 0;
	struct meta_xattr xa, xb;
	bool have_a = xattr_next_of(a, &pos_a, fields, &xa), have_b = xattr_next_of(b, &pos_b, fields, &xb);
	unsigned diff = 0;

	while (have_a || have_b) {
		int order = !have_a ? 1 : !have_b ? -1 : strcmp(xa.name, xb.name);
		if (order || xa.len != xb.len || memcmp(xa.value, xb.value, xa.len))
			diff |= diff_bit(order <= 0 ? xa.name : xb.name);
		if (order <= 0)
			have_a = xattr_next_of(a, &pos_a, fields, &xa);
		if (order >= 0)
			have_b = xattr_next_of(b, &pos_b, fields, &xb);
	}
	return diff;
}

unsigned meta_diff(const struct meta *a, const struct meta *b, unsigned fields)
{
	unsigned diff = 0;

	if (a->type != b->type)
		return META_D_TYPE;
	if (a->type == META_REG && a->size != b->size)
		diff |= META_D_SIZE;
	if ((fields & META_F_MTIME) && (a->mtime_s != b->mtime_s || a->mtime_ns != b->mtime_ns))
		diff |= META_D_MTIME;
	if ((fields & META_F_MODE) && a->type != META_LNK && a->mode != b->mode)
		diff |= META_D_MODE;
	if ((fields & META_F_OWNER) && a->uid != b->uid)
		diff |= META_D_OWNER;
	if ((fields & META_F_OWNER) && a->gid != b->gid)
		diff |= META_D_GROUP;
	if (a->type == META_REG || a->type == META_DIR) {
		const uint32_t differ = (a->flags ^ b->flags) & flags_mask(fields);

		if (differ & ~META_FLAG_PROJINHERIT)
			diff |= META_D_FLAGS;
		if ((differ & META_FLAG_PROJINHERIT) || ((fields & META_F_PROJECT) && a->projid != b->projid))
			diff |= META_D_PROJECT;
	}
	if (a->type == META_LNK && !buf_eq(&a->link, &b->link))
		diff |= META_D_LINK;
	if ((a->type == META_CHR || a->type == META_BLK) &&
		(a->rdev_major != b->rdev_major || a->rdev_minor != b->rdev_minor))
		diff |= META_D_RDEV;
	if ((fields & XATTR_FIELDS) && !buf_eq(&a->xattrs, &b->xattrs))
		diff |= xattrs_diff(&a->xattrs, &b->xattrs, fields);
	return diff;
}

void meta_diff_names(struct buf *out, unsigned diff)
{
	static const char *const names[] = {"type", "size", "mtime", "mode", "owner", "group", "acl", "xattr", "flags",
		"link", "rdev", "content", "hardlink", "project"};
	bool first = true;

	_Static_assert(META_D_END == 1 << ARRAY_LEN(names), "a name for each bit");
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		if (!(diff & (1u << k)))
			continue;
		if (!first)
			buf_append_u8(out, ',');
		buf_append_str(out, names[k]);
		first = false;
	}
}
