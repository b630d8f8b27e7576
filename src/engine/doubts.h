/*
 * Files whose contents may differ though their size and time are equal, since a verify has found them so: whoever works on their
 * directory compares them by their contents (IPC_UNIT names them).
 */
#pragma once

#include "base/buf.h"

struct recheck;

struct doubted {
	char *path;
	size_t dir; /* bytes of the directory's path */
};

struct doubts {
	struct doubted *list; /* by directory, then name */
	size_t n;
	bool all; /* every file there is */
};

/* Those that r names; with deep only those that were found by reading contents. */
void doubts_take(struct doubts *d, const struct recheck *r, bool deep);
/* The names in this directory, as struct nameset takes them, added to out. False: there are too many to name. */
bool doubts_in(const struct doubts *d, const char *dir, struct buf *out);
bool doubts_has(const struct doubts *d, const char *path);
void doubts_release(struct doubts *d);
