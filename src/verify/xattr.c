#include "verify/xattr.h"
#include "verify/fields.h"

#include <errno.h>
#include <sys/xattr.h>

#define LIST_MAX 65536 /* the kernel's bound */

static bool is(const void *name, size_t n, const char *what)
{
	return n == strlen(what) && memcmp(name, what, n) == 0;
}

static bool begins(const void *name, size_t n, const char *what)
{
	return n > strlen(what) && memcmp(name, what, strlen(what)) == 0;
}

uint32_t verify_xattr_field(const void *name, size_t n)
{
	if (is(name, n, "system.posix_acl_access") || is(name, n, "system.posix_acl_default"))
		return VERIFY_F_ACL;
	if (begins(name, n, "user."))
		return VERIFY_F_XATTR_USER;
	if (begins(name, n, "btrfs."))
		return VERIFY_F_XATTR_BTRFS;
	if (begins(name, n, "security."))
		return VERIFY_F_XATTR_SECURITY;
	/* XFS shows its ACLs a second time under these names. */
	if (is(name, n, "trusted.SGI_ACL_FILE") || is(name, n, "trusted.SGI_ACL_DEFAULT"))
		return 0;
	return begins(name, n, "trusted.") ? VERIFY_F_XATTR_TRUSTED : 0;
}

static ssize_t list_names(int fd, const char *name, void *p, size_t n)
{
	return fd >= 0 ? flistxattr(fd, p, n) : llistxattr(name, p, n);
}

static ssize_t get_value(int fd, const char *name, const char *attr, void *p, size_t n)
{
	return fd >= 0 ? fgetxattr(fd, attr, p, n) : lgetxattr(name, attr, p, n);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends one; 0 also when it is gone by now. */
static int read_one(struct verify_reader *r, int fd, const char *name, const char *attr)
{
	size_t room = 256;
	ssize_t n;

	for (;;) {
		buf_clear(&r->value);
		n = get_value(fd, name, attr, buf_reserve(&r->value, room), room);
		if (n >= 0 || errno != ERANGE || room >= VERIFY_VALUE_MAX)
			break;
		room = VERIFY_VALUE_MAX;
	}
	if (n < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
	wr_str(&r->xattrs, attr);
	wr_varint(&r->xattrs, (uint64_t)n);
	if (n <= VERIFY_VALUE_RAW)
		buf_append(&r->xattrs, r->value.data, (size_t)n);
	else
		wr_u64(&r->xattrs, r->crc(0, r->value.data, (size_t)n));
	if (r->xattrs.len > VERIFY_XATTRS_MAX) {
		errno = E2BIG;
		return -1;
	}
	return 0;
}

/* The names into r->list, NUL-terminated one by one: how many bytes, or -1. */
static ssize_t read_list(struct verify_reader *r, int fd, const char *name)
{
	size_t room = 1024;
	ssize_t n;

	buf_clear(&r->list);
	n = list_names(fd, name, buf_reserve(&r->list, room), room);
	if (n < 0 && errno == ERANGE)
		n = list_names(fd, name, buf_reserve(&r->list, LIST_MAX), LIST_MAX);
	if (n < 0)
		return errno == EOPNOTSUPP || errno == ENODATA || errno == ENOSYS ? 0 : -1;
	if (n > 0 && r->list.data[n - 1] != '\0') { /* a file system that does not keep the kernel's promise */
		errno = EIO;
		return -1;
	}
	return n;
}

int verify_xattrs_read(struct verify_reader *r, int fd, const char *name)
{
	const char *list, **names;
	size_t count = 0;
	ssize_t n;

	buf_clear(&r->xattrs);
	if (!(r->fields & VERIFY_F_XATTRS))
		return 0;
	n = read_list(r, fd, name);
	if (n <= 0)
		return (int)n;
	list = (const char *)r->list.data;
	buf_clear(&r->names);
	for (const char *s = list; s < list + n; s += strlen(s) + 1) {
		if (strlen(s) > PATH_NAME_MAX || !(verify_xattr_field(s, strlen(s)) & r->fields))
			continue;
		buf_append(&r->names, &s, sizeof(s));
		count++;
	}
	names = (const char **)(void *)r->names.data;
	if (count > 1)
		qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++) {
		if (i && str_eq(names[i], names[i - 1]))
			continue;
		if (read_one(r, fd, name, names[i]) < 0)
			return -1;
	}
	return 0;
}
