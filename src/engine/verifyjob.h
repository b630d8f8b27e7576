/* A verify: which units it begins with, and what its differences amount to. */
#pragma once

#include "ipc/ipc.h"
#include "verify/links.h"

struct engine;
struct worker;

struct verifying {
	struct verify_links *links;
	struct buf differing; /* for --recheck (recheck.h) */
	int64_t changed_since; /* of the source: changed, and not different */
	bool whole; /* not single paths */
};

/* The first units. */
bool verifyjob_units(struct engine *e, struct diag *d);
/* What differed is kept for --recheck. */
void verifyjob_finish(struct engine *e);
void on_difference(struct engine *e, struct worker *w, const struct ipc_difference *m);
void on_pair(struct engine *e, struct worker *w, const struct ipc_pair *m);
