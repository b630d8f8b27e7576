/*
 * Who else waits: the kernel's pressure-stall information, and what to do about it.
 *
 * The host's pressure counts our own waiting too, and a copy that reads as fast as a disk can waits for it all the
 * time. So that it does not yield to itself, what the own group's pressure explains is taken off, and groups beside it
 * are asked themselves.
 *
 * Process: the coordinator, once a second. Time is the caller's (monotonic ns). Pressures are percent of the last ten seconds.
 */
#pragma once

#include "conf/conf.h"

enum pressure_of { PRESSURE_IO, PRESSURE_CPU, PRESSURE_MEMORY, PRESSURES };
extern const char *const pressure_names[PRESSURES];

#define PRESSURE_HELD_NS INT64_C(60000000000) /* held at most so long at a stretch, */
#define PRESSURE_SLICE_NS INT64_C(5000000000) /* then it works for so long whatever others do */

struct pressure {
	unsigned limit[PRESSURES]; /* 0: none */
	bool yielding;
	int64_t since, slice_until;
};

/* "some avg10=1.50 ..." of a file; false when it is not there or not that. */
bool pressure_read(const char *dir, const char *file, double *out);
/* How much of the time others wait, from what the host says and what the own group says. */
double pressure_others(double host, double own);
/* The most that any group waits that is beside rel or one of the groups that hold it. what: "io". Other jobs of rehost do not count. */
double pressure_beside(const char *mount, const char *rel, const char *what);

/* Measures what there is a limit for. root: /proc/pressure; mount and rel: of the own group, NULL without one. False
 * when there is no information. */
bool pressure_measure(
	const struct pressure *p, const char *root, const char *mount, const char *rel, double out[PRESSURES]);
/* Whether to yield now: from the limit on, until all are below half of it. out_what: because of what, or for what
 * reason no longer (unchanged when it is only a slice). */
bool pressure_judge(struct pressure *p, const double others[PRESSURES], int64_t now_ns, enum pressure_of *out_what);
