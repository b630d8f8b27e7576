/* How a job stands when it runs: its coordinator is asked through the control socket. */
#pragma once

#include "job/state.h"

struct cJSON;

/* Reads the state and, when the job is running, asks it. pid 0: no process holds the lock. */
bool job_state_read(const char *state_dir, const char *run_dir, const char *name, struct job_state *out, pid_t *out_pid,
	struct diag *d);
/* What job_state_read() takes apart: of s, copy_completed and what is said of a running job. */
void status_put(struct cJSON *o, const struct job *job, const struct job_state *s);
