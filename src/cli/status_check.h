/*
 * The verdict of `status --check`: one line and an exit code as monitoring plugins have them. Pure.
 *
 * OK: the last completed sync is not older than max_age, and the last command exited with 0. WARNING: it is,
 * but the last command did not; or it is too old, or there is none yet, but the job is at work. CRITICAL: too
 * old and nothing is running. UNKNOWN: nothing is known of the job.
 */
#pragma once

#include "job/status.h"

enum { STATUS_OK, STATUS_WARNING, STATUS_CRITICAL, STATUS_UNKNOWN };

struct status_check {
	int code;
	struct buf text; /* "REHOST OK - ...", without a newline */
};

/* now: real ns; max_age: seconds. out->text is to be released. */
void status_check_make(
	struct status_check *out, const char *job, const struct job_state *s, pid_t pid, int64_t now, uint64_t max_age);
const char *status_check_name(int code);
