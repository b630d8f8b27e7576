/* Is this the right target: not the source, not around it, not someone else's; and is it still the same one. */
#pragma once

#include "ipc/ipc.h"

struct engine;
struct worker;

struct target_seen {
	bool checked; /* it is the right one */
	/* as the first receiver, or the first after a reboot, has told it */
	uint8_t boot_id[16];
	uint64_t mount;
	struct buf places; /* records: struct msg_place */
	uint32_t restart; /* serial of the worker whose receiver has found another boot or mount, 0: none */
	int64_t restart_now; /* its clock then */
};

void on_ready(struct engine *e, struct worker *w, const struct ipc_ready *m);
