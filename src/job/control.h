/*
 * Control: asking a job that runs, and telling it what to do, through the socket RUN/JOB.sock.
 *
 * A request is one line, a JSON object with "version" and "command"; so is the reply, with "version" and "ok". The running
 * job's coordinator serves it in its loop (engine/control.c); only the job's owner and root are heard. rehost-internals(7) lists
 * the commands.
 */
#pragma once

#include "diag/diag.h"

#define CONTROL_VERSION 1
#define CONTROL_REPLY_MAX (64u << 10)

struct cJSON;
struct sockaddr_un;

/* Of the socket of a job, below the run directory that is open. */
void control_address(struct sockaddr_un *out, int dir_fd, const char *name);

/*
 * Sends a request (which is freed) to the job and returns its reply, to be freed by cJSON_Delete(). NULL with d:
 * DIAG_JOB_NOT_RUNNING, DIAG_JOB_HOOK or DIAG_JOB_CONTROL (it runs but cannot be asked), or what the job refuses with.
 * out_fd (may be NULL) gets the connection, -1 after a failure.
 */
struct cJSON *control_ask(const char *run_dir, const char *name, struct cJSON *request, int *out_fd, struct diag *d);
/* A request of that command. */
struct cJSON *control_request(const char *command);
/* Waits until the job at the other end of the connection has ended; closes it. False: not within so many seconds. */
bool control_await_end(int fd, unsigned timeout_s);
/* Ends a job that cannot be asked by SIGTERM, and waits for it. False: it is not this user's, or has not ended. */
bool control_end_by_signal(const char *run_dir, const char *name, unsigned timeout_s);
/* The names of the jobs that run here, blanks between; for hints. */
void control_list(const char *run_dir, struct buf *out);
