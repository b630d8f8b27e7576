/*
 * The path lists as one tree of components: what a path is to them is found in one descent, however many there are.
 * Private to the room.
 */
#pragma once

#include "base/buf.h"

/* What a node is. A listed path is one of the first four. */
enum {
	PATHS_EXCLUDE = 1 << 0, /* it and what lies beneath */
	PATHS_EXCLUDE_CONTENTS = 1 << 1, /* what lies beneath */
	PATHS_ONLY = 1 << 2,
	PATHS_ONLY_CONTENTS = 1 << 3,
	PATHS_ABOVE_ONLY = 1 << 4, /* a listed path of ONLY lies beneath it */
	PATHS_ABOVE_EXCLUDE = 1 << 5, /* and one of EXCLUDE */
};

#define PATHS_NODES_MAX 1000000u
#define PATHS_NO_ITEM UINT32_MAX

struct paths_node;

struct paths {
	struct paths_node *nodes; /* the first is the root */
	size_t count, cap;
	uint32_t *slots; /* hash table: place of a node, 0: free (the root is not in it) */
	size_t slot_count; /* a power of two */
	struct buf names;
	bool only; /* there is a list of what only is wanted */
};

struct paths_answer {
	bool hidden;
	bool passage;
	uint32_t item; /* of the path that decided, or PATHS_NO_ITEM */
};

void paths_init(struct paths *p);
void paths_release(struct paths *p);
/* path: components with one slash between, "" the root. False when there would be too many nodes. */
bool paths_add(struct paths *p, const char *path, uint8_t kind, uint32_t item);
/* Is the path itself not hidden, but something that lies or could lie beneath it? */
bool paths_protect_beneath(const struct paths *p, const char *path);
void paths_find(const struct paths *p, const char *dir, const char *name, bool is_dir, struct paths_answer *out);
