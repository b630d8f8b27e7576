/*
 * The other end of pace.h: what a mover or verifier does so that its receiver keeps limits.
 *
 * It sends PACE_LIMITS when they change, and again and again while there are any: so it learns what is used, and how far
 * the receiver is. No more than PACER_WINDOW bytes are sent ahead of what the receiver has executed: it reads that much
 * ahead, and a change overtakes it. Without limits nothing is sent, and nothing is bounded.
 */
#pragma once

#include "pace/message.h"

#define PACER_WINDOW (4u << 20)
#define PACER_EVERY_NS INT64_C(250000000)

struct pacer {
	struct pace_limits limits;
	bool on; /* there are limits */
	bool changed; /* not told yet */
	uint32_t asked, answered; /* ids */
	uint64_t asked_at, done; /* in bytes of the stream */
	int64_t asked_ns;
};

void pacer_set(struct pacer *p, uint32_t cpu, uint64_t io);
/* Appends a PACE_LIMITS to out if one is due; at: bytes of the stream so far. */
void pacer_ask(struct pacer *p, struct buf *out, uint64_t at, int64_t now_ns);
/* A PACE_USED has come. False: malformed. */
bool pacer_answer(struct pacer *p, const struct frame *f, struct pace_used *out);
static inline bool pacer_full(const struct pacer *p, uint64_t at)
{
	return p->on && at > p->done && at - p->done > PACER_WINDOW;
}
