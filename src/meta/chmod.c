/*
 * chmod by name, which must never reach what a symbolic link leads to, on every kernel: fchmodat2() says so in one call
 * (Linux 6.6); before, every call that takes a name follows it.
 */
#include "meta/private.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#ifdef __alpha__
#define SYS_fchmodat2 562
#else
#define SYS_fchmodat2 452
#endif
#endif

#define PROC_MAGIC 0x9fa0
#define PROC_ROOT_INO 1
#define ACL_NAME "system.posix_acl_access"

/* A kernel that has the call looks at the flags first; whoever says something else than EINVAL is not that kernel: it
 * knows no such call, or a filter refuses it (in containers often with EPERM). */
static bool kernel_has_fchmodat2(void)
{
	return syscall(SYS_fchmodat2, -1, "", 0, ~0u) < 0 && errno == EINVAL;
}

/* -1 with EOPNOTSUPP: there is none, or what has its name is not the kernel's (in a chroot anybody may have made it). */
static int open_proc(void)
{
	AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	struct stat st;
	int fd = -1;

	if (proc >= 0 && fstatfs(proc, &fs) == 0 && fs.f_type == PROC_MAGIC && fstat(proc, &st) == 0 &&
		st.st_ino == PROC_ROOT_INO)
		fd = openat(proc, "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		errno = EOPNOTSUPP;
	return fd;
}

/* What the descriptor is of stays the same, whoever swaps names. O_PATH: nothing is opened, no device notices. */
static int by_descriptor(int dirfd, const char *name, mode_t mode)
{
	AUTO_CLOSE int proc = open_proc();
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char number[16];

	if (proc < 0)
		return -1;
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (S_ISLNK(st.st_mode)) {
		errno = ELOOP;
		return -1;
	}
	snprintf(number, sizeof(number), "%d", fd);
	return fchmodat(proc, number, mode, 0);
}

/* In a directory that nobody else may change nobody swaps a name: an ACL could not let him either, for the group's bits
 * are its mask. */
static int in_private(int dirfd, const char *name, mode_t mode)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return -1;
	if (st.st_uid != geteuid() || (st.st_mode & 022)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return -1;
	if (S_ISLNK(st.st_mode)) {
		errno = ELOOP;
		return -1;
	}
	return fchmodat(dirfd, name, mode, 0);
}

int meta_chmod(int dirfd, const char *name, mode_t mode)
{
	int ret;

	if (syscall(SYS_fchmodat2, dirfd, name, mode, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOSYS && errno != EPERM)
		return -1;
	if (errno == EPERM && kernel_has_fchmodat2()) {
		errno = EPERM; /* its own word: we may not */
		return -1;
	}
	ret = by_descriptor(dirfd, name, mode);
	return ret < 0 && errno == EOPNOTSUPP ? in_private(dirfd, name, mode) : ret;
}

/* An ACL of three entries is the permission bits and nothing more; the l-call that sets it follows no link. */
static int by_acl(const struct inode_ref *i, mode_t mode)
{
	struct acl_entry {
		uint16_t tag, perm;
		uint32_t id;
	} __attribute__((packed));
	enum { USER_OBJ = 0x01, GROUP_OBJ = 0x04, OTHER = 0x20, VERSION = 2 };
	const struct {
		uint32_t version;
		struct acl_entry entries[3];
	} __attribute__((packed)) acl = {htole32(VERSION),
		{{htole16(USER_OBJ), htole16(mode >> 6 & 7), UINT32_MAX},
			{htole16(GROUP_OBJ), htole16(mode >> 3 & 7), UINT32_MAX},
			{htole16(OTHER), htole16(mode & 7), UINT32_MAX}}};
	struct stat st;

	if (inode_stat(i, &st) < 0)
		return -1;
	if (S_ISLNK(st.st_mode)) {
		errno = ELOOP;
		return -1;
	}
	if (((st.st_mode ^ mode) & 07777) == 0)
		return 0; /* with an ACL of more entries came the bits */
	if (((st.st_mode ^ mode) & 07000) || inode_getxattr(i, ACL_NAME, NULL, 0) >= 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (inode_setxattr(i, ACL_NAME, &acl, sizeof(acl)) < 0 || inode_stat(i, &st) < 0)
		return -1;
	if (((st.st_mode ^ mode) & 07777) == 0)
		return 0;
	errno = EOPNOTSUPP; /* the file system keeps it, and makes nothing of it */
	return -1;
}

int chmod_named(const struct inode_ref *i, mode_t mode)
{
	const int ret = meta_chmod(i->dirfd, i->name, mode);

	return ret < 0 && errno == EOPNOTSUPP ? by_acl(i, mode) : ret;
}
