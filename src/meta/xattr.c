/* Extended attributes: which are kept, reading and packing them. */
#include "base/pack.h"
#include "meta/private.h"

#include <errno.h>
#include <sys/xattr.h>

ssize_t inode_listxattr(const struct inode_ref *i, char *list, size_t n)
{
	return i->fd >= 0 ? flistxattr(i->fd, list, n) : llistxattr(i->name, list, n);
}

ssize_t inode_getxattr(const struct inode_ref *i, const char *name, void *value, size_t n)
{
	return i->fd >= 0 ? fgetxattr(i->fd, name, value, n) : lgetxattr(i->name, name, value, n);
}

int inode_setxattr(const struct inode_ref *i, const char *name, const void *value, size_t n)
{
	return i->fd >= 0 ? fsetxattr(i->fd, name, value, n, 0) : lsetxattr(i->name, name, value, n, 0);
}

int inode_removexattr(const struct inode_ref *i, const char *name)
{
	return i->fd >= 0 ? fremovexattr(i->fd, name) : lremovexattr(i->name, name);
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

unsigned xattr_field(const char *name)
{
	if (starts_with(name, "user."))
		return name[5] ? META_F_XATTR_USER : 0;
	if (starts_with(name, "security.")) /* SELinux labels, capabilities */
		return name[9] ? META_F_XATTR_SECURITY : 0;
	if (starts_with(name, "trusted.")) {
		/* XFS shows its ACLs a second time under these names, in its own format. */
		if (str_eq(name, "trusted.SGI_ACL_FILE") || str_eq(name, "trusted.SGI_ACL_DEFAULT"))
			return 0;
		return name[8] ? META_F_XATTR_TRUSTED : 0;
	}
	if (starts_with(name, "btrfs."))
		return name[6] ? META_F_XATTR_BTRFS : 0;
	if (str_eq(name, "system.posix_acl_access") || str_eq(name, "system.posix_acl_default"))
		return META_F_ACL;
	return 0;
}

/* One packed xattr: varint length of name, name, NUL, varint length of value, value. */
static bool packed_next(struct rd *r, struct meta_xattr *out)
{
	struct bytes name = rd_bytes(r, META_NAME_MAX), value;
	const uint8_t nul = rd_u8(r);

	value = rd_bytes(r, XATTR_VALUE_MAX);
	if (!rd_ok(r) || name.len == 0 || nul || memchr(name.p, '\0', name.len))
		return false;
	*out = (struct meta_xattr){.name = (const char *)name.p, .value = value.p, .len = (uint32_t)value.len};
	return true;
}

bool meta_xattr_next(const struct buf *xattrs, size_t *pos, struct meta_xattr *out)
{
	struct rd r;

	if (*pos >= xattrs->len)
		return false;
	r = rd_init(xattrs->data + *pos, xattrs->len - *pos);
	if (!packed_next(&r, out))
		return false;
	*pos = xattrs->len - rd_left(&r);
	return true;
}

bool xattr_next_of(const struct buf *xattrs, size_t *pos, unsigned fields, struct meta_xattr *out)
{
	while (meta_xattr_next(xattrs, pos, out)) {
		if (xattr_field(out->name) & fields)
			return true;
	}
	return false;
}

bool xattr_packed_valid(const uint8_t *p, size_t n, unsigned fields)
{
	struct rd r = rd_init(p, n);
	const char *last = "";
	struct meta_xattr x;

	while (rd_left(&r)) {
		if (!packed_next(&r, &x) || strcmp(x.name, last) <= 0 || !(xattr_field(x.name) & fields))
			return false;
		last = x.name;
	}
	return true;
}

/* The list of names: into small (most inodes have few) or, when that is too short, into big. */
static ssize_t list_names(const struct inode_ref *i, char *small, size_t small_size, struct buf *big, char **out)
{
	ssize_t n = inode_listxattr(i, small, small_size);

	*out = small;
	if (n >= 0 || errno != ERANGE)
		return n;
	/* The kernel's bound: a list that grows meanwhile cannot outgrow it. */
	*out = (char *)buf_reserve(big, 65536);
	return inode_listxattr(i, *out, 65536);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends one xattr; 0 also when it is gone by now. */
static int read_one(const struct inode_ref *i, const char *name, struct buf *out)
{
	const size_t before = out->len, prefix = 3; /* the longest varint of a value's length */
	size_t room = 256;
	AUTO_BUF len = BUF_INIT;
	uint8_t *p;
	ssize_t n;

	wr_str(out, name);
	buf_append_u8(out, 0);
	p = buf_reserve(out, prefix + room);
	n = inode_getxattr(i, name, p + prefix, room);
	if (n < 0 && errno == ERANGE) {
		room = XATTR_VALUE_MAX;
		p = buf_reserve(out, prefix + room);
		n = inode_getxattr(i, name, p + prefix, room);
	}
	if (n < 0) {
		out->len = before;
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
	}
	wr_varint(&len, (uint64_t)n);
	memcpy(p, len.data, len.len);
	memmove(p + len.len, p + prefix, (size_t)n);
	out->len += len.len + (size_t)n;
	if (out->len > META_XATTRS_MAX) {
		out->len = before;
		errno = E2BIG;
		return -1;
	}
	return 0;
}

static int read_sorted(const struct inode_ref *i, char *list, size_t n, unsigned fields, struct buf *out)
{
	size_t count = 0, kept = 0;
	AUTO_FREE const char **names = NULL;
	int err = 0;

	for (size_t k = 0; k < n; k++)
		count += list[k] == '\0';
	names = xcalloc(count, sizeof(*names));
	for (const char *s = list; s < list + n; s += strlen(s) + 1) {
		if (strlen(s) <= META_NAME_MAX && (xattr_field(s) & fields))
			names[kept++] = s;
	}
	qsort(names, kept, sizeof(*names), by_name);
	for (size_t k = 0; k < kept; k++) {
		if (k && str_eq(names[k], names[k - 1]))
			continue;
		if (read_one(i, names[k], out) < 0 && !err)
			err = errno;
	}
	errno = err;
	return err ? -1 : 0;
}

int xattr_read(const struct inode_ref *i, unsigned fields, struct buf *out)
{
	char small[1024], *list;
	AUTO_BUF big = BUF_INIT;
	ssize_t n;

	buf_clear(out);
	if (!(fields & XATTR_FIELDS))
		return 0;
	n = list_names(i, small, sizeof(small), &big, &list);
	if (n < 0)
		return errno == EOPNOTSUPP || errno == ENODATA || errno == ENOSYS ? 0 : -1;
	if (n == 0)
		return 0;
	if (list[n - 1] != '\0') { /* a file system (FUSE) that does not keep the kernel's promise */
		errno = EIO;
		return -1;
	}
	return read_sorted(i, list, (size_t)n, fields, out);
}
