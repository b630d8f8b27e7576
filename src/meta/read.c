/* Reading one inode's metadata. The hot path of an idle sync: openat, fstat, FS_IOC_GETFLAGS, flistxattr, close. */
#include "base/clock.h"
#include "meta/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * What was learned about a device, so that it is not asked for every file: a cache, of this thread alone,
 * that only saves calls. A process reads a device through one mount.
 */
struct device {
	dev_t dev;
	bool known;
	bool no_flags[2]; /* FS_IOC_GETFLAGS is not there: for files, for directories */
	bool no_project[2]; /* the same of FS_IOC_FSGETXATTR */
	bool plain_open; /* O_NOATIME is refused, and the mount is noatime anyhow */
};

static __thread struct device device_cache[8];
static __thread unsigned device_last; /* the entry used last: the next inode is most likely on that device too */

static struct device *device_of(dev_t dev)
{
	unsigned k = device_last;

	for (unsigned tries = 0; tries < ARRAY_LEN(device_cache); tries++) {
		if (device_cache[k].known && device_cache[k].dev == dev) {
			device_last = k;
			return &device_cache[k];
		}
		k = (k + 1) % ARRAY_LEN(device_cache);
	}
	device_last = (device_last + 1) % ARRAY_LEN(device_cache);
	device_cache[device_last] = (struct device){.dev = dev, .known = true};
	return &device_cache[device_last];
}

int flags_get(int fd, uint32_t *out)
{
	/* The request says long, file systems write an int; FUSE may write either. */
	union {
		long l;
		int i;
	} v = {};

	if (ioctl(fd, FS_IOC_GETFLAGS, &v) < 0) {
		if (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS)
			errno = ENOTTY;
		return -1;
	}
	*out = (uint32_t)v.i;
	return 0;
}

int flags_set(int fd, uint32_t flags)
{
	union {
		long l;
		int i;
	} v = {};

	v.i = (int)flags;
	if (ioctl(fd, FS_IOC_SETFLAGS, &v) < 0) {
		if (errno == ENOTTY || errno == EINVAL || errno == ENOSYS)
			errno = EOPNOTSUPP;
		return -1;
	}
	return 0;
}

/* struct fsxattr and its calls, which headers before Linux 4.5 have not. */
struct project_attr {
	uint32_t xflags, extsize, nextents, projid, cowextsize;
	uint8_t pad[8];
};
#define PROJECT_GET _IOR('X', 31, struct project_attr)
#define PROJECT_SET _IOW('X', 32, struct project_attr)
#define PROJECT_XFLAG_INHERIT 0x200u

static int project_call(int fd, unsigned long request, struct project_attr *a)
{
	if (ioctl(fd, request, a) == 0)
		return 0;
	if (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS)
		errno = ENOTTY;
	return -1;
}

int project_get(int fd, uint32_t *out_id, uint32_t *out_flag)
{
	struct project_attr a = {};

	if (project_call(fd, PROJECT_GET, &a) < 0)
		return -1;
	*out_id = a.projid;
	*out_flag = a.xflags & PROJECT_XFLAG_INHERIT ? META_FLAG_PROJINHERIT : 0;
	return 0;
}

int project_set(int fd, uint32_t id, uint32_t flag)
{
	struct project_attr a = {};

	if (project_call(fd, PROJECT_GET, &a) < 0)
		return -1;
	a.projid = id;
	a.xflags = (a.xflags & ~PROJECT_XFLAG_INHERIT) | (flag ? PROJECT_XFLAG_INHERIT : 0);
	return project_call(fd, PROJECT_SET, &a);
}

enum meta_type meta_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return META_REG;
	case S_IFDIR:
		return META_DIR;
	case S_IFLNK:
		return META_LNK;
	case S_IFCHR:
		return META_CHR;
	case S_IFBLK:
		return META_BLK;
	case S_IFIFO:
		return META_FIFO;
	case S_IFSOCK:
		return META_SOCK;
	}
	return META_NONE;
}

mode_t meta_type_mode(enum meta_type type)
{
	static const mode_t modes[META_TYPE_END] = {
		[META_REG] = S_IFREG,
		[META_DIR] = S_IFDIR,
		[META_LNK] = S_IFLNK,
		[META_CHR] = S_IFCHR,
		[META_BLK] = S_IFBLK,
		[META_FIFO] = S_IFIFO,
		[META_SOCK] = S_IFSOCK,
	};

	return type < META_TYPE_END ? modes[type] : 0;
}

void meta_clear(struct meta *m)
{
	struct buf link = m->link, xattrs = m->xattrs;

	*m = (struct meta)META_INIT;
	m->link = link;
	m->xattrs = xattrs;
	buf_clear(&m->link);
	buf_clear(&m->xattrs);
}

void meta_release(struct meta *m)
{
	buf_release(&m->link);
	buf_release(&m->xattrs);
	*m = (struct meta)META_INIT;
}

void meta_from_stat(struct meta *m, const struct stat *st)
{
	meta_clear(m);
	m->type = (uint8_t)meta_type_of(st->st_mode);
	m->mode = st->st_mode & 07777;
	m->uid = st->st_uid;
	m->gid = st->st_gid;
	m->mtime_s = st->st_mtim.tv_sec;
	m->mtime_ns = clock_file_nanos(&st->st_mtim);
	m->odd_time = (long)m->mtime_ns != st->st_mtim.tv_nsec;
	m->ctime_s = st->st_ctim.tv_sec;
	m->ctime_ns = clock_file_nanos(&st->st_ctim);
	if (m->type == META_REG)
		m->size = (uint64_t)st->st_size;
	if (m->type == META_CHR || m->type == META_BLK) {
		m->rdev_major = major(st->st_rdev);
		m->rdev_minor = minor(st->st_rdev);
	}
	m->dev = st->st_dev;
	m->ino = st->st_ino;
	m->nlink = st->st_nlink;
	m->blocks = (uint64_t)st->st_blocks;
}

int inode_stat(const struct inode_ref *i, struct stat *st)
{
	if (i->fd >= 0)
		return fstat(i->fd, st);
	return fstatat(i->dirfd, i->name, st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
}

int meta_stat(int dirfd, const char *name, struct meta *m)
{
	struct stat st;

	if (inode_stat(&(struct inode_ref){.fd = -1, .dirfd = dirfd, .name = name}, &st) < 0)
		return -1;
	meta_from_stat(m, &st);
	return 0;
}

static int read_flags(int fd, unsigned fields, struct device *device, struct meta *m)
{
	const bool is_dir = m->type == META_DIR;
	uint32_t flags;

	if (!(fields & META_F_FLAGS) || device->no_flags[is_dir] || (m->type != META_REG && !is_dir))
		return 0;
	if (flags_get(fd, &flags) < 0) {
		if (errno != ENOTTY)
			return -1;
		device->no_flags[is_dir] = true;
		return 0;
	}
	m->flags = flags & flags_mask(fields) & ~META_FLAG_PROJINHERIT;
	m->flags_lost = fields & META_F_FLAGS ? flags & META_FLAGS_LOST : 0;
	return 0;
}

/* What cannot be read here is as if there were none. */
static void read_project(int fd, unsigned fields, struct device *device, struct meta *m)
{
	const bool is_dir = m->type == META_DIR;
	uint32_t flag;

	if (!(fields & META_F_PROJECT) || device->no_project[is_dir] || (m->type != META_REG && !is_dir))
		return;
	if (project_get(fd, &m->projid, &flag) == 0)
		m->flags |= flag;
	else if (errno == ENOTTY)
		device->no_project[is_dir] = true;
}

static void read_xattrs(const struct inode_ref *ref, unsigned fields, struct meta *m)
{
	m->partial = xattr_read(ref, fields, &m->xattrs) < 0;
	m->xattrs_err = m->partial ? errno : 0;
}

static int read_open_inode(int fd, const struct stat *st, unsigned fields, struct device *device, struct meta *m)
{
	const struct inode_ref ref = {.fd = fd, .dirfd = -1};

	meta_from_stat(m, st);
	if (read_flags(fd, fields, device, m) < 0)
		return -1;
	read_project(fd, fields, device, m);
	read_xattrs(&ref, fields, m);
	return 0;
}

bool meta_valid(const struct meta *m)
{
	if (m->type == META_NONE || m->type >= META_TYPE_END || m->uid == UINT32_MAX || m->gid == UINT32_MAX)
		return false;
	if (m->type == META_REG)
		return m->size <= INT64_MAX;
	if (m->type == META_LNK)
		return m->link.len && m->link.len <= META_LINK_MAX && !memchr(m->link.data, 0, m->link.len);
	return true;
}

/* What is beyond what the encoding can say is damage, and that inode's failure. */
static int checked(const struct meta *m)
{
	if (meta_valid(m))
		return 0;
	errno = EUCLEAN;
	return -1;
}

int meta_read_fd(int fd, unsigned fields, struct meta *m)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || read_open_inode(fd, &st, fields, device_of(st.st_dev), m) < 0)
		return -1;
	return checked(m);
}

/* The link's target. Its size is only a hint (0 on some file systems), so read until it fits. */
static int read_link(const struct inode_ref *ref, size_t hint, struct buf *out)
{
	size_t room = MIN(hint, (size_t)META_LINK_MAX) + 1;

	for (;;) {
		ssize_t n;
		buf_clear(out);
		n = readlinkat(ref->dirfd, ref->name, (char *)buf_reserve(out, room), room);
		if (n < 0)
			return -1;
		if (n == 0 || (size_t)n > META_LINK_MAX) {
			errno = n ? ENAMETOOLONG : EINVAL;
			return -1;
		}
		if ((size_t)n < room) {
			out->len = (size_t)n;
			return 0;
		}
		room = room * 2 + 256;
	}
}

static int read_by_name(const struct inode_ref *ref, const struct stat *st, unsigned fields, struct meta *m)
{
	meta_from_stat(m, st);
	if (m->type == META_LNK && read_link(ref, (size_t)st->st_size, &m->link) < 0)
		return -1;
	read_xattrs(ref, fields, m);
	if (m->xattrs_err != ENOENT && m->xattrs_err != ESTALE)
		return 0;
	errno = m->xattrs_err;
	return -1;
}

/*
 * Opens for reading and stats. O_NOATIME belongs to the owner and CAP_FOWNER: a mover, which has neither, is
 * refused once, sees that its mount is noatime, and does not ask again.
 */
static int open_inode(const struct inode_ref *ref, int extra, struct stat *st, struct device **out_device)
{
	const struct device *guess = &device_cache[device_last];
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | extra;
	const bool plain = guess->plain_open;
	bool refused = false;
	int fd = openat(ref->dirfd, ref->name, plain ? flags : flags | O_NOATIME);

	if (fd < 0 && errno == EPERM && !plain) {
		refused = true;
		fd = openat(ref->dirfd, ref->name, flags);
	}
	if (fd < 0)
		return -1;
	if (fstat(fd, st) < 0) {
		int keep = errno;
		close(fd);
		errno = keep;
		return -1;
	}
	*out_device = device_of(st->st_dev);
	if (refused) {
		struct statvfs fs;
		(*out_device)->plain_open = fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOATIME);
	} else if (plain && !(*out_device)->plain_open) {
		/* The guess was another device's: make up for it. Refused where it would have been refused before. */
		(void)fcntl(fd, F_SETFL, O_NONBLOCK | O_NOATIME);
	}
	return fd;
}

/* Errors of open after which the inode is still worth its stat: it is there, but not ours to open. */
static bool readable_by_name(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
	case ENOKEY: /* encrypted, key not loaded */
	case ETXTBSY: /* a swap file */
	case ELOOP: /* became a symbolic link, a device, something else: stat tells */
	case ENOTDIR:
	case ENXIO:
	case ENODEV:
	case EBUSY:
	case EOPNOTSUPP:
		return true;
	}
	return false;
}

/* 1: read by descriptor; 0: has to be read by name (open_err says why, if it was tried); -1: failed. */
static int read_opened(
	const struct inode_ref *ref, bool is_dir, unsigned fields, struct meta *m, int *out_fd, int *open_err)
{
	struct device *device;
	struct stat st;
	int fd = open_inode(ref, is_dir ? O_DIRECTORY : 0, &st, &device);
	int ret, keep;

	if (fd < 0) {
		*open_err = errno;
		return readable_by_name(errno) ? 0 : -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		close(fd); /* it was replaced by a fifo or a device */
		*open_err = ENXIO;
		return 0;
	}
	ret = read_open_inode(fd, &st, fields, device, m);
	if (ret == 0 && out_fd) {
		*out_fd = fd;
		return 1;
	}
	keep = errno;
	close(fd);
	errno = keep;
	return ret < 0 ? -1 : 1;
}

static bool worth_opening(const struct device *device, bool is_dir, unsigned fields, const int *out_fd)
{
	return out_fd || ((fields & META_F_FLAGS) && !device->no_flags[is_dir]) ||
		((fields & META_F_PROJECT) && !device->no_project[is_dir]);
}

static int read_once(int dirfd, const char *name, unsigned char dtype, unsigned fields, struct meta *m, int *out_fd)
{
	const struct inode_ref ref = {.fd = -1, .dirfd = dirfd, .name = name};
	int open_err = 0, done;
	bool tried = false;
	struct stat st;

	if (out_fd)
		*out_fd = -1;
	if ((dtype == DT_REG || dtype == DT_DIR) &&
		worth_opening(&device_cache[device_last], dtype == DT_DIR, fields, out_fd)) {
		tried = true;
		done = read_opened(&ref, dtype == DT_DIR, fields, m, out_fd, &open_err);
		if (done)
			return done < 0 ? -1 : 0;
	}
	if (inode_stat(&ref, &st) < 0)
		return -1;
	if (!tried && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
		worth_opening(device_of(st.st_dev), S_ISDIR(st.st_mode), fields, out_fd)) {
		done = read_opened(&ref, S_ISDIR(st.st_mode), fields, m, out_fd, &open_err);
		if (done)
			return done < 0 ? -1 : 0;
	}
	if (read_by_name(&ref, &st, fields, m) < 0)
		return -1;
	if (out_fd)
		errno = open_err;
	return 0;
}

int meta_read(int dirfd, const char *name, unsigned char dtype, unsigned fields, struct meta *m, int *out_fd)
{
	int ret = read_once(dirfd, name, dtype, fields, m, out_fd), keep;

	if (ret < 0 && errno == ESTALE)
		ret = read_once(dirfd, name, dtype, fields, m, out_fd);
	keep = errno;

	if (ret < 0 || checked(m) == 0) {
		errno = keep;
		return ret;
	}
	if (out_fd && *out_fd >= 0) {
		close(*out_fd);
		*out_fd = -1;
	}
	errno = EUCLEAN;
	return -1;
}
