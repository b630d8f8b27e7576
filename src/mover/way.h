/*
 * Directories of the target that stand where the source has something else: they are deleted, counted and told as others are,
 * before anything is sent to their names; with all they hold, or not at all.
 */
#pragma once

#include "mover/tasks.h"

struct dir;
struct mover;

enum step dir_way_step(struct mover *m, struct dir *d);
/* A budget of this many entries has come. */
void dir_way_granted(struct mover *m, struct dir *d, uint64_t budget);
/* The entry of this LIST index has its name free, or has failed. May free a link of d. */
void dir_way_answered(struct mover *m, struct dir *d, uint32_t index, bool ok);
