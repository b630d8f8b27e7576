/* Private to the room check: connections and their probes, as the coordinator sees them. */
#pragma once

#include "base/sysload.h"
#include "check/netcheck.h"
#include "check/probe.h"
#include "check/sections.h"
#include "ipc/chan.h"
#include "limits/throttle.h"
#include "transport/transport.h"

struct line {
	pid_t pid; /* of the probe */
	struct chan ipc;
	struct transport_conn conn;
	uint8_t waits_for; /* PROBE_*; 0: nothing */
	bool started, ended;
	struct diag diag; /* its last word */
	/* answers */
	size_t rtt_count;
	uint64_t rtts[PINGS_MAX]; /* ns */
	uint64_t filled, filled_ns;
	struct sysload load;
	struct sections *facts; /* NULL: none */
	bool image_made;
};

struct lines {
	const struct conf *conf;
	bool operate; /* the receivers are operators */
	int64_t answer_ns; /* an answer takes so long at most; 0: as measuring does */
	struct transport *transport;
	struct throttle *throttle;
	int throttle_fd;
	char shared_dir[256];
	struct line line[NETCHECK_PROCESSES_MAX];
	size_t n;
	/* called about every 50 ms while answers are awaited */
	void (*tick)(void *arg);
	void *arg;
};
/* One more connection, ready; n grows. */
bool lines_add(struct lines *l, struct diag *d);
/* Sends it to the first n, and waits until all have answered. */
bool lines_ask(struct lines *l, size_t n, uint8_t type, const struct buf *payload, struct diag *d);
void lines_end(struct lines *l);
/* Takes in what a probe says. False: it makes no sense. */
bool line_frame(struct lines *all, struct line *l, const struct frame *f);
