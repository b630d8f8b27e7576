/*
 * The file of [metrics]: how the last run of each command ended, in the text format of Prometheus, as the textfile
 * collector of the node exporter reads it.
 */
#pragma once

#include "job/runs.h"

/* Appends the whole text. */
void metrics_format(struct buf *out, const char *job, const struct run_record runs[RUN_COMMANDS], bool copy_completed);
/* Replaces the file at once, readable for everybody. */
bool metrics_write(const char *path, const struct buf *text, struct diag *d);
