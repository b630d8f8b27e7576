/* The file systems of the target: are they this job's, and those that it has known? */
#pragma once

#include "ipc/ipc.h"

struct engine;

/* What the first receiver of a run says, before anything is written. False: it is refused. */
bool places_check(struct engine *e, const struct ipc_ready *r, struct diag *d);
/* What a later one must have as well: false, when something is missing, or another one. */
void places_note(struct engine *e, const struct ipc_ready *r);
bool places_same(const struct engine *e, const struct ipc_ready *r, struct diag *d);
