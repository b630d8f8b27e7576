/*
 * Digests of directory listings: a commutative, keyed sum of entry hashes, so that neither side sorts.
 *
 * The hash of an entry covers its name and its packed metadata; of a subdirectory only name and type (its own metadata
 * are compared when it is visited); of a name with several links only name and a mark (the bijection of hard links
 * decides about those). A sum of keyed 128-bit hashes cannot be steered by whoever names files without the key.
 */
#pragma once

#include "base/buf.h"
#include "base/secret.h"

struct digest {
	uint64_t lo, hi; /* sum modulo 2^128 */
	uint64_t count;
};

struct digest_key {
	uint8_t secret[SECRET_BYTES]; /* expanded from the session's seed */
	uint64_t name_seed;
};

void digest_key_init(struct digest_key *k, const uint8_t seed[16]);

/* 64 bits of the name: the upper half chooses the slice, the lower half the bucket. */
uint64_t digest_name(const struct digest_key *k, const void *name, size_t n);
static inline uint32_t digest_slice(uint64_t name_hash, uint32_t slices)
{
	return (uint32_t)(name_hash >> 32) % slices;
}
static inline uint32_t digest_bucket(uint64_t name_hash, uint32_t buckets)
{
	return (uint32_t)name_hash % buckets;
}

enum digest_kind { DIGEST_PLAIN, DIGEST_LINKED, DIGEST_DIR };

/* Hash of one entry; packed metadata is ignored unless DIGEST_PLAIN. A linked entry's hash holds its name only. */
struct digest digest_entry(const struct digest_key *k, enum digest_kind kind, const void *name, size_t n,
	const void *packed, size_t packed_len);
static inline void digest_add(struct digest *sum, const struct digest *e)
{
	sum->hi += e->hi + __builtin_add_overflow(sum->lo, e->lo, &sum->lo);
	sum->count += e->count;
}
static inline bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->lo == b->lo && a->hi == b->hi && a->count == b->count;
}
