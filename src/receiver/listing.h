/*
 * Our own listing of one slice of a directory, which the mover's is compared with.
 *
 * Ownership: a listing is the caller's, who frees it with listing_free(). Errors: LISTING_ERROR with errno. What could
 * not be read of one entry marks it as unsure.
 */
#pragma once

#include "base/buf.h"
#include "receiver/place.h"
#include "wire/digest.h"

#define LISTING_KEEP_BYTES (32u << 20) /* packed listings kept between DIR and LIST, of all open directories */
#define LISTING_KEEP_ONE (16u << 20) /* ... of one */

struct session;

/* UNSURE: it could not be read, or what it looks like is not to be believed: it equals nothing. */
enum own_flag { OWN_LINKED = 1 << 0, OWN_SEEN = 1 << 1, OWN_UNSURE = 1 << 2 };
struct own { /* one entry of our own listing */
	uint64_t hash, ino;
	uint32_t name, meta, meta_len; /* in the arena; meta_len 0: not kept */
	uint8_t type; /* META_* */
	uint8_t flags;
};
struct listing {
	struct buf arena;
	struct own *e;
	size_t n, cap;
	uint32_t *table; /* index + 1 into e, open addressing, made by listing_index() */
	size_t mask;
	bool incomplete; /* rules have kept entries out of it */
};
static inline const char *own_name(const struct listing *l, const struct own *o)
{
	return (const char *)l->arena.data + o->name;
}

struct slice { /* of a directory: wire/msg.h */
	uint32_t number, of, buckets;
};

enum listing_result { LISTING_OK, LISTING_SPLIT, LISTING_ERROR };
/* Names and types of the slice; *out is set with LISTING_OK only. Split: out_slices says into how many. */
enum listing_result listing_names(
	struct session *s, struct place *at, const struct slice *slice, struct listing **out, uint32_t *out_slices);
/* Reads every entry; sums[buckets] are the low halves. Packed metadata stay in the arena while the budget lasts. The
 * current directory must be at. */
void listing_sum(struct session *s, struct place *at, uint32_t buckets, struct listing *l, uint64_t *sums,
	struct digest *out_total);
/* Before the first listing_find(). */
void listing_index(struct listing *l);
struct own *listing_find(const struct listing *l, uint64_t hash, const char *name);
void listing_free(struct listing *l);
