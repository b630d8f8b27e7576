/* What a run may take of its host: [limits], kept by a group of the kernel's and by the rates that workers share. */
#pragma once

#include "conf/conf.h"
#include "diag/diag.h"
#include "limits/throttle.h"

struct engine;

struct limits {
	struct conf_limits now; /* in force: the configuration's, or what limits_apply() was given */
	struct host *host; /* what keeps them (limits.c) */
	struct throttle *throttle; /* what all workers keep to together */
	int throttle_fd;
	int64_t divided_ns; /* the target's limits, between the receivers */
};

/*
 * Puts new limits in force; of what is running too. False with d, and the old ones hold on, when enforce = require and one of
 * them cannot be kept; else what cannot be kept is a warning.
 */
bool limits_apply(struct engine *e, const struct conf_limits *wanted, struct diag *d);
/* What keeps a limit, in words ("by control group (version 2) 'x'", "not kept"); nothing when there is none of that name. */
void limits_keeper(const struct engine *e, const char *name, struct buf *out);
/* Once a second: the host's pressure, and the group's memory. */
void limits_tick(struct engine *e);
void limits_release(struct engine *e);
/* The bandwidth that holds at this minute. */
void limits_bandwidth(struct engine *e);
/* Off, and on again. */
void limits_toggle_bandwidth(struct engine *e);
/* How many workers the memory limit has room for. */
unsigned limits_workers(const struct conf_limits *l);
/* Memory is short: no further worker is to be started. */
bool limits_crowded(const struct engine *e);
/* A worker has ended: because of memory? Then that is said and counted, and it was no crash. */
bool limits_worker_ended(struct engine *e, bool retired);
