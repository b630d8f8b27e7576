/*
 * Batches: PUT frames of small entries, one being filled at a time (mover->batch), the others waiting for their answer.
 *
 * Ownership: a batch has a slot (SLOT_BATCH) from its beginning to its answer, and is counted in its directory.
 */
#pragma once

#include "base/buf.h"

struct dir;
struct link_wait;
struct mover;

struct batch_rec {
	uint32_t name; /* offset into names */
	uint8_t type;
	uint8_t op; /* OP_* */
	uint32_t why;
	uint64_t size;
	struct link_wait *link; /* first name of a linked inode, or NULL */
};

struct batch {
	uint32_t id;
	struct dir *dir;
	struct buf payload, names;
	struct batch_rec *recs;
	uint32_t len, cap;
	bool has_dir; /* which others can begin once it is made: not to be held up by a large file */
};

/* The batch that is being filled, of this directory. May flush another's. */
struct batch *batch_open(struct mover *m, struct dir *d);
struct batch_rec *batch_add(struct batch *b, const char *name);
/* Sends the batch that is being filled, if there is one. An empty one is freed, as by batch_free(). */
void batch_flush(struct mover *m);
/* Frees b, and its directory if that has waited for nothing else (DIR_STATE_ENDED). */
void batch_free(struct mover *m, struct batch *b);
