/*
 * What run, copy, sync and verify have in common: from options to a job, the steps through the engine, report
 * and log, the exit code.
 *
 * Process: the coordinator. Ownership: struct work owns everything in it but the options.
 */
#pragma once

#include "cli/dirs.h"
#include "cli/options.h"
#include "cli/report.h"
#include "diag/log.h"
#include "engine/engine.h"
#include "job/lock.h"

struct work {
	const struct options *o;
	struct conf *conf;
	struct conf_sources sources;
	struct dirs dirs;
	struct job job; /* name is owned here */
	struct job_kept kept;
	struct report *report;
	struct log *log;
	char *to; /* "root@host:/srv", escaped, for messages */
	const char **paths; /* of verify */
	bool recorded; /* items go to the log too */
	struct job_locks locks; /* of a dry run none */
	int64_t started; /* real ns */
};

/* The operands are SRC DST. What verify does with two arguments, target_spec_is_one() says. */
struct work_operands {
	const char *source, *target; /* NULL: the configured job */
};

/*
 * Loads the configuration, makes the job, opens report and log. On failure all has been said and the exit
 * code is returned; else 0. w is to be released in both cases.
 */
int work_begin(struct work *w, const struct options *o, const struct work_operands *operands);
/* Takes the lock and runs the hook on_start. False when the job cannot begin: s says why, for work_end(). */
bool work_start(struct work *w, struct summary *s);
/* Runs one step through the engine. out is to be released by summary_release(). */
void work_step(struct work *w, enum job_kind kind, struct summary *out);
/* The last words: metrics, hooks, report, log. Returns the exit code of the process. */
int work_end(struct work *w, const struct summary *s, bool transferred, bool verified);
void work_release(struct work *w);

/* Says why a command cannot begin: on stderr, and with --json as exit_error on stdout too. Returns the exit code. */
int work_refuse(const struct options *o, const struct usage_error *e);
/* The configuration under the common options. NULL when it has errors: each is then on stderr, e stands for them. */
struct conf *work_load_conf(const struct options *o, bool no_files, struct usage_error *out_error);
/* The same for commands that need only the job's name: other errors are a warning. */
struct conf *work_load_conf_name(const struct options *o, struct usage_error *out_error);
/* False with out_error set when the configuration names no target. */
bool work_check_target(const struct conf *c, struct usage_error *out_error);
/* The name of the configured job. */
const char *work_job_name(const struct conf *c);
/* "root@host:/srv" of the configuration, escaped; to be freed. */
char *work_target_text(const struct conf *c);
