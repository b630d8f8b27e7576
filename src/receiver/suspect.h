/*
 * What an earlier run may not have made durable: regular files whose time of change lies in an interval that the mover
 * has named (SUSPECT) are not taken for equal by size and time.
 *
 * Ownership: nothing is allocated.
 */
#pragma once

#include "wire/msg.h"

struct session;

struct suspects {
	struct suspect all[WIRE_SUSPECTS_MAX];
	size_t n;
};

/* Whether a regular file's contents are to be compared whatever its size and time say. */
bool suspect_matches(const struct session *s, const struct meta *m);
