/* Large files that several movers write together, segment by segment. */
#pragma once

#include "ipc/ipc.h"

struct engine;
struct worker;
struct unit;

struct share {
	uint32_t worker, file; /* whose it is; serial number of the worker */
	uint32_t left; /* segments not yet done */
	bool failed, changed, orphan;
	struct share *next;
};

void on_share(struct engine *e, struct worker *w, const struct ipc_share *m);
/* One of its segments is done, or given up. Frees the share with the last one. */
void share_segment_done(struct engine *e, struct share *s, bool ok);
void shares_worker_gone(struct engine *e, uint32_t serial);
void shares_clear(struct engine *e);
