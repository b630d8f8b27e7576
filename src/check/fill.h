/* Private to the room check: how much goes through. */
#pragma once

#include "check/talk.h"

/* PROBE_FILL. Returns when all has arrived. */
void probe_fill(struct probe *p, int64_t warm_ns, int64_t steady_ns, int64_t rtt_ns);
