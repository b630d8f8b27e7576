/*
 * Files of the target that another program has a lease on: opening them has asked for it to be given up. That is waited for
 * here, for a minute of a session in all: a target whose files are served already is no place to be busy in.
 */
#pragma once

#include <stdbool.h>

struct session;

/* After a call that failed, with errno: true when it is to be tried again, after a pause. Else errno is as it was. */
bool lease_pause(struct session *s);
