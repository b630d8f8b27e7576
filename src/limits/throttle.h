/*
 * Rates that all workers of a run keep together, and the word that holds them: one shared page.
 *
 * The coordinator makes the page and alone writes the rates and the hold; every worker maps it, asks before it sends
 * or reads, and charges what it did. Nothing is divided between workers and no message is needed: a change is in
 * force at the next question. A lane is a virtual clock, the time until which its rate has been used up: it may
 * lag behind the real clock by a burst of half a second, and who finds it in the future waits. A worker that
 * lies, or writes what it should not, harms the limits and nothing else.
 *
 * Time is the caller's (monotonic ns). Rates are bytes a second, 0 unlimited.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum throttle_lane { THROTTLE_SEND, THROTTLE_READ, THROTTLE_LANES };

/* What is held; a set of them. */
enum throttle_hold {
	THROTTLE_HOLD_ALL = 1 << 0, /* nothing is sent or read */
	THROTTLE_HOLD_NEW = 1 << 1, /* nothing begins that needs memory; what has begun goes on, and ends */
};

struct throttle {
	_Atomic uint64_t rate[THROTTLE_LANES];
	_Atomic int64_t used_until[THROTTLE_LANES];
	_Atomic uint32_t hold; /* enum throttle_hold */
};

/* The page, and in out_fd the descriptor (close-on-exec) others map it by. NULL with errno. */
struct throttle *throttle_new(int *out_fd);
/* Another process's page; the descriptor may be closed after. NULL with errno. */
struct throttle *throttle_map(int fd);
void throttle_unmap(struct throttle *t);

void throttle_set_rate(struct throttle *t, enum throttle_lane lane, uint64_t rate);
static inline void throttle_set_hold(struct throttle *t, unsigned hold)
{
	t->hold = hold;
}
static inline bool throttle_held(const struct throttle *t)
{
	return t->hold & THROTTLE_HOLD_ALL;
}
/* May something begin? */
static inline bool throttle_begins(const struct throttle *t)
{
	return !t->hold;
}

/*
 * How many bytes may go now, at most want: a piece such as a sixteenth of a second's, more of it when asked again.
 * 0: ask again in *out_wait_ns, at most THROTTLE_ASK_NS, for rates and the hold may change.
 */
#define THROTTLE_ASK_NS INT64_C(200000000)
uint64_t throttle_allow(
	const struct throttle *t, enum throttle_lane lane, uint64_t want, int64_t now_ns, int64_t *out_wait_ns);
/* What was done; more than was allowed is a debt that the next one waits for. */
void throttle_charge(struct throttle *t, enum throttle_lane lane, uint64_t n, int64_t now_ns);
