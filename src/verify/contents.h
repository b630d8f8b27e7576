/* Private to the room verify: the contents of files. */
#pragma once

#include "verify/compare.h"
#include "verify/private.h"
#include "verify/requests.h"
#include "verify/unit.h"

/* A file whose contents are being compared. */
struct pending {
	struct pending *next; /* in the queue of local hashing */
	struct unit *unit;
	char *name;
	uint64_t size, target_ino;
	enum verify_when when;
	struct findings *found; /* of the rest, kept for one report; or NULL */
	bool local_done, remote_done;
	bool vanished, disturbed;
	uint32_t local_err;
	uint64_t local_crc, local_size;
	struct verify_hashed remote;
};

void verify_contents_add(struct verifier *v, struct unit *u, const char *name, const struct verify_node *s,
	const struct verify_node *t, enum verify_when when, struct findings *found);
void verify_contents_send(struct verifier *v, struct unit *u);
void verify_contents_step(struct verifier *v);
void verify_contents_release(struct verifier *v);
/* An answer: checked as a whole, then compared. */
bool verify_contents_hashed(struct verifier *v, struct request *q, const struct frame *f);
