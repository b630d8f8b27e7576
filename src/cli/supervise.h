/*
 * Signals answered within five seconds, whatever hangs.
 *
 * A process that waits for a disk cannot be ended, and its parent waits for it. So the process that shell, cron or systemd
 * knows does nothing but wait and pass signals on; another does the work. When that one has not ended in time after SIGINT or
 * SIGTERM, or a second one comes, it is killed and left to itself; it keeps the job's lock until it is gone.
 */
#pragma once

#include "job/job.h"

/* Returns in the process that does the work, with all signals blocked that its loop takes up; the other never returns.
 * The process number is that of the other: what signals go to. */
pid_t supervise(enum hangup hangup);
