/*
 * The way to the target root, before the receiver is confined to it: from name to name, so that each symbolic link on it can
 * be asked whose it is. Root's and the login's own are followed, nobody else's.
 *
 * Ownership: the descriptor is the caller's.
 */
#pragma once

#include "diag/diag.h"

/*
 * The directory at path, opened for reading. With create its last component is made (0700) when it is missing, and
 * out_made set. -1 with errno, and d set when that says more.
 */
int way_open(const char *path, bool create, bool *out_made, struct diag *d);
