/* What all workers have counted. */
#pragma once

#include "ipc/ipc.h"

struct engine;
struct worker;

struct totals {
	struct counts counts;
	uint64_t failed_said; /* diagnostics of movers that count as a failed file */
	uint64_t done_files, done_bytes; /* of units that are done */
	struct space_count *space; /* of each chosen mount: space.h */
	struct lost lost; /* of what metadata is not kept */
};

void on_lost(struct engine *e, struct worker *w, const struct ipc_lost *m);
/* Once, at the end: a warning for each kind. */
void totals_say_lost(struct engine *e);
void on_count(struct engine *e, struct worker *w, const struct ipc_count *m);
/* It is lost: what it has counted of units that are not done is counted again when they are. */
void totals_uncount(struct engine *e, const struct worker *w);
