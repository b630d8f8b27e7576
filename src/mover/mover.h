/*
 * The mover: walks directories, reads files, encodes, sends. One process, one connection, one receiver.
 *
 * Descriptors are given by number, as inherited, and are the mover's from then on.
 * Gives up all rights but reading once the receiver answers. Never returns; how it exits is told by ipc/role.h.
 */
#pragma once

struct worker_fds;
void mover_main(const struct worker_fds *fds) __attribute__((noreturn));
