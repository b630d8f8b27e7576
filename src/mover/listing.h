/*
 * A listing: the entries of one slice of a directory, with their packed metadata.
 *
 * Ownership: struct listing is storage of the caller's; listing_release() empties it. Its bytes are counted in
 * mover->listing_bytes. Nothing here fails.
 */
#pragma once

#include "base/buf.h"

struct meta;
struct mover;

struct listed {
	uint32_t name, meta; /* offsets into the arena */
	uint32_t meta_len;
	uint16_t name_len;
	uint8_t type;
	bool linked;
	bool doubt; /* its contents are compared, whatever size and time say */
	bool needs; /* content or link work follows: its bytes are counted when that is done */
	uint32_t bucket;
	uint64_t hash; /* digest_name() */
	uint64_t size, dev, ino, nlink;
	int32_t mount; /* a mount point: index of the mount that is mounted here; -1 */
};

struct listing {
	struct buf arena;
	struct listed *entries;
	uint32_t len, cap;
	uint32_t *table, slots; /* index + 1 of the entry, by its hash; open addressing, at most half full */
	size_t charged; /* bytes counted in mover->listing_bytes */
};

/* The name is there already: a file that is replaced while its directory is read can be listed twice. */
bool listing_has(const struct listing *l, uint64_t hash, const char *name, size_t len);
/* One that is not there yet. */
struct listed *listing_add(
	struct mover *m, struct listing *l, uint64_t hash, const char *name, size_t len, const struct meta *meta);
void listing_release(struct mover *m, struct listing *l);
static inline const char *listed_name(const struct listing *l, const struct listed *e)
{
	return (const char *)l->arena.data + e->name;
}
