/*
 * What the run begins with: which file systems of the source are worked on and which are not. It is told once in a run of
 * several steps, unless a step leaves out others than the one before.
 */
#pragma once

#include "base/util.h"

struct diag;
struct engine;

/* For mounts_select(): whether the rules in arg, a struct rules, leave a path out. */
bool sources_excluded(void *arg, const char *rel, bool is_dir);
/* Sees to it that every mount can have its descriptor here and in the workers, which inherit the limit. */
bool sources_make_room(const struct engine *e, struct diag *d);
/* When the mounts are open. What a user would miss is a warning. */
void sources_say(struct engine *e);
