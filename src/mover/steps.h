/* Who takes the next step, and what it is. */
#pragma once

struct mover;

/* One step of the first task in the queue. There must be one. */
void mover_run_one(struct mover *m);
