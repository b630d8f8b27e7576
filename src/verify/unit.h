/* Private to the room verify: a unit of work. Its life: see slices.c. */
#pragma once

#include "base/nameset.h"
#include "verify/table.h"
#include "verify/tree.h"

struct request;
struct verifier;

enum unit_state {
	UNIT_WAITING, /* its next listing is not asked for yet */
	UNIT_LISTING, /* asked for */
	UNIT_WALKING, /* the listing is there; the source is being walked */
	UNIT_HASHING, /* only contents are outstanding */
};

/* A slice that was too large is divided by `count`: its parts are base + index * stride of stride * count slices. */
struct slice_level {
	uint32_t base, stride, index, count;
};
#define SLICE_LEVELS 9

struct unit {
	struct unit *next;
	uint32_t id, mount;
	enum unit_state state;
	char *src, *dst; /* of the directory that is walked */
	char *only, *only_dst; /* one entry of it instead of all (single paths) */
	bool own, entries; /* what of the directory is compared */
	bool recurse; /* single paths: a directory's entries too */
	bool source_missing; /* the directory, or that which should hold the single path: there are only extras */
	struct nameset doubts; /* files that are compared by their contents in quick mode too */
	bool incomplete; /* the source's listing failed: nothing is called extra */
	struct slice_level levels[SLICE_LEVELS];
	unsigned level; /* of the present slice */
	int fd; /* the source's directory, -1: not open; belongs to `names` once that is open */
	uint64_t dev, ino; /* what it is */
	uint64_t target_ino; /* of the target's, once its own metadata have been compared; 0: not known */
	struct verify_names names;
	struct table table;
	struct buf chunk, text; /* struct verify_name, their text */
	size_t chunk_at;
	struct request *batch; /* being filled */
	uint64_t batch_bytes;
	size_t pending;
};

struct unit *verify_unit_new(struct verifier *v, uint32_t id, uint32_t mount, const char *src, const char *dst);
void verify_unit_free(struct verifier *v, struct unit *u);
/* Closes the source's directory. */
void verify_unit_close(struct unit *u);
/* Drops the names that were read. */
void verify_unit_forget_chunk(struct unit *u);
/* Done when nothing is outstanding any more. */
void verify_unit_check_done(struct verifier *v, struct unit *u);
static inline uint32_t unit_slice(const struct unit *u)
{
	const struct slice_level *l = &u->levels[u->level];

	return l->base + l->index * l->stride;
}
