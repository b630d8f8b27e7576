#include "receiver/way.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel has it */
#define ON_THE_WAY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct way {
	int fd; /* as far as it has been gone */
	const char *path; /* as it was given */
	char *rest; /* of it; owned */
	unsigned links;
	bool create, made;
};

static void arrive(struct way *w, int fd)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
}

/* The login may have become root by sudo. */
static bool is_trusted(uid_t owner)
{
	const char *login = getenv("SUDO_UID");
	uint64_t uid;

	return owner == 0 || owner == geteuid() ||
		(geteuid() == 0 && login && text_parse_u64(login, UINT32_MAX, &uid) && owner == uid);
}

static bool follow(struct way *w, const char *name, const struct stat *st, struct diag *d)
{
	char to[4096];
	ssize_t n = readlinkat(w->fd, name, to, sizeof(to));
	char *rest;

	if (n <= 0 || (size_t)n == sizeof(to) || ++w->links > LINKS_MAX) {
		errno = n < 0 ? errno : ELOOP;
		return false;
	}
	if (!is_trusted(st->st_uid)) {
		AUTO_FREE char *shown = text_escaped(name);
		AUTO_BUF where = BUF_INIT;

		text_escape(&where, to, (size_t)n);
		diag_set(d, DIAG_RECEIVER_ROOT_LINK, 0, NULL,
			"on the way to the target root '%s' is a symbolic link of user %lu that leads to '%s'", shown,
			(unsigned long)st->st_uid, buf_cstr(&where));
		return false;
	}
	rest = xasprintf("%.*s/%s", (int)n, to, w->rest);
	free(w->rest);
	w->rest = rest;
	if (*to == '/')
		arrive(w, open("/", ON_THE_WAY));
	return w->fd >= 0;
}

static bool make(struct way *w, const char *name, struct diag *d)
{
	if (w->create && w->rest[strspn(w->rest, "/")])
		diag_set(d, DIAG_RECEIVER_ROOT, errno, w->path,
			"cannot make the target root '%.300s', its parent directory is missing", w->path);
	if (!w->create || diag_is_set(d))
		return false;
	w->made = mkdirat(w->fd, name, 0700) == 0;
	return w->made || errno == EEXIST;
}

/* One name further. */
static bool step(struct way *w, const char *name, struct diag *d)
{
	struct stat st;
	int next;

	if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return follow(w, name, &st, d);
	/* It may be mounted by being opened. */
	next = openat(w->fd, name, ON_THE_WAY);
	if (next < 0 && errno == ENOENT && make(w, name, d))
		next = openat(w->fd, name, ON_THE_WAY);
	if (next >= 0)
		arrive(w, next);
	return next >= 0;
}

int way_open(const char *path, bool create, bool *out_made, struct diag *d)
{
	struct way w = {.fd = open(*path == '/' ? "/" : ".", ON_THE_WAY),
		.path = path,
		.rest = xstrdup(path),
		.create = create};
	int fd = -1, err;
	bool ok = w.fd >= 0;

	while (ok) {
		size_t from = strspn(w.rest, "/"), n = strcspn(w.rest + from, "/");
		AUTO_FREE char *name = xmemdup(w.rest + from, n);

		if (!n) {
			fd = openat(w.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			break;
		}
		memmove(w.rest, w.rest + from + n, strlen(w.rest + from + n) + 1);
		ok = step(&w, name, d);
	}
	err = errno;
	arrive(&w, -1);
	free(w.rest);
	*out_made = w.made;
	errno = err;
	return fd;
}
