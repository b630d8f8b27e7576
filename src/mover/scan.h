/* The first half of a directory: it is opened, its listing is made, and DIR says the digest. */
#pragma once

#include "mover/tasks.h"

struct dir;
struct mover;

/* With STEP_WAIT it has freed d. */
enum step dir_open_step(struct mover *m, struct dir *d);
enum step dir_scan_step(struct mover *m, struct dir *d);
