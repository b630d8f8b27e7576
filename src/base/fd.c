#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

ssize_t fd_read_full(int fd, void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = read(fd, (char *)p + done, n - done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

ssize_t fd_pread_full(int fd, void *p, size_t n, off_t off)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(fd, (char *)p + done, n - done, off + (off_t)done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t r = write(fd, p, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		p = (const char *)p + r;
		n -= (size_t)r;
	}
	return 0;
}

int fd_pwrite_full(int fd, const void *p, size_t n, off_t off)
{
	while (n) {
		ssize_t r = pwrite(fd, p, n, off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		p = (const char *)p + r;
		n -= (size_t)r;
		off += r;
	}
	return 0;
}

static int flag_set(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -1;
	return fcntl(fd, set, on ? flags | flag : flags & ~flag);
}

int fd_set_nonblock(int fd, bool on)
{
	return flag_set(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_set_cloexec(int fd, bool on)
{
	return flag_set(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

#define PIPEFS 0x50495045

/* Who opens a FIFO waits for somebody to write, and an empty one would be taken for an empty list. */
static int open_file(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct statfs fs;
	struct stat st;
	bool ok;

	if (fd < 0)
		return -1;
	ok = fstat(fd, &st) == 0;
	if (ok && S_ISFIFO(st.st_mode) && (fstatfs(fd, &fs) < 0 || fs.f_type != PIPEFS)) {
		errno = EINVAL;
		ok = false;
	}
	ok = ok && (S_ISREG(st.st_mode) || fd_set_nonblock(fd, false) == 0);
	if (!ok) {
		int err = errno;

		close(fd);
		errno = err;
	}
	return ok ? fd : -1;
}

int fd_read_file(int dirfd, const char *path, size_t max, char **out_data, size_t *out_len)
{
	AUTO_CLOSE int fd = open_file(dirfd, path);
	AUTO_FREE char *data = NULL;
	size_t cap = 4096, len = 0;

	if (fd < 0)
		return -1;
	data = xmalloc(cap);
	for (;;) {
		ssize_t r = fd_read_full(fd, data + len, cap - 1 - len);
		if (r < 0)
			return -1;
		len += (size_t)r;
		if (len < cap - 1)
			break;
		if (len > max) {
			errno = EFBIG;
			return -1;
		}
		cap *= 2;
		data = xrealloc(data, cap);
	}
	if (len > max) {
		errno = EFBIG;
		return -1;
	}
	data[len] = '\0';
	*out_data = STEAL(data);
	if (out_len)
		*out_len = len;
	return 0;
}

int fd_write_file_mode(int dirfd, const char *path, mode_t mode, const void *p, size_t n)
{
	AUTO_FREE char *tmp = xasprintf("%s.new", path);
	AUTO_CLOSE int fd = -1;

	/* Always a new inode: one that lies there may be a link to another file, or have another owner and mode. */
	if (unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT)
		return -1;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (fd_write_full(fd, p, n) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0 ||
		renameat(dirfd, tmp, dirfd, path) < 0) {
		int keep = errno;
		unlinkat(dirfd, tmp, 0);
		errno = keep;
		return -1;
	}
	return 0;
}

int fd_write_file_atomic(int dirfd, const char *path, const void *p, size_t n)
{
	return fd_write_file_mode(dirfd, path, 0600, p, n);
}

int fd_temporary(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) { /* an old kernel or another file system says so in different ways */
		AUTO_FREE char *name = xasprintf("%s/.tmp-XXXXXX", dir);

		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	return fd;
}

#define FDS_MAX 16

int fd_send_fds(int sock, const int *fds, size_t n)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control = {};
	char byte = 'F';
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (n == 0 || n > FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	msg.msg_control = control.bytes;
	msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	for (;;) {
		if (sendmsg(sock, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

/* What came and is not wanted would stay open for good. */
static void fds_close(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN(sizeof(int) * (i + 1)) <= c->cmsg_len; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + sizeof(int) * i, sizeof(fd));
			close(fd);
		}
	}
}

int fd_recv_fds(int sock, int *fds, size_t n)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control = {};
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t r;

	if (n == 0 || n > FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	msg.msg_control = control.bytes;
	msg.msg_controllen = sizeof(control.bytes);
	do {
		r = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (r != 1 || !c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		c->cmsg_len != CMSG_LEN(sizeof(int) * n) || (msg.msg_flags & MSG_CTRUNC)) {
		fds_close(&msg);
		errno = EPROTO;
		return -1;
	}
	memcpy(fds, CMSG_DATA(c), sizeof(int) * n);
	return 0;
}

ssize_t fd_read_or_fd(int sock, void *p, size_t n, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = {.iov_base = p, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t r;

	*fd = -1;
	msg.msg_control = control.bytes;
	msg.msg_controllen = sizeof(control.bytes);
	do {
		r = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (r < 0 && errno == EINTR);
	c = r > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (!c)
		return r;
	if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	else
		fds_close(&msg);
	return *fd < 0 ? r : r - 1; /* the kernel reads no further than the byte that carries it */
}

int fd_mkdir_p(const char *path, mode_t mode)
{
	AUTO_FREE char *copy = xstrdup(path);
	struct stat st;

	for (char *p = copy + 1; *copy && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	if (mkdir(copy, mode) == 0)
		return 0;
	if (errno != EEXIST || stat(path, &st) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return 0;
}
