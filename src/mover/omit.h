/* Which entries of a directory are not copied. */
#pragma once

#include "base/util.h"

struct dir;
struct mover;

/* True when the name can be none at the target, or lies too deep: said, and counted as its failure. */
bool dir_refuses(struct mover *m, const struct dir *d, const char *name, size_t len);
/* True when the rules, a skip or our own names leave this entry out. */
bool dir_omits(struct mover *m, struct dir *d, const char *name, bool is_dir, uint64_t ino);
