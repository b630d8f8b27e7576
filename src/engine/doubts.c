#include "engine/doubts.h"
#include "engine/recheck.h"

#define NAMES_MAX (1u << 20) /* bytes of them in one directory */

static int compare_dirs(const struct doubted *a, const char *dir, size_t n)
{
	int c = memcmp(a->path, dir, MIN(a->dir, n));

	return c ? c : (a->dir > n) - (a->dir < n);
}

static const char *name_of(const struct doubted *d)
{
	return d->path + d->dir + (d->dir > 0);
}

static int by_place(const void *a, const void *b)
{
	const struct doubted *p = a, *q = b;
	int c = compare_dirs(p, q->path, q->dir);

	return c ? c : strcmp(name_of(p), name_of(q));
}

void doubts_take(struct doubts *d, const struct recheck *r, bool deep)
{
	size_t kept = 0;

	d->list = xcalloc(r->n + 1, sizeof(*d->list));
	for (size_t i = 0; i < r->n; i++) {
		const struct recheck_path *p = &r->paths[i];
		const char *slash = strrchr(p->path, '/');

		d->all = d->all || (!*p->path && p->recurse);
		if (*p->path && p->content && (p->deep || !deep))
			d->list[d->n++] = (struct doubted){xstrdup(p->path), slash ? (size_t)(slash - p->path) : 0};
	}
	qsort(d->list, d->n, sizeof(*d->list), by_place);
	for (size_t i = 0; i < d->n; i++) {
		if (kept && by_place(&d->list[kept - 1], &d->list[i]) == 0)
			free(d->list[i].path);
		else
			d->list[kept++] = d->list[i];
	}
	d->n = kept;
}

/* The first that is not before this directory, or this name in it. */
static size_t first_at(const struct doubts *d, const char *dir, size_t n, const char *name)
{
	size_t from = 0, to = d->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = compare_dirs(&d->list[mid], dir, n);

		if (c < 0 || (c == 0 && strcmp(name_of(&d->list[mid]), name) < 0))
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

bool doubts_in(const struct doubts *d, const char *dir, struct buf *out)
{
	const size_t n = strlen(dir), start = out->len;

	for (size_t i = first_at(d, dir, n, ""); i < d->n && compare_dirs(&d->list[i], dir, n) == 0; i++) {
		const char *name = name_of(&d->list[i]);

		buf_append(out, name, strlen(name) + 1);
		if (out->len - start > NAMES_MAX) {
			out->len = start;
			return false;
		}
	}
	return true;
}

bool doubts_has(const struct doubts *d, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = slash ? (size_t)(slash - path) : 0, i = first_at(d, path, n, name);

	return i < d->n && compare_dirs(&d->list[i], path, n) == 0 && str_eq(name_of(&d->list[i]), name);
}

void doubts_release(struct doubts *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->list[i].path);
	free(d->list);
	*d = (struct doubts){};
}
