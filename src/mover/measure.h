/* What the rules leave out is added up: how much of the disk it takes, and no more than that. */
#pragma once

#include "mover/tasks.h"

struct dir;
struct mover;

/* The rules leave out an entry of d: a file is looked at, a directory handed on as a unit of its own. */
void measure_left_out(struct mover *m, struct dir *d, const char *name, bool is_dir);
/* A unit of UNIT_MEASURE. What cannot be read is not added: nobody is told, it is not copied anyway. */
enum step dir_measure_open(struct mover *m, struct dir *d);
enum step dir_measure_step(struct mover *m, struct dir *d);
