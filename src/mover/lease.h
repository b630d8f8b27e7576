/*
 * Files under a lease (of smbd, nfsd and the like): opening them has asked for it to be given up, which takes up to
 * lease-break-time, 45 s as a rule. They wait, the rest goes on, and they are tried again ten times a second; after a minute
 * they fail by their names.
 *
 * Ownership: struct lease is its directory's. Nothing here fails.
 */
#pragma once

#include "base/clock.h"
#include "mover/tasks.h"

struct dir;
struct mover;
struct name;

#define LEASE_EVERY_NS (100 * NS_PER_MS)

struct lease {
	int64_t until_ns; /* 0: nothing waits */
	int64_t next_ns;
};

/* Something waits: true until it has waited for too long. */
bool lease_waits(struct lease *l);
/* Whether it is time to try again. */
bool lease_due(struct lease *l);
/* The name waits, to be tried again; false when it has waited long enough: said, and counted as failed. */
bool lease_keep(struct mover *m, struct dir *d, const struct name *n);
/* All other names have been looked at: WAIT when none is left, MORE when those that wait are to be tried again (they are in
 * d->names), BLOCKED when it is too early. */
enum step lease_step(struct dir *d);
void lease_tell(struct mover *m, const char *dir, const char *name);
