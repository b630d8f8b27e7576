/* The contents that a receiver needs of a directory that exists on both sides, and what is deleted there. */
#pragma once

#include "mover/tasks.h"

struct dir;
struct mover;

/* With STEP_WAIT it may have freed d. */
enum step dir_work_step(struct mover *m, struct dir *d);
