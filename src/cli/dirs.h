/*
 * Where rehost keeps its own files: state, lock, logs. REHOST_STATE_DIR, REHOST_RUN_DIR and REHOST_LOG_DIR
 * win; root has /var/lib, /run and /var/log; an ordinary user the XDG directories.
 */
#pragma once

#include "diag/diag.h"

struct dirs {
	char *state, *run, *log; /* absolute */
};

bool dirs_find(struct dirs *out, struct diag *d);
/* Makes the missing ones, 0700. */
bool dirs_make(const struct dirs *dirs, struct diag *d);
void dirs_release(struct dirs *dirs);
