#include "engine/recheck.h"
#include "base/pack.h"
#include "engine/engine.h"

/*
 * A record: the kind as one digit (of a change: what it would have been otherwise), enum recheck_flag as one digit, the path
 * relative to the source root ("." is the root), and NUL.
 */

#define FIRST '0'
#define FLAGS 8u

struct record {
	const char *at; /* with its head, to its NUL */
	size_t len;
	const char *path;
	enum difference_kind kind;
	unsigned flags;
};

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

static void put(struct buf *out, enum difference_kind kind, unsigned flags, const char *path)
{
	buf_append_u8(out, (uint8_t)(FIRST + kind));
	buf_append_u8(out, (uint8_t)(FIRST + flags));
	buf_append(out, path, strlen(path) + 1);
}

void recheck_note(struct buf *out, const struct difference *d, bool deep)
{
	for (size_t i = 0; i < d->field_count; i++)
		deep = deep || str_eq(d->fields[i], "content");
	put(out, true_kind(d), (deep ? RECHECK_DEEP : 0) | (d->kind == DIFFERENCE_CHANGED ? RECHECK_CHANGED : 0),
		d->path);
}

void recheck_note_unread(struct buf *out, const char *path, bool deep)
{
	put(out, DIFFERENCE_CONTENT, RECHECK_UNREAD | (deep ? RECHECK_DEEP : 0), path);
}

/* The record at *pos, which goes on behind it; false where there is none. */
static bool next_record(const char *data, size_t len, size_t *pos, struct record *out)
{
	const char *at = data + *pos, *end = memchr(at, '\0', len - *pos);
	unsigned kind, flags;

	if (!end || end - at < 3)
		return false;
	kind = (unsigned)(unsigned char)at[0] - FIRST;
	flags = (unsigned)(unsigned char)at[1] - FIRST;
	*out = (struct record){at, (size_t)(end - at) + 1, at + 2, (enum difference_kind)kind, flags};
	if (str_eq(out->path, "."))
		out->path = end;
	*pos += out->len;
	return kind < DIFFERENCE_KINDS && flags < FLAGS && path_valid((const uint8_t *)out->path, strlen(out->path));
}

static struct recheck_path *add(struct recheck *r, const char *path, bool recurse)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->paths = xrealloc(r->paths, r->cap * sizeof(*r->paths));
	}
	r->paths[r->n] = (struct recheck_path){.path = xstrdup(path), .recurse = recurse};
	return &r->paths[r->n++];
}

bool recheck_parse(struct recheck *r, const char *data, size_t len)
{
	struct recheck_path *p;
	struct record one;

	for (size_t pos = 0; pos < len;) {
		if (!next_record(data, len, &pos, &one))
			return false;
		/* Of these only the directory itself was named: nothing is known of what it holds. */
		p = add(r, one.path,
			one.kind == DIFFERENCE_MISSING || one.kind == DIFFERENCE_EXTRA || one.kind == DIFFERENCE_TYPE ||
				one.flags & RECHECK_UNREAD);
		p->content = one.kind == DIFFERENCE_CONTENT || one.kind == DIFFERENCE_CHANGED;
		p->deep = one.flags & RECHECK_DEEP;
		r->deep = r->deep || p->deep;
		r->links = r->links || one.kind == DIFFERENCE_HARDLINK;
	}
	return true;
}

void recheck_want(struct recheck *r, const char *path, bool recurse)
{
	add(r, path, recurse);
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

/* ---- what a verify has not looked at is still so ---- */

static bool looked_at(const struct recheck *looked, const char *path)
{
	for (size_t i = 0; i < looked->n; i++)
		if (str_eq(looked->paths[i].path, path) || is_beneath(looked->paths[i].path, path))
			return true;
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void recheck_keep(struct buf *out, const char *old, size_t len, const struct recheck *looked)
{
	const size_t had = out->len;
	AUTO_FREE char *text = xmemdup(out->data, had);
	AUTO_FREE const char **known = xcalloc(had / 3 + 1, sizeof(*known));
	struct record one;
	size_t n = 0;

	for (size_t pos = 0; pos < had; pos += strlen(text + pos) + 1)
		known[n++] = text + pos;
	if (n)
		qsort(known, n, sizeof(*known), by_bytes);
	for (size_t pos = 0; pos < len && next_record(old, len, &pos, &one);)
		if (!looked_at(looked, one.path) && !(n && bsearch(&one.at, known, n, sizeof(*known), by_bytes)))
			buf_append(out, one.at, one.len);
}

void recheck_count(const char *data, size_t len, uint64_t counts[DIFFERENCE_KINDS], uint64_t *out_unread)
{
	struct record one;

	memset(counts, 0, DIFFERENCE_KINDS * sizeof(*counts));
	*out_unread = 0;
	for (size_t pos = 0; pos < len && next_record(data, len, &pos, &one);) {
		if (one.flags & RECHECK_UNREAD)
			(*out_unread)++;
		else
			counts[one.flags & RECHECK_CHANGED ? DIFFERENCE_CHANGED : one.kind]++;
	}
}
