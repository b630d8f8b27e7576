/*
 * The mover: walks directories, reads files, encodes, sends. One process, one connection, one receiver.
 *
 * Descriptors are given by number, as inherited: the socket to the coordinator, the stream to the receiver, our own copy
 * of the receiver (-1: none), and one directory for each mount of the configuration that comes as first message.
 * Gives up all rights but reading once the receiver answers. Never returns; exit code MOVER_LOST tells the coordinator
 * that the link is gone and everything unfinished may be given to another.
 */
#pragma once

#define MOVER_DONE 0
#define MOVER_FATAL 1 /* an IPC_DIAG said why */
#define MOVER_LOST 10
#define MOVER_UNCONNECTED 11 /* as MOVER_LOST, and the target has never answered */

void mover_main(int ipc_fd, int wire_fd, int helper_fd, const int *mount_fds, int mount_count) __attribute__((noreturn));
