/* Roles: this program executed anew, with a role's name and the descriptors it needs. */
#pragma once

#include "base/util.h"

/*
 * Starts "--role=NAME FD..."; a descriptor of -1 is passed as such, the others stay open in the child under the number they
 * have. It ignores SIGINT (a terminal's ^C reaches the whole group, and it is the parent that decides), dies with its parent,
 * and before it when memory runs out, and exits with 1 when it cannot be executed. The process id, or -1 with errno.
 */
pid_t role_start(const char *name, const int *fds, size_t n);
/* A role whose channel has ended ends as well: its status. One that does not is killed after half a second, and counts as killed; one
 * that does not even die then, for it waits for a disk, is left to it a second later. */
int role_end(pid_t pid);

/* How a worker's process ends. */
#define ROLE_DONE 0
#define ROLE_FATAL 1 /* an IPC_DIAG said why */
#define ROLE_LOST 10 /* the link is gone: everything unfinished may be given to another */
#define ROLE_UNCONNECTED 11 /* as ROLE_LOST, and the target has never answered */

#define ROLE_MOUNTS_MAX 4096

/* What a worker is given, in this order; it is the worker's from then on. */
struct worker_fds {
	int ipc; /* the socket to the coordinator */
	int wire; /* the stream to the receiver */
	int helper; /* our own copy of the receiver, -1: none */
	int throttle; /* the page of the limits (limits/throttle.h) */
	const int *mounts; /* one directory for each mount of the configuration that comes as first message */
	int mount_count;
};
