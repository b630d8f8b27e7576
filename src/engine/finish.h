/* How a run ends: what was done is made durable, counted up, and kept as state. */
#pragma once

#include "base/util.h"

struct engine;

/* Everything has been done: make it durable, then let the workers go. True when all have gone. */
bool finish(struct engine *e);
/* Fills in the summary, keeps the state, releases everything. */
void finish_conclude(struct engine *e);
