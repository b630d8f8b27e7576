/*
 * Deletion: names that only the receiver has (EXTRA) are deleted after a second look here, within the budget that the
 * coordinator lends.
 */
#pragma once

#include "base/util.h"

struct dir;
struct frame;
struct mover;
struct op;

void on_extra(struct mover *m, struct dir *d, const struct frame *f);
/* Deletes what has been confirmed, now, when a budget is granted, or in another visit. */
void dir_start_delete(struct mover *m, struct dir *d);
/* A budget of this many entries has come; UINT64_MAX: without bounds, 0: nothing is deleted. */
void dir_delete_granted(struct mover *m, struct dir *d, uint64_t budget);
/* Frees op with its last answer; may free its directory. */
void on_delete_done(struct mover *m, struct op *op, const struct frame *f);
