/*
 * Near the limit of memory: first nothing new begins, and what is under way is done; when that does not help, one worker ends and
 * gives its work back; when the last one has ended so a few times, the run ends. A worker that the kernel kills at the limit
 * counts like one that was ended. The page cache is no matter: the kernel takes it back.
 */
#pragma once

#include "base/util.h"

struct engine;

struct memory_watch {
	int64_t since; /* nothing new begins, or 0 */
	int64_t calm_since; /* it is not near the limit, or 0 */
	uint64_t kills; /* of the kernel, known so far */
	unsigned alone; /* times that the last worker had to end */
	bool crowded;
};
/* Of what is not known, used is 0. */
void memory_tick(struct engine *e, struct memory_watch *m, uint64_t used);
/* A worker has ended. False: not because of memory. */
bool memory_ended(struct engine *e, struct memory_watch *m, bool retired, uint64_t kills);
