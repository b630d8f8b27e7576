/* Private to the room meta: one name for "this inode" whether open or not, the xattr namespaces, inode flags. */
#pragma once

#include "meta/meta.h"

#include <sys/stat.h>

#ifndef FS_IOC_GETFLAGS
#include <linux/fs.h>
#endif

/* An inode by descriptor, or, where fd is -1, by bare name in dirfd, which is then also the current directory. */
struct inode_ref {
	int fd;
	int dirfd;
	const char *name;
};

ssize_t inode_listxattr(const struct inode_ref *i, char *list, size_t n);
ssize_t inode_getxattr(const struct inode_ref *i, const char *name, void *value, size_t n);
int inode_setxattr(const struct inode_ref *i, const char *name, const void *value, size_t n);
int inode_removexattr(const struct inode_ref *i, const char *name);
int inode_stat(const struct inode_ref *i, struct stat *st);
/* chmod of what has no descriptor: as meta_chmod(), and for permission bits by one way more. */
int chmod_named(const struct inode_ref *i, mode_t mode);

#define XATTR_FIELDS \
	(META_F_XATTR_USER | META_F_ACL | META_F_XATTR_TRUSTED | META_F_XATTR_SECURITY | META_F_XATTR_BTRFS)
#define XATTR_VALUE_MAX 65536u /* the kernel's bound */

/* The META_F_* bit of the name's namespace; 0 for what is never kept. */
unsigned xattr_field(const char *name);
/* Fills out with the inode's xattrs of these fields, packed and sorted. 0, or -1 with errno of the first that could not
 * be read; out has the others then. */
int xattr_read(const struct inode_ref *i, unsigned fields, struct buf *out);
/* The next xattr of these fields. */
bool xattr_next_of(const struct buf *xattrs, size_t *pos, unsigned fields, struct meta_xattr *out);
/* Whether p..p+n is exactly a packed list within the fields: well-formed, sorted, nothing twice. */
bool xattr_packed_valid(const uint8_t *p, size_t n, unsigned fields);

/* The inode flags a profile keeps. */
static inline uint32_t flags_mask(unsigned fields)
{
	const uint32_t projinherit = fields & META_F_PROJECT ? META_FLAG_PROJINHERIT : 0;

	if (!(fields & META_F_FLAGS))
		return projinherit;
	return (META_FLAGS_KEPT & ~META_FLAGS_PRIV & ~META_FLAG_PROJINHERIT) | projinherit |
		(fields & META_F_FLAGS_PRIV ? META_FLAGS_PRIV : 0);
}

/* All of the inode's flags, kept or not. 0; -1 with errno, ENOTTY for every way of saying that there are none. */
int flags_get(int fd, uint32_t *out);
int flags_set(int fd, uint32_t flags);

/* Project id, and P as a flag. 0; -1 with errno, ENOTTY for every way of saying that there are none. */
int project_get(int fd, uint32_t *out_id, uint32_t *out_flag);
int project_set(int fd, uint32_t id, uint32_t flag);

void meta_from_stat(struct meta *m, const struct stat *st);
