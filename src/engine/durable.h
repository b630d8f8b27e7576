/*
 * Power loss of the target. The time of an inode can reach the disk before its contents, and then a file looks equal
 * that is not. So the receivers make durable what they write while they write it, and tell up to when (epochs); what was
 * written later is suspect when the run does not end well: the state keeps from when to when that was, by the target's
 * clock, and the next run has the receivers compare the contents of files whose ctime lies there.
 */
#pragma once

#include "ipc/ipc.h"

struct engine;
struct worker;

struct durable { /* times of the target, *_at ours, *_ns monotonic */
	bool begun;
	char *target; /* state_key() */
	uint64_t walk;
	int64_t until; /* what all workers wrote before is on the disk */
	int64_t host; /* what lost workers wrote before is; WIRE_TIME_MAX: none is of interest */
	int64_t until_at, lost_ns, asked_ns, kept_ns;
};

/* The target is known to be right, nothing has been written: says so in e->state, which is not written yet. */
void durable_begin(struct engine *e, const struct ipc_ready *r);
void durable_ready(struct engine *e, struct worker *w, const struct ipc_ready *r);
void durable_lost(struct engine *e, const struct worker *w);
void durable_tick(struct engine *e);
void durable_end(struct engine *e, bool whole); /* whole: everything was done, and is on the disk */
/* The target has been started anew at `now`, its time: what was open ends, a new one begins. w, if any, is told. */
void durable_again(struct engine *e, struct worker *w, int64_t now);
void on_epoch(struct engine *e, struct worker *w, const struct ipc_epoch *m);
