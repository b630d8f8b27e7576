/* How the last run of each command ended: for metrics, and for `status` when the target was never reached. */
#pragma once

#include "job/job.h"

/* `run` beside its steps, which count as what they are. */
enum run_command { RUN_COPY = JOB_COPY, RUN_SYNC = JOB_SYNC, RUN_VERIFY = JOB_VERIFY, RUN_RUN, RUN_COMMANDS };

/* Real time in ns; 0 never. succeeded: the last end with exit code 0. */
#define RUN_TIMES(X) X(started) X(ended) X(succeeded) X(duration_ns)
struct run_record {
#define X(name) int64_t name;
	RUN_TIMES(X)
#undef X
	int exit_code;
	struct counts counts;
	uint64_t difference_counts[DIFFERENCE_KINDS];
};

const char *run_command_name(enum run_command c);
/* What cannot be read never was. */
void runs_read(const char *state_dir, const char *name, struct run_record all[RUN_COMMANDS]);
bool runs_write(const char *state_dir, const char *name, const struct run_record all[RUN_COMMANDS], struct diag *d);
void run_record_end(struct run_record *r, const struct summary *s, int64_t started, int64_t ended);
