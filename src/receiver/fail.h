/*
 * What went wrong with one file or directory, as a diagnostic for the mover.
 *
 * Ownership: the diag is the caller's; what it said before is released.
 */
#pragma once

#include "diag/diag.h"

struct place;

/* "WHAT 'dst/name'"; a few errnos have codes of their own. at and name may be NULL. */
void fail_entry(
	struct diag *d, enum diag_code code, int err, const struct place *at, const char *name, const char *what);
/* DIAG_RECEIVER_METADATA naming the fields of the mask (META_D_*); nothing for mask 0. */
void fail_metadata(struct diag *diag, unsigned mask, int err, const struct place *at, const char *name);
