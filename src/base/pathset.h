/*
 * A set of paths, looked up by a directory and a name in it: what walks must treat apart.
 *
 * Ownership: storage of the caller's, {} is empty; path_set_release() frees what it holds. Errors: false when the records
 * are not what wr_str() of valid paths makes, or too many; the set is empty then.
 */
#pragma once

#include "base/pack.h"

#define PATH_SET_MAX 65536u

struct path_set {
	char **paths; /* sorted */
	size_t n;
};

/* Of records as wr_str() makes them. */
bool path_set_read(struct path_set *s, struct bytes records);
bool path_set_has(const struct path_set *s, const char *dir, const char *name);
/* A path of the set that is dir/name or beneath it. */
bool path_set_leads(const struct path_set *s, const char *dir, const char *name);
/* Whether path, or what it lies in, is of the set: a path of it that is longer than `beyond` bytes. */
bool path_set_covers(const struct path_set *s, const char *path, size_t beyond);
void path_set_release(struct path_set *s);
