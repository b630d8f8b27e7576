#include "facts/tree.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LINKS_MAX 40
#define LIST_MAX 65536 /* names of one directory */

bool tree_open(struct tree *t, const char *root)
{
	struct stat own, given;

	*t = (struct tree){.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)};
	if (t->root < 0)
		return false;
	t->live = fstat(t->root, &given) == 0 && stat("/", &own) == 0 && given.st_dev == own.st_dev &&
		given.st_ino == own.st_ino;
	return true;
}

void tree_close(struct tree *t)
{
	if (t->root >= 0)
		close(t->root);
	t->root = -1;
}

/* ---- resolving: each component by itself, links read by us, ".." never above the root ---- */

struct resolving {
	const struct tree *t;
	char *left; /* what is still to be gone */
	struct buf at; /* where we are: "a/b", "" is the root */
	unsigned links;
};

static const char *where(struct resolving *r)
{
	return r->at.len ? buf_cstr(&r->at) : ".";
}

static void up(struct resolving *r)
{
	const char *slash = r->at.len ? strrchr(buf_cstr(&r->at), '/') : NULL;

	r->at.len = slash ? (size_t)(slash - buf_cstr(&r->at)) : 0;
}

/* The link that stands at where() is taken for what it says. */
static bool take_link(struct resolving *r, const char *rest)
{
	char to[4096];
	ssize_t n = readlinkat(r->t->root, where(r), to, sizeof(to) - 1);
	char *next;

	if (n < 0)
		return false;
	if (++r->links > LINKS_MAX) {
		errno = ELOOP;
		return false;
	}
	to[n] = '\0';
	next = path_join(to, rest);
	if (to[0] == '/')
		r->at.len = 0;
	else
		up(r);
	free(r->left);
	r->left = next;
	return true;
}

/* One component further. follow_last: also when it is the last. */
static bool go(struct resolving *r, bool follow_last)
{
	size_t skip = strspn(r->left, "/"), n = strcspn(r->left + skip, "/");
	AUTO_FREE char *name = xmemdup(r->left + skip, n);
	AUTO_FREE char *rest = xstrdup(r->left + skip + n);
	struct stat st;

	if (str_eq(name, "..")) {
		up(r);
	} else if (*name && !str_eq(name, ".")) {
		if (r->at.len)
			buf_append_u8(&r->at, '/');
		buf_append_str(&r->at, name);
		if (fstatat(r->t->root, where(r), &st, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
		if (S_ISLNK(st.st_mode) && (follow_last || rest[strspn(rest, "/")]))
			return take_link(r, rest + strspn(rest, "/"));
	}
	free(r->left);
	r->left = STEAL(rest);
	return true;
}

/* The same path without links, relative to the root; NULL with errno. To be freed. */
static char *resolve(const struct tree *t, const char *path, bool follow_last)
{
	struct resolving r = {.t = t, .left = xstrdup(path), .at = BUF_INIT};
	char *out = NULL;
	bool ok = true;

	while (ok && r.left[strspn(r.left, "/")])
		ok = go(&r, follow_last);
	if (ok)
		out = xstrdup(where(&r));
	free(r.left);
	buf_release(&r.at);
	return out;
}

/* The kernel's links below /proc and /sys lead nowhere else on the host itself. */
static char *place(const struct tree *t, const char *path, bool follow_last)
{
	path += strspn(path, "/");
	return t->live ? xstrdup(*path ? path : ".") : resolve(t, path, follow_last);
}

int tree_fd(const struct tree *t, const char *path, int flags)
{
	AUTO_FREE char *at = place(t, path, true);

	return at ? openat(t->root, at, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
}

bool tree_stat(const struct tree *t, const char *path, struct stat *st)
{
	AUTO_FREE char *at = place(t, path, true);

	return at && fstatat(t->root, at, st, 0) == 0;
}

bool tree_exists(const struct tree *t, const char *path)
{
	struct stat st;

	return tree_stat(t, path, &st);
}

char *tree_read(const struct tree *t, const char *path, size_t max)
{
	AUTO_CLOSE int fd = tree_fd(t, path, O_RDONLY);
	AUTO_BUF b = BUF_INIT;
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	while (b.len < max &&
		(n = read(fd, buf_reserve(&b, MIN(max - b.len, (size_t)65536)), MIN(max - b.len, (size_t)65536))) > 0)
		b.len += (size_t)n;
	return n < 0 ? NULL : buf_detach(&b);
}

char *tree_line(const struct tree *t, const char *path)
{
	char *text = tree_read(t, path, 65536);
	size_t n = text ? strcspn(text, "\n") : 0;

	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\r'))
		n--;
	if (text)
		text[n] = '\0';
	if (!n)
		free(STEAL(text));
	return text;
}

bool tree_number(const struct tree *t, const char *path, uint64_t *out)
{
	AUTO_FREE char *line = tree_line(t, path);
	char *end;

	if (!line)
		return false;
	errno = 0;
	*out = strtoull(line, &end, 0);
	return !errno && end != line && !*end;
}

char *tree_link(const struct tree *t, const char *path)
{
	AUTO_FREE char *at = place(t, path, false);
	char to[4096];
	ssize_t n = at ? readlinkat(t->root, at, to, sizeof(to)) : -1;

	return n < 0 ? NULL : xmemdup(to, (size_t)n);
}

/* ---- directories ---- */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool tree_list(const struct tree *t, const char *path, struct tree_names *out)
{
	int fd = tree_fd(t, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	*out = (struct tree_names){0};
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (out->count < LIST_MAX && (e = readdir(dir))) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (!(out->count & (out->count + 1)) || !out->names)
			out->names = xrealloc(out->names, (out->count * 2 + 8) * sizeof(*out->names));
		out->names[out->count++] = xstrdup(e->d_name);
	}
	closedir(dir);
	if (out->count)
		qsort(out->names, out->count, sizeof(*out->names), by_bytes);
	return true;
}

void tree_names_release(struct tree_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->names[i]);
	free(n->names);
	*n = (struct tree_names){0};
}
