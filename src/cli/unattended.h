/*
 * What a run does for those who are not looking: the lock over all its steps, hooks, the record of how it ended, metrics.
 *
 * Process: the coordinator, around the engine. Signals are blocked from the beginning to the end, so that one that comes
 * between two steps is the next one's, and the job's failure is told.
 */
#pragma once

#include "cli/work.h"
#include "job/runs.h"

/* False when the job cannot begin: s then holds why, its exit code included. */
bool unattended_begin(struct work *w, struct summary *s);
/* A step of `run` has ended, or the command itself. */
void unattended_note(struct work *w, enum run_command command, const struct summary *s, int64_t started);
/* Metrics and hooks, before the last words of the report; s holds the exit code of the command. */
void unattended_end(struct work *w, const struct summary *s, bool transferred, bool verified);
