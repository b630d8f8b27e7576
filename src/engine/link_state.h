/* How the link to the target stands: when it was lost, and when it is tried again. reconnect.c decides by it. */
#pragma once

#include "diag/diag.h"

struct link_state {
	int64_t lost_since, retry_at; /* monotonic */
	unsigned tries, long_tries, crashes;
	int64_t let_go_until; /* when those that hang at the end are killed */
	bool ever; /* a worker has had an answer of the target in this run */
	bool lost_any; /* a worker was lost in this run */
	bool retry_said;
	struct diag lost; /* why, of the last loss; nothing once the link is open again */
};

/* A link has been of use: the next loss is a new one. */
static inline void link_state_used(struct link_state *l)
{
	l->tries = l->long_tries = 0;
	l->lost_since = 0;
}
