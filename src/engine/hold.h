/* Holding all workers where they are. Links stay open. */
#pragma once

#include "job/job.h"

struct engine;

struct holding {
	unsigned why; /* enum hold */
	int64_t since, paused_ns; /* by HOLD_USER: since when, 0 when it is not; and how long before */
};

/* Or lets them go on, when nothing else holds them. */
void engine_hold(struct engine *e, enum hold why, bool on);
