/* A directory that this run has made: its entries go over as they are read, nothing is asked. */
#pragma once

#include "mover/tasks.h"

struct dir;
struct mover;

/* The state STREAM begins. */
void dir_start_stream(struct mover *m, struct dir *d);
/* With STEP_WAIT it may have freed d. */
enum step dir_stream_step(struct mover *m, struct dir *d);
