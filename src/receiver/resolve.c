/*
 * Paths to directory descriptors. A path from the wire is relative to the target root, of checked names;
 * whatever it meets on the way, a symbolic link is an error and never followed (ELOOP or ENOTDIR).
 */
#include "receiver/resolve.h"
#include "base/path.h"
#include "receiver/mountid.h"
#include "receiver/root.h"
#include "receiver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef RESOLVE_NO_XDEV
#define RESOLVE_NO_XDEV 0x01
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_NO_SYMLINKS 0x04
#define RESOLVE_BENEATH 0x08
#endif

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* What lies on the way is only looked up in: with Landlock a real open costs the depth it is at. */
#define WAY_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PIECE_MAX 4000 /* bytes of path given to the kernel at once; PATH_MAX is 4096 */

struct how { /* struct open_how, which older headers lack */
	uint64_t flags, mode, resolve;
};

/* -1 with ENOSYS when the kernel (or a filter) does not offer it. */
static int open2(struct session *s, int base, const char *path, int flags, bool no_xdev)
{
	struct how how = {.flags = (uint64_t)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			(no_xdev ? RESOLVE_NO_XDEV : 0)};
	long fd;

	if (s->root.no_openat2) {
		errno = ENOSYS;
		return -1;
	}
	fd = syscall(SYS_openat2, base, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS)
		s->root.no_openat2 = true;
	if (fd < 0 && errno == EPERM) /* of this directory, or of a filter that says so of every one */
		errno = ENOSYS;
	return (int)fd;
}

/* One component that may be a directory of ours which even its owner may not enter: opened with u+rwx added,
 * and given its mode back by the caller, who gets it in out_mode (-1: nothing to give back). */
static int open_widened(int dirfd, const char *name, int flags, int *out_mode)
{
	int fd = openat(dirfd, name, flags), keep;
	struct stat st;

	*out_mode = -1;
	if (fd >= 0 && flags == WAY_FLAGS) {
		if (fstat(fd, &st) < 0 || (st.st_mode & 0700) == 0700 || st.st_uid != geteuid())
			return fd;
		close(fd);
		fd = openat(dirfd, name, DIR_FLAGS);
	}
	if (fd >= 0) {
		if (fstat(fd, &st) < 0 || (st.st_mode & 0700) == 0700 || st.st_uid != geteuid() ||
			fchmod(fd, (st.st_mode & 07777) | 0700) < 0)
			return fd;
		*out_mode = (int)(st.st_mode & 07777);
		return fd;
	}
	if (errno != EACCES)
		return -1;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
		meta_chmod(dirfd, name, (st.st_mode & 07777) | 0700) < 0) {
		errno = EACCES;
		return -1;
	}
	fd = openat(dirfd, name, DIR_FLAGS);
	if (fd < 0) {
		keep = errno;
		meta_chmod(dirfd, name, st.st_mode & 07777);
		errno = keep;
		return -1;
	}
	*out_mode = (int)(st.st_mode & 07777);
	return fd;
}

/* Another receiver may give the mode back in between. */
static int open_closed(int dirfd, const char *name, int flags, int *out_mode)
{
	int fd;

	for (int tries = 0; tries < 8; tries++) {
		fd = open_widened(dirfd, name, flags, out_mode);
		if (fd >= 0 || errno != EACCES)
			break;
	}
	return fd;
}

/* Component by component: for kernels without openat2, and for directories closed to their owner. Takes base.
 */
static int walk(struct session *s, int base, const char *path)
{
	const bool widen = !s->is_root && !s->dry;
	int mode = -1;
	char name[META_NAME_MAX + 1];

	while (*path && base >= 0) {
		size_t n = strcspn(path, "/");
		int next, next_mode = -1, keep, flags = path[n] && path[n + 1] ? WAY_FLAGS : DIR_FLAGS;

		if (n > META_NAME_MAX) {
			close(base);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		path += n + (path[n] == '/');
		next = widen ? open_closed(base, name, flags, &next_mode) : openat(base, name, flags);
		keep = errno;
		if (mode >= 0)
			(void)fchmod(base, (mode_t)mode);
		close(base);
		errno = keep;
		base = next;
		mode = next_mode;
	}
	/* The last one is the caller's to widen and to narrow again; it sees the mode as it was. */
	if (base >= 0 && mode >= 0)
		(void)fchmod(base, (mode_t)mode);
	return base;
}

static int root_dup(struct session *s)
{
	if (s->root.fd < 0) {
		errno = ENOENT;
		return -1;
	}
	return openat(s->root.fd, ".", DIR_FLAGS); /* its own offset, unlike dup */
}

/* In pieces the kernel can take. */
static int open_pieces(struct session *s, const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);
	char *p = copy;
	int fd = root_dup(s);

	while (fd >= 0 && *p) {
		size_t n = strlen(p), cut = n;
		int next, keep;

		if (n > PIECE_MAX) {
			for (cut = PIECE_MAX; cut && p[cut] != '/'; cut--)
				;
			p[cut] = '\0';
		}
		next = open2(s, fd, p, cut < n ? WAY_FLAGS : DIR_FLAGS, false);
		keep = errno;
		close(fd);
		errno = keep;
		fd = next;
		p += cut < n ? cut + 1 : n;
	}
	return fd;
}

int resolve_dir(struct session *s, const char *path)
{
	int fd, mode, keep;

	if (!*path || !s->root.no_openat2) {
		fd = *path ? open_pieces(s, path) : root_dup(s);
		if (fd >= 0 || (errno != ENOSYS && (errno != EACCES || s->is_root)))
			return fd;
	}
	mode = root_widen(s);
	fd = root_dup(s);
	if (fd >= 0 && *path)
		fd = walk(s, fd, path);
	keep = errno;
	root_narrow(s, mode);
	errno = keep;
	return fd;
}

int resolve_parent(struct session *s, const char *path, const char **out_name)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *parent = slash ? xmemdup(path, (size_t)(slash - path)) : xstrdup("");

	*out_name = slash ? slash + 1 : path;
	if (!**out_name) {
		errno = EINVAL;
		return -1;
	}
	return resolve_dir(s, parent);
}

int resolve_child(struct session *s, int dirfd, const char *name, bool no_xdev)
{
	int fd = open2(s, dirfd, name, DIR_FLAGS, no_xdev);

	if (fd >= 0 || errno != ENOSYS)
		return fd;
	fd = openat(dirfd, name, DIR_FLAGS);
	if (fd >= 0 && no_xdev && !mount_ids_same(s->mounts, dirfd, fd)) {
		close(fd);
		errno = EXDEV;
		return -1;
	}
	return fd;
}
