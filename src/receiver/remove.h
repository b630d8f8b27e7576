/*
 * Removing a name with all that lies beneath it.
 *
 * Ownership: the sink is the caller's. Errors: told to the sink, one for each name that stays.
 */
#pragma once

#include "diag/diag.h"
#include "receiver/place.h"

struct session;

enum remove_flag {
	REMOVE_LIST = 1 << 0, /* touches nothing: says what would be removed */
	REMOVE_ALL = 1 << 1, /* whatever the rules say: rehost's own */
	REMOVE_WAY = 1 << 2, /* the source has something else of this name: rules protect what is in it, not itself */
};
struct remove_sink { /* where records go; arg is the functions' */
	void (*removed)(void *arg, uint8_t type, const char *path);
	/* diag may be moved away; what is left is released by remove.c. */
	void (*failed)(void *arg, const char *path, struct diag *diag);
	void *arg;
	uint64_t budget; /* counted down */
	bool budget_reached;
};

/* One name with all beneath it. False when something stays. */
bool remove_entry(struct session *s, struct place *at, const char *name, unsigned flags, struct remove_sink *sink);
/* All entries of a directory of ours (the temporary directory). */
void remove_contents(struct session *s, int dirfd);
