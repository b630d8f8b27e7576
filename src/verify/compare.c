#include "verify/compare.h"
#include "verify/describe.h"
#include "verify/xattr.h"

#include "base/lost.h"
#include "base/text.h"

#include <inttypes.h>

#define LABEL "security.selinux"

void verify_finding_release(struct finding *f)
{
	buf_release(&f->fields);
	buf_release(&f->source);
	buf_release(&f->target);
	f->count = 0;
}

void verify_findings_release(struct findings *f)
{
	verify_finding_release(&f->content);
	verify_finding_release(&f->metadata);
}

static void separate(struct buf *b)
{
	if (b->len)
		buf_append_str(b, ", ");
}

static bool has_field(const struct finding *f, const char *field)
{
	const char *s = (const char *)f->fields.data;

	for (size_t i = 0; i < f->count; i++, s += strlen(s) + 1)
		if (str_eq(s, field))
			return true;
	return false;
}

static void add_field(struct finding *f, const char *field)
{
	if (has_field(f, field))
		return;
	buf_append(&f->fields, field, strlen(field) + 1);
	f->count++;
}

void verify_finding_begin(struct finding *f, const char *field)
{
	add_field(f, field);
	separate(&f->source);
	buf_printf(&f->source, "%s ", field);
	separate(&f->target);
	buf_printf(&f->target, "%s ", field);
}

void verify_finding_join(struct finding *a, struct finding *b)
{
	const char *s = (const char *)b->fields.data;

	for (size_t i = 0; i < b->count; i++, s += strlen(s) + 1)
		add_field(a, s);
	if (b->source.len)
		separate(&a->source);
	buf_append(&a->source, b->source.data, b->source.len);
	if (b->target.len)
		separate(&a->target);
	buf_append(&a->target, b->target.data, b->target.len);
	verify_finding_release(b);
}

static void number(struct finding *f, const char *field, uint64_t s, uint64_t t)
{
	if (s == t)
		return;
	verify_finding_begin(f, field);
	buf_printf(&f->source, "%" PRIu64, s);
	buf_printf(&f->target, "%" PRIu64, t);
}

static void compare_mtime(
	struct finding *f, const struct verify_node *s, const struct verify_node *t, struct verify_held *held)
{
	if (s->mtime_s == t->mtime_s && s->mtime_ns == t->mtime_ns)
		return;
	held->time = lost_time_held(s->mtime_s, s->mtime_ns, t->mtime_s, t->mtime_ns, t->ctime_frac, t->times);
	if (held->time)
		return;
	verify_finding_begin(f, "mtime");
	verify_describe_time(&f->source, s->mtime_s, s->mtime_ns);
	verify_describe_time(&f->target, t->mtime_s, t->mtime_ns);
}

/* Of the flags that differ, those that are the target's file system's. */
static uint32_t flags_held(
	const struct verify_node *s, const struct verify_node *t, uint32_t differ, struct verify_held *held)
{
	const uint32_t missing = s->flags & differ, extra = t->flags & differ;
	uint32_t beyond = missing & (t->flags_none ? UINT32_MAX : lost_flags_of(t->fs_type));

	/* There c is the shadow of a property, which is compared; and C stays for ever on what has contents. */
	if (t->fs_type == LOST_BTRFS_MAGIC) {
		beyond |= missing & VERIFY_FLAG_COMPR;
		held->nocow = t->type == VERIFY_T_REG && t->size && (extra & VERIFY_FLAG_NOCOW);
	}
	held->flags = beyond;
	return beyond | (t->fs_type == LOST_BTRFS_MAGIC ? extra & VERIFY_FLAG_COMPR : 0) |
		(held->nocow ? VERIFY_FLAG_NOCOW : 0);
}

static void compare_flags(
	struct findings *out, const struct verify_node *s, const struct verify_node *t, uint32_t fields)
{
	uint32_t mask = (fields & VERIFY_F_FLAGS ? VERIFY_FLAGS_KEPT & ~VERIFY_FLAGS_PRIV : 0) |
		(fields & VERIFY_F_FLAGS_PRIV ? VERIFY_FLAGS_PRIV : 0);
	struct finding *f = &out->metadata;

	mask &= ~VERIFY_FLAG_PROJINHERIT;
	if (!s->flags_known || !t->flags_known || (s->flags & mask) == (t->flags & mask))
		return;
	mask &= ~flags_held(s, t, (s->flags ^ t->flags) & mask, &out->held);
	if ((s->flags & mask) == (t->flags & mask))
		return;
	verify_finding_begin(f, "flags");
	verify_describe_flags(&f->source, s->flags & mask);
	verify_describe_flags(&f->target, t->flags & mask);
}

static void describe_project(struct buf *out, const struct verify_node *n)
{
	buf_printf(out, "%" PRIu32 "%s", n->projid, n->flags & VERIFY_FLAG_PROJINHERIT ? " (inherited)" : "");
}

/* Of no project at the source: it may be of one at the target. Of none at the target: it may not have any, but on XFS it can. */
static void compare_project(struct findings *out, const struct verify_node *s, const struct verify_node *t)
{
	const uint32_t inherit = s->flags & VERIFY_FLAG_PROJINHERIT;
	struct finding *f = &out->metadata;

	if ((!s->projid && !inherit) || (s->projid == t->projid && inherit == (t->flags & VERIFY_FLAG_PROJINHERIT)))
		return;
	if (!t->projid && !(t->flags & VERIFY_FLAG_PROJINHERIT) && t->fs_type != LOST_XFS_MAGIC) {
		out->held.project = true;
		return;
	}
	verify_finding_begin(f, "project");
	describe_project(&f->source, s);
	describe_project(&f->target, t);
}

/* One attribute that differs; x is NULL on the side that has none. */
static void differ_xattr(
	struct finding *f, struct bytes name, const struct verify_xattr *s, const struct verify_xattr *t)
{
	bool acl = verify_xattr_field(name.p, name.len) == VERIFY_F_ACL;
	bool inherited = acl && name.len == strlen("system.posix_acl_default");
	const struct verify_xattr *sides[] = {s, t};
	AUTO_BUF field = BUF_INIT;

	if (acl) {
		buf_append_str(&field, "acl");
	} else {
		buf_append_str(&field, "xattr:");
		text_escape(&field, name.p, name.len);
	}
	verify_finding_begin(f, buf_cstr(&field));
	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		struct buf *out = i ? &f->target : &f->source;

		if (inherited)
			buf_append_str(out, "default ");
		if (!sides[i])
			buf_append_str(out, "none");
		else if (acl)
			verify_describe_acl(out, sides[i]);
		else
			verify_describe_value(out, sides[i]);
	}
}

static bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static int by_name(const struct verify_xattr *a, const struct verify_xattr *b)
{
	int c = memcmp(a->name.p, b->name.p, MIN(a->name.len, b->name.len));

	return c ? c : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

/* An attribute that only one side has, and that the target's file system cannot have, or has by itself. */
static bool xattr_held(struct verify_held *held, struct bytes name, bool at_source, const struct verify_node *t)
{
	if (at_source && t->fs_type != LOST_BTRFS_MAGIC && verify_xattr_field(name.p, name.len) == VERIFY_F_XATTR_BTRFS)
		return held->property = true;
	if (!at_source && bytes_equal(name, (struct bytes){(const uint8_t *)LABEL, strlen(LABEL)}))
		return held->label = true;
	return false;
}

/* Both lists are sorted by name. */
static void compare_xattrs(struct findings *out, struct bytes s, const struct verify_node *target, uint32_t fields)
{
	struct rd rs = verify_rd(s), rt = verify_rd(target->xattrs);
	struct verify_xattr a, b;
	bool has_a = verify_xattr_next(&rs, &a), has_b = verify_xattr_next(&rt, &b);

	while (has_a || has_b) {
		int order = !has_b ? -1 : !has_a ? 1 : by_name(&a, &b);
		struct bytes name = order > 0 ? b.name : a.name;
		bool same = order == 0 && a.len == b.len && a.crc == b.crc && bytes_equal(a.value, b.value);

		if (!same && (verify_xattr_field(name.p, name.len) & fields) &&
			!(order && xattr_held(&out->held, name, order < 0, target)))
			differ_xattr(&out->metadata, name, order <= 0 ? &a : NULL, order >= 0 ? &b : NULL);
		if (order <= 0)
			has_a = verify_xattr_next(&rs, &a);
		if (order >= 0)
			has_b = verify_xattr_next(&rt, &b);
	}
}

static void compare_link(struct finding *f, const struct verify_node *s, const struct verify_node *t)
{
	if (s->err || t->err || bytes_equal(s->link, t->link))
		return;
	verify_finding_begin(f, "link");
	text_escape(&f->source, s->link.p, s->link.len);
	text_escape(&f->target, t->link.p, t->link.len);
}

static void compare_rdev(struct finding *f, const struct verify_node *s, const struct verify_node *t)
{
	if (s->major == t->major && s->minor == t->minor)
		return;
	verify_finding_begin(f, "rdev");
	buf_printf(&f->source, "%" PRIu32 ":%" PRIu32, s->major, s->minor);
	buf_printf(&f->target, "%" PRIu32 ":%" PRIu32, t->major, t->minor);
}

static void compare_mode(struct finding *f, const struct verify_node *s, const struct verify_node *t)
{
	if (s->type == VERIFY_T_LNK || s->mode == t->mode)
		return;
	verify_finding_begin(f, "mode");
	buf_printf(&f->source, "%04" PRIo32, s->mode);
	buf_printf(&f->target, "%04" PRIo32, t->mode);
}

void verify_compare(const struct verify_node *s, const struct verify_node *t, enum verify_mode mode, uint32_t fields,
	bool metadata, struct findings *out)
{
	struct finding *f = &out->metadata;
	bool quick_file = mode == VERIFY_QUICK && s->type == VERIFY_T_REG;

	number(&out->content, "size", s->size, t->size);
	compare_link(f, s, t);
	compare_rdev(f, s, t);
	if ((metadata && (fields & VERIFY_F_MTIME)) || quick_file)
		compare_mtime(f, s, t, &out->held);
	if (!metadata)
		return;
	if (fields & VERIFY_F_MODE)
		compare_mode(f, s, t);
	if (fields & VERIFY_F_OWNER) {
		number(f, "owner", s->uid, t->uid);
		number(f, "group", s->gid, t->gid);
	}
	compare_flags(out, s, t, fields);
	if (fields & VERIFY_F_PROJECT)
		compare_project(out, s, t);
	/* What could not be read on one side is a failure, and said as such. */
	if (!s->err && !t->err)
		compare_xattrs(out, s->xattrs, t, fields);
}
