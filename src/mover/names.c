#include "mover/names.h"
#include "base/clock.h"
#include "meta/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAY_STEP 32 /* of so many names on the way one stays open */
#define WAY_AGE_NS NS_PER_S /* a directory that is renamed is not taken for what it was much longer than that */

struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/*
 * What lies on the way is only looked up in (O_PATH): Landlock makes every real open cost the depth it is at, which made
 * that of a path its square.
 */
static int open_one(int dirfd, const char *name, bool last)
{
	const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd;

	if (!last)
		return openat(dirfd, name, flags | O_PATH);
	/* O_NOATIME first: without clones a walk must not leave traces in the source. */
	fd = openat(dirfd, name, flags | O_RDONLY | O_NOATIME);
	return fd < 0 && errno == EPERM ? openat(dirfd, name, flags | O_RDONLY) : fd;
}

static void way_cut(struct way *w, size_t len)
{
	while (w->n && w->kept[w->n - 1].len > len)
		close(w->kept[--w->n].fd);
}

/* Bytes of whole names that the way and the path begin with. */
static size_t way_common(const struct way *w, const char *path)
{
	size_t n = 0, whole = 0;

	for (; w->path[n] && w->path[n] == path[n]; n++)
		if (path[n] == '/')
			whole = n;
	return (w->path[n] == '\0' || w->path[n] == '/') && (path[n] == '\0' || path[n] == '/') ? n : whole;
}

/* Where to go on from: the deepest directory on the way to the path that is open. */
static int way_begin(struct way *w, int rootfd, const char *path, size_t *out_len)
{
	int64_t now = clock_mono_ns();

	if (w->path && w->rootfd == rootfd && now - w->since_ns < WAY_AGE_NS) {
		way_cut(w, way_common(w, path));
	} else {
		way_cut(w, 0);
		w->rootfd = rootfd;
		w->since_ns = now;
	}
	free(w->path);
	w->path = xstrdup(path);
	*out_len = w->n ? w->kept[w->n - 1].len : 0;
	return w->n ? w->kept[w->n - 1].fd : rootfd;
}

static int open_path(struct way *w, int rootfd, const char *path)
{
	size_t at, names = 0;
	int fd = way_begin(w, rootfd, path, &at), kept = fd, keep;

	if (!path[at])
		return open_one(fd, ".", true);
	while (fd >= 0 && path[at]) {
		const char *from = path + at + (path[at] == '/');
		size_t len = (size_t)(strchrnul(from, '/') - from);
		char name[META_NAME_MAX + 1];
		int next = -1;

		errno = ENAMETOOLONG;
		if (len <= META_NAME_MAX) {
			memcpy(name, from, len);
			name[len] = '\0';
			next = open_one(fd, name, !from[len]);
		}
		keep = errno;
		if (fd != kept)
			close(fd);
		errno = keep;
		fd = next;
		at = (size_t)(from - path) + len;
		if (fd >= 0 && path[at] && ++names % WAY_STEP == 0 && w->n < WAY_MAX) {
			w->kept[w->n].len = at;
			w->kept[w->n++].fd = kept = fd;
		}
	}
	return fd;
}

int names_open_path(struct way *w, int rootfd, const char *path)
{
	int fd = open_path(w, rootfd, path);

	if (fd >= 0 || errno != ESTALE)
		return fd;
	way_cut(w, 0);
	return open_path(w, rootfd, path);
}

void way_release(struct way *w)
{
	way_cut(w, 0);
	free(w->path);
	w->path = NULL;
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

void names_add(struct names *n, const char *name, uint8_t dtype, uint64_t ino)
{
	if (n->len == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->names = xrealloc(n->names, n->cap * sizeof(*n->names));
	}
	n->names[n->len++] = (struct name){.off = (uint32_t)n->arena.len, .dtype = dtype, .ino = ino};
	buf_append(&n->arena, name, strlen(name) + 1);
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
				names_add(n, e->name, e->type, e->ino);
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
