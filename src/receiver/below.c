/*
 * The file systems mounted beneath the target root: what a receiver that was lost can have written to. Their table is
 * opened while that is still allowed, and read when it is needed.
 */
#include "base/buf.h"
#include "base/fd.h"
#include "receiver/below.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLE_BYTES_MAX ((size_t)4 << 20)
#define STEP_BYTES 4096

void below_open(struct below *b, int root_fd)
{
	char self[64], path[4096];
	ssize_t n;

	*b = (struct below){.fd = -1};
	snprintf(self, sizeof(self), "/proc/self/fd/%d", root_fd);
	n = readlink(self, path, sizeof(path));
	if (n <= 0 || (size_t)n >= sizeof(path))
		return;
	b->root = xmemdup(path, n == 1 ? 0 : (size_t)n); /* "/": "" */
	b->fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
}

void below_close(struct below *b)
{
	if (b->fd >= 0)
		close(b->fd);
	free(STEAL(b->root));
	b->fd = -1;
}

static bool read_table(int fd, struct buf *out)
{
	ssize_t n;

	while (out->len < TABLE_BYTES_MAX) {
		n = pread(fd, buf_reserve(out, STEP_BYTES), STEP_BYTES, (off_t)out->len);
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
	}
	return false;
}

static bool is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

/* The fifth word of a line, in place; NULL when it has none. */
static char *mount_point(char *line)
{
	char *to, *out;

	for (int i = 0; i < 4 && line; i++) {
		line = strchr(line, ' ');
		line += line != NULL;
	}
	if (!line)
		return NULL;
	for (to = out = line; *line && *line != ' '; line++) {
		if (*line == '\\' && is_octal(line + 1)) {
			*to++ = (char)((line[1] - '0') << 6 | (line[2] - '0') << 3 | (line[3] - '0'));
			line += 3;
		} else {
			*to++ = *line;
		}
	}
	*to = '\0';
	return out;
}

bool below_each(const struct below *b, below_fn fn, void *arg)
{
	AUTO_BUF table = BUF_INIT;
	size_t n;

	if (!b || b->fd < 0 || !read_table(b->fd, &table))
		return false;
	n = strlen(b->root);
	for (char *line = buf_cstr(&table), *next; *line; line = next) {
		char type[32] = "";
		const char *path, *words;
		unsigned major = 0;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		words = strstr(line, " - ");
		if (!words || sscanf(words, " - %31s", type) != 1 || sscanf(line, "%*s %*s %u:", &major) != 1)
			continue;
		path = mount_point(line);
		/* To open one that comes by itself would mount something. */
		if (str_eq(type, "autofs") || !path || strncmp(path, b->root, n) != 0 || path[n] != '/' || !path[n + 1])
			continue;
		fn(arg, path + n + 1, type, major > 0);
	}
	return true;
}

struct syncing {
	int root_fd;
	int *err;
};

static void sync_one(void *arg, const char *path, const char *type, bool device)
{
	struct syncing *s = arg;
	AUTO_CLOSE int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	(void)type;
	(void)device;
	if (fd >= 0 && syncfs(fd) < 0)
		*s->err = errno;
}

bool below_sync(const struct below *b, int root_fd, int *err)
{
	if (!b || b->fd < 0)
		return false;
	if (syncfs(root_fd) < 0)
		*err = errno;
	return below_each(b, sync_one, &(struct syncing){root_fd, err});
}
