/* Private to the room verify: what the prover has been asked, in order: answers come in the same. */
#pragma once

#include "verify/proto.h"

struct pending;
struct unit;
struct verifier;

struct request {
	struct request *next;
	uint32_t id;
	bool hash; /* V_HASH; else V_LIST */
	struct unit *unit;
	size_t count;
	struct pending *files[VERIFY_HASH_FILES];
};

/* Gives it an id; q is the queue's until it is taken. */
void verify_request_add(struct verifier *v, struct request *q);
/* Takes the oldest off, for the caller to free. */
struct request *verify_request_take(struct verifier *v);
