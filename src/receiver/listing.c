/*
 * Our own listing of one slice of a directory: names first, so that a slice too large is noticed before
 * anything is read; then the inodes in the order of their numbers, which is how they lie on the disk.
 */
#include "receiver/dents.h"
#include "receiver/listing.h"
#include "receiver/place.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/suspect.h"
#include "receiver/tmp.h"
#include "receiver/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define GETDENTS_BYTES (64u << 10)
#define SLICE_MAX (4u * WIRE_SLICE_ENTRIES)
/* Only the first slice can ask for more of them; a later one that has grown meanwhile is taken up to this. */
#define SLICE_HARD_MAX (16u * WIRE_SLICE_ENTRIES)

void listing_free(struct listing *l)
{
	if (!l)
		return;
	buf_release(&l->arena);
	free(l->e);
	free(l->table);
	free(l);
}

/* A temporary file of a run that was killed. Those that are being written are younger than this session. */
static bool leftover_removed(struct session *s, struct place *at, const char *name)
{
	struct stat st;

	if (!scope_reserved(at, name) || fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
		return false;
	if (st.st_uid != s->uid || st.st_ctim.tv_sec >= s->started_s || s->dry)
		return true; /* hidden all the same */
	place_modify(s, at);
	entry_unname(s, at->fd, name);
	(void)unlinkat(at->fd, name, 0);
	return true;
}

static void listing_add(struct listing *l, const char *name, size_t n, uint64_t hash, uint64_t ino, uint8_t type)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->e = xrealloc(l->e, l->cap * sizeof(*l->e));
	}
	l->e[l->n++] = (struct own){.hash = hash, .ino = ino, .name = (uint32_t)l->arena.len, .type = type};
	buf_append(&l->arena, name, n + 1);
}

/* One entry of getdents: into the listing, or left out. Counts what belongs to the slice. */
static void take_name(struct session *s, struct place *at, const struct slice *slice, struct listing *l,
	const struct dent *e, uint64_t *count)
{
	const char *name = e->name;
	uint8_t type = type_of_dtype(e->type);
	size_t n = strlen(name);
	uint64_t hash;
	struct stat st;

	if (!path_name_valid((const uint8_t *)name, n))
		return; /* "." and ".." */
	hash = digest_name(&s->digest, name, n);
	if (slice->of > 1 && digest_slice(hash, slice->of) != slice->number)
		return;
	if (type == META_NONE && fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		type = type_of_mode(st.st_mode);
	if (leftover_removed(s, at, name) || scope_foreign(s, at, name))
		return;
	if (scope_invisible(s, at, name, type == META_DIR)) {
		l->incomplete = true;
		return;
	}
	if (++*count <= (slice->number ? SLICE_HARD_MAX : SLICE_MAX))
		listing_add(l, name, n, hash, e->ino, type);
}

enum listing_result listing_names(
	struct session *s, struct place *at, const struct slice *slice, struct listing **out, uint32_t *out_slices)
{
	AUTO_FREE char *raw = xmalloc(GETDENTS_BYTES);
	struct listing *l = xcalloc(1, sizeof(*l));
	uint64_t count = 0, slices;

	if (lseek(at->fd, 0, SEEK_SET) < 0)
		goto failed;
	for (;;) {
		ssize_t n = dents_read(at->fd, raw, GETDENTS_BYTES);
		if (n < 0)
			goto failed;
		if (n == 0)
			break;
		for (ssize_t pos = 0; pos < n;) {
			const struct dent *e = (const void *)(raw + pos);
			take_name(s, at, slice, l, e, &count);
			pos += e->reclen;
		}
		pace_rest(&s->pace);
	}
	if (count > SLICE_HARD_MAX && slice->number) {
		errno = EOVERFLOW;
		goto failed;
	}
	if (count > SLICE_MAX && !slice->number) {
		listing_free(l);
		slices = (uint64_t)slice->of * (count / WIRE_SLICE_ENTRIES + 1);
		*out_slices = (uint32_t)MIN(slices, (uint64_t)UINT32_MAX);
		return LISTING_SPLIT;
	}
	*out = l;
	return LISTING_OK;
failed:
	listing_free(l);
	return LISTING_ERROR;
}

static int by_ino(const void *a, const void *b)
{
	const struct own *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* Reads one entry and leaves its encoding at the end of the arena. False: it is gone. */
static bool read_entry(struct session *s, struct place *at, struct listing *l, struct own *o, struct meta *m)
{
	o->meta = (uint32_t)l->arena.len;
	o->meta_len = 0;
	if (o->type == META_DIR)
		return true;
	if (meta_read(at->fd, own_name(l, o), dtype_of_type(o->type), s->fields, m, NULL) < 0) {
		if (errno == ENOENT)
			return false;
		o->flags |= OWN_UNSURE;
		return true;
	}
	o->type = m->type;
	if (m->type == META_DIR)
		return true;
	if (m->nlink > 1)
		o->flags |= OWN_LINKED;
	if (suspect_matches(s, m)) {
		o->flags |= OWN_UNSURE;
		return true;
	}
	meta_pack(&l->arena, m, s->fields);
	o->meta_len = (uint32_t)(l->arena.len - o->meta);
	return true;
}

void listing_sum(struct session *s, struct place *at, uint32_t buckets, struct listing *l, uint64_t *sums,
	struct digest *out_total)
{
	struct meta m = META_INIT;
	size_t kept = 0;

	*out_total = (struct digest){};
	if (l->n)
		qsort(l->e, l->n, sizeof(*l->e), by_ino);
	for (size_t i = 0; i < l->n; i++) {
		struct own *o = &l->e[i];
		enum digest_kind kind;
		struct digest h;

		if (!read_entry(s, at, l, o, &m))
			continue;
		kind = o->type == META_DIR ? DIGEST_DIR : o->flags & OWN_LINKED ? DIGEST_LINKED : DIGEST_PLAIN;
		/* What is unsure has no encoding, and so equals nothing the mover can have. */
		h = digest_entry(
			&s->digest, kind, own_name(l, o), strlen(own_name(l, o)), l->arena.data + o->meta, o->meta_len);
		digest_add(out_total, &h);
		sums[digest_bucket(o->hash, buckets)] += h.lo;
		if (l->arena.len > LISTING_KEEP_ONE || s->kept_bytes + l->arena.len > LISTING_KEEP_BYTES) {
			l->arena.len = o->meta; /* read again when it is compared */
			o->meta_len = 0;
		}
		l->e[kept++] = *o;
	}
	l->n = kept;
	meta_release(&m);
}

void listing_index(struct listing *l)
{
	size_t size = 64;

	if (l->table)
		return;
	while (size < l->n * 2)
		size *= 2;
	l->mask = size - 1;
	l->table = xcalloc(size, sizeof(*l->table));
	for (size_t i = 0; i < l->n; i++) {
		size_t k = (size_t)(l->e[i].hash >> 16) & l->mask;
		for (; l->table[k]; k = (k + 1) & l->mask) {
			const struct own *o = &l->e[l->table[k] - 1];
			/* Listed twice: the target lives, too. The first stands for both. */
			if (o->hash == l->e[i].hash && str_eq(own_name(l, o), own_name(l, &l->e[i])))
				l->e[i].flags |= OWN_SEEN;
		}
		l->table[k] = (uint32_t)i + 1;
	}
}

struct own *listing_find(const struct listing *l, uint64_t hash, const char *name)
{
	for (size_t k = (size_t)(hash >> 16) & l->mask; l->table[k]; k = (k + 1) & l->mask) {
		struct own *o = &l->e[l->table[k] - 1];
		if (o->hash == hash && str_eq(own_name(l, o), name))
			return o;
	}
	return NULL;
}
