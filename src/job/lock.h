/* The locks of a job: who runs it. */
#pragma once

#include "job/job.h"

/* Takes the locks of the job, to be held over all its steps; they go with the descriptors, or the process. False with d, of
 * exit class 75 when another process has one. */
struct job_locks {
	int run, state;
};
#define JOB_LOCKS_NONE ((struct job_locks){-1, -1})
bool job_lock(const struct job *job, struct job_locks *out, struct diag *d);
void job_unlock(struct job_locks *l);
/* What the job does that cannot be asked now ("the hook x"), for those who ask; NULL: it can be. */
void job_lock_note(const struct job_locks *l, const char *note);
/* The run directory of the process that works on this state, to be freed; NULL: none does. */
char *job_run_dir(const char *state_dir, const char *name);

/* ---- from outside ---- */

pid_t lock_holder(const char *run_dir, const char *name); /* 0: nobody */
char *lock_note(const char *run_dir, const char *name); /* to be freed; NULL: none */
/* To the holder, when the lock is this user's. 0 or an errno. */
int lock_signal(const char *run_dir, const char *name, int sig);
pid_t lock_state_holder(const char *state_dir, const char *name);
