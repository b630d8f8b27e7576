/* The encoding of metadata: round trips, the one canonical form, hostile bytes, differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "meta/meta.h"

#include <sys/stat.h>

/* One packed xattr, as meta.h's iterator reads it. Lengths stay below 128: one byte each. */
static void put_xattr(struct buf *out, const char *name, const char *value)
{
	buf_append_u8(out, (uint8_t)strlen(name));
	buf_append(out, name, strlen(name) + 1);
	buf_append_u8(out, (uint8_t)strlen(value));
	buf_append_str(out, value);
}

static void fill(struct meta *m, enum meta_type type)
{
	*m = (struct meta)META_INIT;
	m->type = type;
	m->mode = type == META_LNK ? 0 : 04751;
	m->uid = 1000;
	m->gid = 4294967294u;
	m->mtime_s = -77;
	m->mtime_ns = 999999999;
	if (type == META_REG)
		m->size = UINT64_C(1) << 40;
	if (type == META_REG || type == META_DIR)
		m->flags = META_FLAGS_KEPT;
	m->projid = type == META_REG || type == META_DIR ? UINT32_MAX : 0;
	m->partial = type == META_DIR;
	if (type == META_LNK)
		buf_append_str(&m->link, "../some/where");
	if (type == META_CHR || type == META_BLK) {
		m->rdev_major = 259;
		m->rdev_minor = 1048575;
	}
	put_xattr(&m->xattrs, "security.capability", "cap");
	put_xattr(&m->xattrs, "system.posix_acl_access", "acl");
	put_xattr(&m->xattrs, "trusted.t", "");
	put_xattr(&m->xattrs, "user.a", "1");
	put_xattr(&m->xattrs, "user.b", "2");
}

static void round_trip_of_every_type_and_profile(void **state)
{
	for (unsigned type = META_REG; type < META_TYPE_END; type++) {
		for (unsigned fields = 0; fields <= META_F_ALL; fields++) {
			struct meta m, back = META_INIT;
			AUTO_BUF once = BUF_INIT;
			AUTO_BUF twice = BUF_INIT;
			fill(&m, type);
			meta_pack(&once, &m, fields);
			assert_int_equal(meta_unpack(once.data, once.len, fields, &back), once.len);
			assert_int_equal(meta_diff(&m, &back, fields), 0);
			meta_pack(&twice, &back, fields);
			assert_int_equal(once.len, twice.len);
			assert_memory_equal(once.data, twice.data, once.len);
			/* Bytes behind it are the caller's; a byte less is no encoding. */
			buf_append_u8(&once, 0);
			assert_int_equal(meta_unpack(once.data, once.len, fields, &back), once.len - 1);
			for (size_t n = 0; n < once.len - 1; n++)
				assert_int_equal(meta_unpack(once.data, n, fields, &back), 0);
			meta_release(&m);
			meta_release(&back);
		}
	}
}

static void equal_bytes_are_equal_metadata(void **state)
{
	for (unsigned fields = 0; fields <= META_F_ALL; fields += 7) {
		struct meta a, b;
		fill(&a, META_REG);
		fill(&b, META_REG);
		struct {
			unsigned bit;
			void *at;
			size_t n;
		} changes[] = {
			{META_D_MODE, &b.mode, 2},
			{META_D_OWNER, &b.uid, 4},
			{META_D_GROUP, &b.gid, 4},
			{META_D_MTIME, &b.mtime_s, 8},
			{META_D_MTIME, &b.mtime_ns, 4},
			{META_D_SIZE, &b.size, 8},
			{META_D_FLAGS, &b.flags, 1},
			{META_D_PROJECT, &b.projid, 4},
			{META_D_XATTR, b.xattrs.data + b.xattrs.len - 1, 1},
		};
		for (size_t k = 0; k < ARRAY_LEN(changes); k++) {
			AUTO_BUF pa = BUF_INIT;
			AUTO_BUF pb = BUF_INIT;
			uint8_t *byte = changes[k].at;
			unsigned diff;
			*byte ^= 1;
			meta_pack(&pa, &a, fields);
			meta_pack(&pb, &b, fields);
			diff = meta_diff(&a, &b, fields);
			assert_int_equal(diff == 0, pa.len == pb.len && memcmp(pa.data, pb.data, pa.len) == 0);
			assert_true(diff == 0 || diff == changes[k].bit);
			*byte ^= 1;
		}
		meta_release(&a);
		meta_release(&b);
	}
}

static void what_is_never_encoded(void **state)
{
	struct meta a = {.type = META_DIR, .size = 4096}, b = {.type = META_DIR, .size = 8192};
	struct meta la = {.type = META_LNK, .mode = 0777}, lb = {.type = META_LNK, .mode = 0700};
	AUTO_BUF pa = BUF_INIT;
	AUTO_BUF pb = BUF_INIT;

	meta_pack(&pa, &a, META_F_ALL);
	meta_pack(&pb, &b, META_F_ALL);
	assert_int_equal(pa.len, pb.len);
	assert_memory_equal(pa.data, pb.data, pa.len);
	assert_int_equal(meta_diff(&a, &b, META_F_ALL), 0);
	assert_int_equal(meta_diff(&la, &lb, META_F_ALL), 0);
	assert_int_equal(meta_diff(&a, &la, META_F_ALL), META_D_TYPE);
}

static void unpack_is(const void *bytes, size_t n, unsigned fields, size_t expect)
{
	struct meta m = META_INIT;
	uint8_t *copy = xmemdup(bytes, n); /* its own allocation: ASan sees a read beyond the end */

	assert_int_equal(meta_unpack(copy, n, fields, &m), expect);
	if (!expect)
		assert_int_equal(m.type, META_NONE);
	free(copy);
	meta_release(&m);
}

#define REFUSED(bytes, fields) unpack_is(bytes, sizeof(bytes) - 1, fields, 0)
#define TAKEN(bytes, fields) unpack_is(bytes, sizeof(bytes) - 1, fields, sizeof(bytes) - 1)

static void hostile_fields(void **state)
{
	REFUSED("", 0);
	REFUSED("\x00", 0); /* no type */
	REFUSED("\x08\x00", 0); /* type beyond the last */
	REFUSED("\x46", 0); /* no project, but said to be there */
	REFUSED("\x86", 0); /* some attributes are missing of none that are kept */
	TAKEN("\x86", META_F_ACL);
	REFUSED("\x46\x05", META_F_PROJECT); /* a fifo is of no project */
	TAKEN("\x42\x05", META_F_PROJECT);
	REFUSED("\x42\x00", META_F_PROJECT);
	REFUSED("\x42\x05", META_F_FLAGS);
	TAKEN("\x06", 0);
	TAKEN("\x06\xff\x1f", META_F_MODE);
	REFUSED("\x06\x80\x20", META_F_MODE); /* 010000 */
	REFUSED("\x06\x81\x00", META_F_MODE); /* a longer form of 1 */
	TAKEN("\x06\xfe\xff\xff\xff\x0f\x00", META_F_OWNER);
	REFUSED("\x06\xff\xff\xff\xff\x0f\x00", META_F_OWNER); /* uid -1 */
	REFUSED("\x06\x00\xff\xff\xff\xff\x0f", META_F_OWNER);
	REFUSED("\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", META_F_OWNER); /* no end */
	TAKEN("\x06\x01\xff\x93\xeb\xdc\x03", META_F_MTIME); /* 999999999 ns */
	REFUSED("\x06\x01\x80\x94\xeb\xdc\x03", META_F_MTIME); /* 1e9 ns */
	TAKEN("\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", META_F_MTIME);
	REFUSED("\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00", META_F_MTIME); /* 65 bits */
	REFUSED("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0); /* a size beyond off_t */
	TAKEN("\x03\x01"
	      "a",
		0);
	REFUSED("\x03\x00", 0); /* an empty link */
	REFUSED("\x03\x03"
		"a\0b",
		0);
	REFUSED("\x03\x05"
		"abc",
		0);
	REFUSED("\x03\x81\x80\x04"
		"abc",
		0); /* 65537 bytes */
	REFUSED("\x04\x80\x80\x80\x80\x10\x00", 0); /* a major of 33 bits */
	TAKEN("\x12\x40", META_F_FLAGS);
	REFUSED("\x12\x00", META_F_FLAGS); /* no flags, but said to be there */
	REFUSED("\x12\x10", META_F_FLAGS); /* i without META_F_FLAGS_PRIV */
	REFUSED("\x12\x10", META_F_FLAGS_PRIV);
	TAKEN("\x12\x10", META_F_FLAGS | META_F_FLAGS_PRIV);
	TAKEN("\x12\x04", META_F_FLAGS);
	REFUSED("\x12\x80\x10", META_F_FLAGS); /* encrypted: not kept */
	REFUSED("\x12\x80\x80\x80\x80\x02", META_F_FLAGS); /* P without META_F_PROJECT */
	TAKEN("\x12\x80\x80\x80\x80\x02", META_F_PROJECT);
	REFUSED("\x16\x40", META_F_FLAGS); /* a fifo has none */
}

/* A fifo with these xattr bytes. */
static void xattrs_are(const void *list, size_t n, unsigned fields, bool valid)
{
	AUTO_BUF b = BUF_INIT;

	buf_append_u8(&b, META_FIFO | 0x20);
	buf_append_u8(&b, (uint8_t)n);
	buf_append(&b, list, n);
	unpack_is(b.data, b.len, fields, valid ? b.len : 0);
}

#define XATTRS(list, fields, valid) xattrs_are(list, sizeof(list) - 1, fields, valid)

static void hostile_xattrs(void **state)
{
	const unsigned user = META_F_XATTR_USER;

	XATTRS("\6user.a\0\1x", user, true);
	XATTRS("\6user.a\0\0", user, true);
	XATTRS("", user, false); /* none, but said to be there */
	XATTRS("\6user.a\0\2x", user, false); /* value beyond the end */
	XATTRS("\6user.aX\1x", user, false); /* no NUL behind the name */
	XATTRS("\6user\0a\0\1x", user, false); /* NUL inside */
	XATTRS("\0\0\1x", user, false);
	XATTRS("\5user.\0\1x", user, false); /* no name behind the prefix */
	XATTRS("\6user.a", user, false);
	XATTRS("\6user.a\0", user, false);
	XATTRS("\6user.a\0\1x\6user.b\0\1x", user, true);
	XATTRS("\6user.b\0\1x\6user.a\0\1x", user, false); /* not sorted */
	XATTRS("\6user.a\0\1x\6user.a\0\1x", user, false); /* twice */
	XATTRS("\6user.a\0\1x", META_F_XATTR_TRUSTED, false);
	XATTRS("\11trusted.a\0\1x", user, false);
	XATTRS("\11trusted.a\0\1x", META_F_XATTR_TRUSTED, true);
	XATTRS("\24trusted.SGI_ACL_FILE\0\1x", META_F_XATTR_TRUSTED | META_F_ACL, false);
	XATTRS("\17system.nfs4_acl\0\1x", META_F_XATTR_TRUSTED | META_F_ACL, false);
	XATTRS("\21btrfs.compression\0\1x", META_F_XATTR_BTRFS, true);
	XATTRS("\6btrfs.\0\1x", META_F_XATTR_BTRFS, false);
	XATTRS("\27system.posix_acl_access\0\1x", META_F_ACL, true);
	XATTRS("\20security.selinux\0\1x", META_F_XATTR_SECURITY, true);
	XATTRS("\7useless\0\1x", META_F_XATTR_USER, false);
}

/* meta_xattr_next() on bytes nobody checked must end, within the buffer. */
static void iterating_unchecked_bytes(void **state)
{
	static const char bad[] = "\6user.a\0\1x\377user";
	struct buf b = BUF_INIT;
	struct meta_xattr x;
	size_t pos = 0;

	b.data = xmemdup(bad, sizeof(bad) - 1);
	b.len = sizeof(bad) - 1;
	assert_true(meta_xattr_next(&b, &pos, &x));
	assert_string_equal(x.name, "user.a");
	assert_int_equal(x.len, 1);
	assert_false(meta_xattr_next(&b, &pos, &x));
	pos = 1000;
	assert_false(meta_xattr_next(&b, &pos, &x));
	buf_release(&b);
}

static void differences_of_xattrs(void **state)
{
	struct meta a = {.type = META_REG}, b = {.type = META_REG};

	put_xattr(&a.xattrs, "system.posix_acl_access", "1");
	put_xattr(&a.xattrs, "user.a", "1");
	put_xattr(&b.xattrs, "user.a", "1");
	assert_int_equal(meta_diff(&a, &b, META_F_ALL), META_D_ACL);
	assert_int_equal(meta_diff(&b, &a, META_F_ALL), META_D_ACL);
	assert_int_equal(meta_diff(&a, &b, META_F_XATTR_USER), 0);
	put_xattr(&b.xattrs, "user.b", "1");
	assert_int_equal(meta_diff(&a, &b, META_F_ALL), META_D_ACL | META_D_XATTR);
	assert_int_equal(meta_diff(&a, &b, META_F_ALL & ~META_F_XATTR_USER), META_D_ACL);
	meta_release(&a);
	meta_release(&b);
}

static void names_of_differences(void **state)
{
	AUTO_BUF b = BUF_INIT;

	meta_diff_names(&b, 0);
	assert_string_equal(buf_cstr(&b), "");
	meta_diff_names(&b, META_D_SIZE | META_D_MTIME | META_D_HARDLINK);
	assert_string_equal(buf_cstr(&b), "size,mtime,hardlink");
	buf_clear(&b);
	meta_diff_names(&b, META_D_END - 1);
	assert_string_equal(
		buf_cstr(&b), "type,size,mtime,mode,owner,group,acl,xattr,flags,link,rdev,content,hardlink,project");
}

static void types_and_modes(void **state)
{
	for (unsigned type = META_REG; type < META_TYPE_END; type++)
		assert_int_equal(meta_type_of(meta_type_mode(type) | 0644), type);
	assert_int_equal(meta_type_of(0), META_NONE);
	assert_int_equal(meta_type_mode(META_TYPE_END), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_of_every_type_and_profile),
		cmocka_unit_test(equal_bytes_are_equal_metadata),
		cmocka_unit_test(what_is_never_encoded),
		cmocka_unit_test(hostile_fields),
		cmocka_unit_test(hostile_xattrs),
		cmocka_unit_test(iterating_unchecked_bytes),
		cmocka_unit_test(differences_of_xattrs),
		cmocka_unit_test(names_of_differences),
		cmocka_unit_test(types_and_modes),
	};

	return cmocka_run_group_tests_name("meta_pack", tests, NULL, NULL);
}
