/*
 * Sizes that reconcile: of each file system of the source, what is in use, and what became of it. Movers say with each unit that
 * is done what its entries take on the disk, so that nothing counts twice when a worker is lost.
 */
#pragma once

#include "ipc/ipc.h"

struct engine;

/* Of one chosen mount. */
struct space_count {
	uint64_t taken, holes, left_out;
};

void space_begin(struct engine *e); /* the mounts are open */
void space_anew(struct engine *e); /* nothing has been done yet */
void space_count(struct engine *e, uint32_t mount, const struct ipc_unit_done *m);
/* At the end of a copy, when it is wanted: fills the summary. */
void space_conclude(struct engine *e);
