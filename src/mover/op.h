/*
 * Single requests and their answers: META, LINK, DELETE, SYNC.
 *
 * Ownership: a request has a slot (SLOT_OP) until it is answered, and is counted in its directory, if it has one.
 */
#pragma once

#include "base/util.h"

struct dir;
struct frame;
struct link_wait;
struct mover;

struct op { /* what to report when it is answered */
	uint32_t id;
	uint8_t type; /* enum msg_type of the request */
	struct dir *dir;
	char *name;
	uint8_t entry_type;
	uint64_t granted, used;
	bool way, failed; /* DELETE_WAY, and something has stayed */
	uint32_t index; /* ... of which entry that is compared */
	struct link_wait *link;
};

/* d and name may be NULL. */
struct op *op_new(struct mover *m, uint8_t type, struct dir *d, const char *name);
/* Frees op; may free its directory. */
void op_free(struct mover *m, struct op *op);
/* The answer to all but DELETE. Frees op and its link; may free its directory. */
void on_op_done(struct mover *m, struct op *op, const struct frame *f);
