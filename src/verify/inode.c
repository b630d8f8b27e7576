#include "verify/inode.h"
#include "verify/fields.h"
#include "verify/xattr.h"

#include "base/clock.h"
#include "base/lost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

uint8_t verify_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return VERIFY_T_REG;
	case S_IFDIR:
		return VERIFY_T_DIR;
	case S_IFLNK:
		return VERIFY_T_LNK;
	case S_IFCHR:
		return VERIFY_T_CHR;
	case S_IFBLK:
		return VERIFY_T_BLK;
	case S_IFIFO:
		return VERIFY_T_FIFO;
	case S_IFSOCK:
		return VERIFY_T_SOCK;
	default:
		return VERIFY_T_NONE;
	}
}

void verify_node_stat(const struct stat *st, struct verify_node *out)
{
	const bool damaged = S_ISREG(st->st_mode) && st->st_size < 0;
	bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

	*out = (struct verify_node){
		.type = verify_type_of(st->st_mode),
		.err = damaged || verify_type_of(st->st_mode) == VERIFY_T_NONE ? EUCLEAN : 0,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = S_ISREG(st->st_mode) && !damaged ? (uint64_t)st->st_size : 0,
		.mtime_s = st->st_mtim.tv_sec,
		.mtime_ns = clock_file_nanos(&st->st_mtim),
		.major = device ? major(st->st_rdev) : 0,
		.minor = device ? minor(st->st_rdev) : 0,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.nlink = st->st_nlink,
		.ctime_frac = clock_file_nanos(&st->st_ctim),
		.ctime_ns = clock_file_ns(&st->st_ctim),
		.mtime_full_ns = clock_file_ns(&st->st_mtim),
	};
}

void verify_reader_release(struct verify_reader *r)
{
	buf_release(&r->link);
	buf_release(&r->xattrs);
	buf_release(&r->list);
	buf_release(&r->value);
	buf_release(&r->names);
}

int verify_open(int dirfd, const char *name, int flags, bool noatime)
{
	int fd;

	flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	if (noatime) {
		fd = openat(dirfd, name, flags | O_NOATIME);
		if (fd >= 0 || errno != EPERM)
			return fd;
	}
	return openat(dirfd, name, flags);
}

static void read_flags(struct verify_reader *r, int fd, struct verify_node *out)
{
	unsigned long room = 0; /* the kernel writes an int, some FUSE servers a long */
	unsigned int value;

	if (!(r->fields & (VERIFY_F_FLAGS | VERIFY_F_FLAGS_PRIV)))
		return;
	if (ioctl(fd, FS_IOC_GETFLAGS, &room) == 0) {
		memcpy(&value, &room, sizeof(value));
		out->flags = value & VERIFY_FLAGS_KEPT & ~VERIFY_FLAG_PROJINHERIT;
		out->flags_lost = value & VERIFY_FLAGS_LOST;
	} else if (errno != ENOTTY && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS) {
		return;
	} else {
		out->flags_none = true;
	}
	out->flags_known = true; /* a file system without flags has none set */
}

/* struct fsxattr, which headers before Linux 4.5 have not. */
static void read_project(struct verify_reader *r, int fd, struct verify_node *out)
{
	struct {
		uint32_t xflags, extsize, nextents, projid, cowextsize;
		uint8_t pad[8];
	} a = {};

	if (!(r->fields & VERIFY_F_PROJECT) || ioctl(fd, _IOR('X', 31, a), &a) < 0)
		return;
	out->projid = a.projid;
	out->flags |= a.xflags & 0x200 ? VERIFY_FLAG_PROJINHERIT : 0; /* FS_XFLAG_PROJINHERIT */
}

/* fd: anything on the same file system. */
static void read_fs_type(struct verify_reader *r, int fd, struct verify_node *out)
{
	struct statfs fs;

	if ((!r->fs_type || r->fs_dev != out->dev) && fstatfs(fd, &fs) == 0) {
		r->fs_dev = out->dev;
		r->fs_type = (uint32_t)fs.f_type;
		r->fs_times = (uint8_t)lost_times_of(fd, r->fs_type);
	}
	out->fs_type = r->fs_dev == out->dev ? r->fs_type : 0;
	out->times = r->fs_dev == out->dev ? r->fs_times : LOST_TIMES_UNSURE;
}

static void read_xattrs(struct verify_reader *r, int fd, const char *name, struct verify_node *out)
{
	if (verify_xattrs_read(r, fd, name) < 0)
		out->err = out->err ? out->err : (uint32_t)errno;
	else
		out->xattrs = (struct bytes){.p = r->xattrs.data, .len = r->xattrs.len};
}

void verify_node_read_fd(struct verify_reader *r, int fd, const struct stat *st, struct verify_node *out)
{
	verify_node_stat(st, out);
	read_fs_type(r, fd, out);
	read_flags(r, fd, out);
	read_project(r, fd, out);
	read_xattrs(r, fd, NULL, out);
}

static int read_link(struct verify_reader *r, int dirfd, const char *name, struct verify_node *out)
{
	size_t room = 256;

	for (;;) {
		ssize_t n;

		buf_clear(&r->link);
		n = readlinkat(dirfd, name, (char *)buf_reserve(&r->link, room), room);
		if (n < 0) {
			if (errno == EINVAL) /* no symbolic link any more */
				errno = ENOENT;
			return -1;
		}
		if ((size_t)n < room && n <= VERIFY_LINK_MAX) {
			r->link.len = (size_t)n;
			out->link = (struct bytes){.p = r->link.data, .len = (size_t)n};
			return 0;
		}
		if (room > VERIFY_LINK_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		room *= 4;
	}
}

static int gone(void)
{
	return errno == ENOENT ? -1 : 0;
}

/* Through a descriptor: 1; 0 when it cannot be opened, -1 when it is not the same any more. */
static int read_open(
	struct verify_reader *r, int dirfd, const char *name, const struct stat *st, struct verify_node *out)
{
	AUTO_CLOSE int fd = verify_open(dirfd, name, S_ISDIR(st->st_mode) ? O_DIRECTORY : 0, r->noatime);
	struct stat now;

	if (fd < 0) {
		if (errno == ELOOP || errno == ENOTDIR || errno == ENXIO)
			errno = ENOENT;
		/* Not only what must be opened for it is out of reach, as it is without the right to: nothing can be told. */
		if (errno == ESTALE || errno == EIO) {
			out->err = (uint32_t)errno;
			return 1;
		}
		return gone();
	}
	if (fstat(fd, &now) < 0) {
		out->err = (uint32_t)errno;
		return 1;
	}
	if (now.st_dev != st->st_dev || now.st_ino != st->st_ino) {
		errno = ENOENT;
		return -1;
	}
	verify_node_read_fd(r, fd, &now, out);
	return 1;
}

int verify_node_read(
	struct verify_reader *r, int dirfd, const char *name, const struct stat *st, struct verify_node *out)
{
	verify_node_stat(st, out);
	read_fs_type(r, dirfd, out);
	if (S_ISLNK(st->st_mode) && read_link(r, dirfd, name, out) < 0) {
		if (gone() < 0)
			return -1;
		out->err = (uint32_t)errno;
	}
	if (!(r->fields & (VERIFY_F_XATTRS | VERIFY_F_FLAGS | VERIFY_F_FLAGS_PRIV | VERIFY_F_PROJECT)))
		return 0;
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) {
		int done = read_open(r, dirfd, name, st, out);

		if (done)
			return done < 0 ? -1 : 0;
	}
	if (!(r->fields & VERIFY_F_XATTRS))
		return 0;
	/* No lgetxattr() begins at a directory; the bare name keeps the kernel from following anything. */
	if (fchdir(dirfd) < 0) {
		out->err = (uint32_t)errno;
		return 0;
	}
	read_xattrs(r, -1, name, out);
	if (out->err == ENOENT) {
		errno = ENOENT;
		return -1;
	}
	return 0;
}
