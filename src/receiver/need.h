/*
 * One entry of the mover against what is there: what needs no content is done at once, the rest is said.
 *
 * Ownership: all of a pair is borrowed but its fd, which need_find() closes. Errors: n->op NEED_FAILED with n->diag.
 */
#pragma once

#include "receiver/answer.h"
#include "receiver/hold.h"
#include "receiver/place.h"
#include "wire/msg.h"

struct session;

struct pair { /* what is compared */
	struct session *s;
	struct place *at;
	const char *name;
	struct meta *want; /* becomes what the target can hold of it */
	uint8_t flags; /* ENTRY_* */
	struct meta *have; /* room for what is there */
	int fd; /* of it, while need_find() works; -1 */
	unsigned diff; /* META_D_* */
	struct held held; /* what it cannot */
};

/* there: our listing has the name, or rules may have kept it out of that. n->op stays 0 when there is nothing to say. */
void need_find(struct pair *p, struct need *n, bool there);
/* Releases n->diag. */
void need_put(struct answer *a, struct need *n);
