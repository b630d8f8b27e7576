/*
 * The progress line. On a terminal it is one line that is drawn again in place; elsewhere (--progress=always)
 * a plain line every few seconds, without carriage returns.
 */
#pragma once

#include "job/job.h"

#include <stdio.h>

struct progress_line {
	FILE *f;
	bool in_place; /* f is a terminal */
	bool shown; /* a line stands there that must be wiped before anything else is printed */
	int64_t last; /* when a plain line was printed */
};

/* "copying 1.20 GiB of 4.00 GiB, 30%, 120 MiB/s, 0:23 left, 12 files done, 400 left" */
void progress_format(struct buf *out, const struct progress *p);
void progress_draw(struct progress_line *line, const struct progress *p);
/* Takes the line away, so that other text can be printed to the terminal. */
void progress_wipe(struct progress_line *line);
