/*
 * The control socket of a running job, RUN/JOB.sock, served by the coordinator's loop (job/control.h asks). Nothing in it waits:
 * there are few clients, a line is short, and who does not read his reply, or says nothing, is dropped.
 */
#pragma once

#include "base/buf.h"

#include <poll.h>

struct engine;

#define CONTROL_FDS 9
/* Begins to listen; that it cannot is a warning. The lock must be held. */
void control_open(struct engine *e);
void control_close(struct engine *e);
/* Fills in what to poll, CONTROL_FDS at most; control_serve() is given the same with its results. */
size_t control_poll(const struct engine *e, struct pollfd *p);
void control_serve(struct engine *e, const struct pollfd *p);
/* Does what a request says and appends the reply, a line. True when it asks the job to end. */
bool control_answer(struct engine *e, const char *line, size_t n, struct buf *out);
