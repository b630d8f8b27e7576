/* Roles: this program executed anew, with a role's name and the descriptors it needs. */
#pragma once

#include "base/util.h"

/*
 * Starts "--role=NAME FD..."; a descriptor of -1 is passed as such, the others stay open in the child under the number they
 * have. It ignores SIGINT (a terminal's ^C reaches the whole group, and it is the parent that decides), dies with its parent,
 * and before it when memory runs out, and exits with 1 when it cannot be executed. The process id, or -1 with errno.
 */
pid_t role_start(const char *name, const int *fds, size_t n);
