#include "mover/names.h"
#include "meta/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int open_path(int rootfd, const char *path)
{
	int fd = openat(rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && *path) {
		const char *slash = strchrnul(path, '/');
		char name[META_NAME_MAX + 1];
		size_t len = (size_t)(slash - path);
		int next;

		if (len > META_NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		/* O_NOATIME first: without clones a walk must not leave traces in the source. */
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
		if (next < 0 && errno == EPERM)
			next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int keep = errno;
		close(fd);
		errno = keep;
		fd = next;
		path = *slash ? slash + 1 : slash;
	}
	return fd;
}

int names_open_path(int rootfd, const char *path)
{
	int fd = open_path(rootfd, path);

	return fd < 0 && errno == ESTALE ? open_path(rootfd, path) : fd;
}

bool names_reopen(int dirfd, const char *name, uint64_t ino, int fd)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	AUTO_CLOSE int again = openat(dirfd, name, flags | O_NOATIME);
	struct stat st;

	if (again < 0 && errno == EPERM)
		again = openat(dirfd, name, flags);
	if (again < 0 || fstat(again, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino != ino ||
		dup3(again, fd, O_CLOEXEC) < 0) {
		errno = ESTALE;
		return false;
	}
	return true;
}

static int by_ino(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

static void add_name(struct names *n, const struct kernel_dirent *e)
{
	size_t len = strlen(e->name);

	if (n->len == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->names = xrealloc(n->names, n->cap * sizeof(*n->names));
	}
	n->names[n->len++] = (struct name){.off = (uint32_t)n->arena.len, .dtype = e->type, .ino = e->ino};
	buf_append(&n->arena, e->name, len + 1);
}

void names_read(struct names *n, int fd, uint32_t max)
{
	char data[32768] __attribute__((aligned(8)));

	n->len = n->next = 0;
	buf_clear(&n->arena);
	while (!n->eof && n->len < max) {
		long r = syscall(SYS_getdents64, fd, data, sizeof(data));
		if (r < 0) {
			n->error = errno;
			n->eof = true;
		}
		if (r == 0)
			n->eof = true;
		for (long pos = 0; pos < r;) {
			const struct kernel_dirent *e = (const void *)(data + pos);
			if (!str_eq(e->name, ".") && !str_eq(e->name, ".."))
				add_name(n, e);
			pos += e->reclen;
		}
	}
	/* In inode order the disk's inode tables are read once, forwards. */
	if (n->len > 1)
		qsort(n->names, n->len, sizeof(*n->names), by_ino);
}

void names_release(struct names *n)
{
	buf_release(&n->arena);
	free(n->names);
	*n = (struct names){};
}
