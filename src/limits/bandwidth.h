/*
 * A token bucket: in any time t at most rate * t bytes and one burst, of an eighth of a second or 16 KiB.
 * Pure: the caller supplies the time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bandwidth {
	uint64_t rate; /* bytes a second, 0: unlimited */
	int64_t last_ns;
	int64_t tokens; /* may be negative: a debt */
};

void bandwidth_init(struct bandwidth *b, uint64_t rate, int64_t now_ns);
void bandwidth_set_rate(struct bandwidth *b, uint64_t rate, int64_t now_ns);
/* How many bytes may go now, at most want; 0: wait bandwidth_wait_ns(). */
uint64_t bandwidth_allow(struct bandwidth *b, uint64_t want, int64_t now_ns);
void bandwidth_spend(struct bandwidth *b, uint64_t n);
int64_t bandwidth_wait_ns(const struct bandwidth *b);
