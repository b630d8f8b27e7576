/* A verify: which units it begins with, and what its differences amount to. */
#pragma once

#include "engine/recheck.h"
#include "ipc/ipc.h"
#include "verify/links.h"

struct engine;
struct worker;

struct verifying {
	struct verify_links *links;
	struct buf differing; /* for --recheck (recheck.h) */
	bool everything; /* more differed than is listed */
	char *known; /* what the last verify has left of that */
	size_t known_len;
	struct recheck
		wanted; /* of --recheck: what that names. Else the paths that are looked at, when they are not all */
	bool deep; /* contents are read */
	int64_t changed_since; /* of the source: changed, and not different */
	bool whole; /* not single paths */
};

/* Takes in what the last verify has found: for a verify, and for a sync that repairs it. */
bool verifyjob_begin(struct engine *e, struct diag *d);
/* The first units. */
bool verifyjob_units(struct engine *e, struct diag *d);
/* What differed is kept for --recheck. */
void verifyjob_finish(struct engine *e);
/* This could not be compared. */
void verifyjob_unread(struct engine *e, const char *path);
void verifyjob_release(struct engine *e);
void on_difference(struct engine *e, struct worker *w, const struct ipc_difference *m);
void on_pair(struct engine *e, struct worker *w, const struct ipc_pair *m);
