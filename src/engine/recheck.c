#include "engine/recheck.h"
#include "base/pack.h"
#include "engine/engine.h"

/*
 * What differed in the last verify, kept for --recheck: a record is the kind as one digit, the path relative to the
 * source root ("." is the root), and NUL.
 */

#define FIRST_KIND '0'

/* Of kind changed, the field says what it would have been. */
static enum difference_kind true_kind(const struct difference *d)
{
	static const struct {
		const char *field;
		enum difference_kind kind;
	} fields[] = {
		{"missing", DIFFERENCE_MISSING},
		{"extra", DIFFERENCE_EXTRA},
		{"type", DIFFERENCE_TYPE},
		{"hardlink", DIFFERENCE_HARDLINK},
	};

	for (size_t i = 0; d->kind == DIFFERENCE_CHANGED && d->field_count && i < ARRAY_LEN(fields); i++)
		if (str_eq(d->fields[0], fields[i].field))
			return fields[i].kind;
	return d->kind;
}

void recheck_note(struct buf *out, const struct difference *d)
{
	buf_append_u8(out, (uint8_t)(FIRST_KIND + true_kind(d)));
	buf_append(out, d->path, strlen(d->path) + 1);
}

void recheck_want(struct recheck *r, const char *path, bool recurse)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->paths = xrealloc(r->paths, r->cap * sizeof(*r->paths));
	}
	r->paths[r->n++] = (struct recheck_path){xstrdup(path), recurse};
}

bool recheck_parse(struct recheck *r, const char *data, size_t len)
{
	for (size_t pos = 0; pos < len;) {
		const char *path = data + pos + 1;
		const char *end = memchr(data + pos, '\0', len - pos);
		unsigned kind = (unsigned)(unsigned char)data[pos] - FIRST_KIND;

		if (!end || end <= path || kind >= DIFFERENCE_KINDS)
			return false;
		if (str_eq(path, "."))
			path = end;
		if (!path_valid((const uint8_t *)path, strlen(path)))
			return false;
		/* Of these only the directory itself was named: nothing is known of what it holds. */
		recheck_want(
			r, path, kind == DIFFERENCE_MISSING || kind == DIFFERENCE_EXTRA || kind == DIFFERENCE_TYPE);
		r->links = r->links || kind == DIFFERENCE_HARDLINK;
		pos = (size_t)(end - data) + 1;
	}
	return true;
}

/* What lies beneath a path comes right behind it. */
static int by_path(const void *a, const void *b)
{
	const struct recheck_path *p = a, *q = b;
	const unsigned char *s = (const unsigned char *)p->path, *t = (const unsigned char *)q->path;

	while (*s && *s == *t) {
		s++;
		t++;
	}
	if (*s == *t)
		return q->recurse - p->recurse;
	if (!*s || !*t)
		return *s ? 1 : -1;
	if (*s == '/' || *t == '/')
		return *s == '/' ? -1 : 1;
	return *s < *t ? -1 : 1;
}

static bool is_beneath(const char *base, const char *path)
{
	size_t n = strlen(base);

	return !n || (strncmp(path, base, n) == 0 && path[n] == '/');
}

void recheck_reduce(struct recheck *r)
{
	size_t kept = 0;
	const char *whole = NULL; /* the last path kept with all that lies beneath it */

	if (r->n)
		qsort(r->paths, r->n, sizeof(*r->paths), by_path);
	for (size_t i = 0; i < r->n; i++) {
		struct recheck_path p = r->paths[i];

		if ((whole && is_beneath(whole, p.path)) || (kept && str_eq(r->paths[kept - 1].path, p.path))) {
			free(p.path);
			continue;
		}
		if (p.recurse)
			whole = p.path;
		r->paths[kept++] = p;
	}
	r->n = kept;
}

void recheck_release(struct recheck *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->paths[i].path);
	free(r->paths);
	*r = (struct recheck){};
}
