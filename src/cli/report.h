/*
 * What the user sees of a run: text on the terminal or in cron's mail, or JSON lines. Both implement one
 * table of functions; the commands and the observer of the engine only speak to report_*().
 *
 * Process: the coordinator, one thread. Errors of writing are remembered, not reported in between: report_lost().
 */
#pragma once

#include "cli/options.h"
#include "engine/engine.h"
#include "meta/meta.h"

#include <stdio.h>

struct report_options {
	FILE *out, *err;
	bool json, quiet, verbose, items, dry_run;
	enum progress_mode progress;
	bool err_is_terminal;
	bool colour; /* on err */
	const char *command; /* "sync"; static */
	const char *source, *target; /* for people, escaped; copied */
};

struct report;

struct report *report_new(const struct report_options *o);
void report_free(struct report *r);

void report_diag(struct report *r, const struct diag *d);
bool report_said(const struct report *r, const struct diag *d); /* the last of its code was the same */
void report_note(struct report *r, const char *text);
/* A line that a hook printed which has failed; code: the diagnostic that will say so. */
void report_hook(struct report *r, enum diag_code code, const char *line);
void report_source(struct report *r, const struct source_fs *f);
/* Appends the same as a line for people, escaped. */
void report_source_text(struct buf *out, const struct source_fs *f);
void report_item(struct report *r, const struct item *i);
void report_difference(struct report *r, const struct difference *d);
/* now: asked for by SIGUSR1, so printed whatever the options say. */
void report_progress(struct report *r, const struct progress *p, bool now);
/* Steps of `run`: "copy", "sync", "verify". */
void report_step_begin(struct report *r, const char *step);
void report_step_end(struct report *r, const struct summary *s);
/* The last words. verified: the counts of verify in s are meaningful (with `run` beside those of copy and sync). */
void report_end(struct report *r, const struct summary *s, bool transferred, bool verified);
/* The last words of a command that could not begin. */
void report_exit_error(struct report *r, const struct diag *d);
/* Some output could not be written; flushes. */
bool report_lost(struct report *r);

/* The name of a kind of difference, of an operation, of a type: as JSON and text have them. */
const char *report_kind_name(enum difference_kind kind);
const char *report_op_name(enum item_op op);
const char *report_type_name(uint8_t type);
