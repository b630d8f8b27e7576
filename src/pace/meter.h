/*
 * A rate that one process keeps by itself: a bucket that fills at the rate, up to a burst, and may be overdrawn, for what
 * something costs is known when it is done. Whoever is in debt rests.
 *
 * Time is the caller's (monotonic ns), units are his too. No I/O, so that tests can have clocks of their own.
 */
#pragma once

#include <stdint.h>

#define METER_BURST_NS INT64_C(100000000)
#define METER_REST_NS INT64_C(10000000) /* a shorter rest would cost more than it gives: it is saved up */

struct meter {
	uint64_t rate; /* units a second, 0: no limit */
	double left; /* below zero: a debt */
	int64_t at; /* left is of this time */
	uint64_t used; /* in all, limit or not */
};

/* What was earned or owed at the old rate stays. */
void meter_set(struct meter *m, uint64_t rate, int64_t now_ns);
void meter_charge(struct meter *m, uint64_t n, int64_t now_ns);
/* How long to rest from now on; 0: not worth it. */
int64_t meter_rest(struct meter *m, int64_t now_ns);
