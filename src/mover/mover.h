/*
 * The mover: walks directories, reads files, encodes, sends. One process, one connection, one receiver.
 *
 * Descriptors are given by number, as inherited, and are the mover's from then on.
 * Gives up all rights but reading once the receiver answers. Never returns; exit code MOVER_LOST tells the coordinator
 * that the link is gone and everything unfinished may be given to another.
 */
#pragma once

#define MOVER_DONE 0
#define MOVER_FATAL 1 /* an IPC_DIAG said why */
#define MOVER_LOST 10
#define MOVER_UNCONNECTED 11 /* as MOVER_LOST, and the target has never answered */

struct worker_fds {
	int ipc; /* the socket to the coordinator */
	int wire; /* the stream to the receiver */
	int helper; /* our own copy of the receiver, -1: none */
	int throttle; /* the page of the limits (limits/throttle.h) */
	const int *mounts; /* one directory for each mount of the configuration that comes as first message */
	int mount_count;
};

void mover_main(const struct worker_fds *fds) __attribute__((noreturn));
