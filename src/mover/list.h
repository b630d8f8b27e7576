/* LIST: the unequal part of a directory's listing goes over. */
#pragma once

#include "mover/tasks.h"

struct dir;
struct mover;

/* The state LIST begins. d->compare.bitmap says which buckets are listed; NULL: only names with several links. */
void dir_start_list(struct mover *m, struct dir *d);
enum step dir_list_step(struct mover *m, struct dir *d);
