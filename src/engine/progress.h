/* How far the job is. */
#pragma once

#include "job/job.h"

struct engine;

struct progress_state {
	struct progress now;
	bool forecast; /* of totals: there is one */
	int64_t told_ns;
	uint64_t rate_bytes; /* done at rate_ns */
	int64_t rate_ns;
	double rate;
};

void progress_update(struct engine *e, bool now);
/* Brings it up to date and tells nobody. */
void progress_refresh(struct engine *e);
/* Of this run, without the time it was paused by its user. */
int64_t progress_elapsed_ns(const struct engine *e);
