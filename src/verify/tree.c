#include "verify/tree.h"
#include "verify/inode.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* openat2() is from Linux 5.6; its struct and constants may be missing from the headers. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define RESOLVE_NO_MAGICLINKS_ 0x02
#define RESOLVE_NO_SYMLINKS_ 0x04
#define RESOLVE_BENEATH_ 0x08
struct how {
	uint64_t flags, mode, resolve;
};

#define PIECE 4000 /* bytes of a path given to the kernel at once: PATH_MAX is 4096 */
#define NAME_BYTES 255
#define ON_THE_WAY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define AT_THE_END (O_DIRECTORY | O_NOFOLLOW)

static int open_piece(int dirfd, const char *piece)
{
	struct how how = {
		.flags = ON_THE_WAY,
		.resolve = RESOLVE_BENEATH_ | RESOLVE_NO_SYMLINKS_ | RESOLVE_NO_MAGICLINKS_,
	};

	return (int)syscall(SYS_openat2, dirfd, piece, &how, sizeof(how));
}

/* A kernel or a filter without openat2, or a race it will not judge: name by name then. */
static bool unavailable(void)
{
	return errno == ENOSYS || errno == EPERM || errno == EAGAIN || errno == E2BIG || errno == EINVAL;
}

static int open_by_name(int dirfd, char *path)
{
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);

	for (char *p = path; fd >= 0 && *p;) {
		char *end = strchrnul(p, '/'), keep = *end;
		int next;

		*end = '\0';
		next = openat(fd, p, ON_THE_WAY);
		*end = keep;
		close(fd);
		fd = next;
		p = keep ? end + 1 : end;
	}
	return fd;
}

/* The end of the piece that begins at p: a slash or the end of the string, at most PIECE bytes further. */
static char *piece_end(char *p)
{
	char *end = p + strnlen(p, PIECE);

	if (*end == '\0' || *end == '/')
		return end;
	while (end > p && *end != '/')
		end--;
	return end;
}

/* The directory for looking up names in; path is changed and put back. */
static int open_way(int root_fd, char *path)
{
	int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);

	for (char *p = path; fd >= 0 && *p;) {
		char *end = piece_end(p), keep = *end;
		int next;

		if (end == p) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		*end = '\0';
		next = open_piece(fd, p);
		if (next < 0 && unavailable())
			next = open_by_name(fd, p);
		*end = keep;
		close(fd);
		fd = next;
		p = keep ? end + 1 : end;
	}
	return fd;
}

int verify_tree_open(int root_fd, const char *path, bool noatime)
{
	const char *name;
	AUTO_FREE char *dir = NULL;
	AUTO_CLOSE int fd = -1;

	if (!*path)
		return verify_open(root_fd, ".", AT_THE_END, noatime);
	dir = path_split(path, &name);
	if (strlen(name) > NAME_BYTES) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open_way(root_fd, dir);
	return fd < 0 ? -1 : verify_open(fd, name, AT_THE_END, noatime);
}

bool verify_names_open(struct verify_names *n, int fd)
{
	*n = (struct verify_names){.dir = fdopendir(fd)};
	if (n->dir)
		return true;
	cleanup_close(&fd);
	return false;
}

void verify_names_close(struct verify_names *n)
{
	if (n->dir)
		closedir(n->dir);
	*n = (struct verify_names){};
}

void verify_names_rewind(struct verify_names *n)
{
	rewinddir(n->dir);
	n->end = false;
}

int verify_names_next(struct verify_names *n, struct dirent **out)
{
	while (!n->end) {
		struct dirent *e;

		errno = 0;
		e = readdir(n->dir);
		if (!e) {
			n->end = true;
			return errno ? -1 : 0;
		}
		/* A slash could only come from a damaged or malicious file system. */
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") || strchr(e->d_name, '/') || !*e->d_name)
			continue;
		*out = e;
		return 1;
	}
	return 0;
}

int verify_name_by_ino(const void *a, const void *b)
{
	const struct verify_name *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}
