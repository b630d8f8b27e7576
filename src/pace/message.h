/*
 * The two messages by which a receiver, or a prover, learns its limits and says what it uses. They belong to both protocols
 * (wire/msg.h, verify/proto.h) and have the same numbers in both.
 *
 * PACE_LIMITS takes effect when it is read, ahead of the requests before it that are still waiting, and is answered then,
 * and once more in its turn: a PACE_USED with its id.
 */
#pragma once

#include "wire/frame.h"

enum pace_type {
	PACE_LIMITS = 250, /* to the receiver; id: counts them */
	PACE_USED = 251, /* from it */
};

#define PACE_ALL 1000000u /* all processors of the host */

struct pace_limits {
	uint32_t cpu; /* millionths of all processors together; 0: no limit */
	uint64_t io; /* bytes a second, read and written; 0: no limit */
	uint64_t token; /* given back when the requests before it have been executed; never less than the one before */
};
void pace_limits_put(struct buf *out, const struct pace_limits *m);
bool pace_limits_get(const struct frame *f, struct pace_limits *m);

/* Since the receiver began. */
struct pace_used {
	uint64_t token; /* of the last PACE_LIMITS whose turn has come */
	uint64_t cpu_us, io; /* microseconds of all processors together, bytes */
	uint64_t cpu_rest_us, io_rest_us; /* time spent at rest for a limit's sake */
};
void pace_used_put(struct buf *out, const struct pace_used *m);
bool pace_used_get(const struct frame *f, struct pace_used *m);
