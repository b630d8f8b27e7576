/* Handing on: sub-directories become units of the coordinator's, for whoever is free. */
#pragma once

#include "base/util.h"

struct dir;
struct mover;

/* Which mount is mounted on this name: its index, -1 for none. */
int32_t dir_mount_at(const struct mover *m, const struct dir *d, const char *name);
/* Hands on one sub-directory. is_new: this run has made it. A revisit hands on nothing. */
void dir_give(struct mover *m, struct dir *d, const char *name, int32_t mount, bool is_new);
/* ... all of the listing. */
void dir_give_listed(struct mover *m, struct dir *d);
