/* Private to the room check: what the kernel knows of a connection. */
#pragma once

#include "base/util.h"

struct tcp_counts {
	double rtt, rtt_var; /* ms, smoothed by the kernel */
	uint64_t segments, retransmitted;
};
/* False when the kernel does not tell. */
bool tcp_read(int fd, struct tcp_counts *out);
