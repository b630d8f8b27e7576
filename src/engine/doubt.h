/*
 * What the last run may have read before its last change: a time that is fresh when a file is read can stay as it is
 * while the file changes once more, within the steps of its file system's clock, and in a mapping until the kernel has
 * written the page back. Files with such times are compared by their contents in the next run (mover/scan.c), so that
 * none stays wrong for ever.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct engine;

struct doubt {
	int64_t started; /* this run, real ns */
	/* Of the runs that are in doubt; to 0: none. Before `exact` a time is fresh only for pages that wait to be written. */
	int64_t from, exact, to;
};

/* What the state says; before the first worker starts. */
void doubt_prepare(struct engine *e);
/* The run begins; the state is to be written. */
void doubt_begin(struct engine *e);
/* It has ended. whole: it has seen everything. */
void doubt_end(struct engine *e, bool whole);
