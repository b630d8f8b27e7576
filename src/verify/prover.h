/*
 * The prover: the target's side of verify. It lists, reads metadata and hashes what it is asked about, and
 * judges nothing.
 *
 * Process: `rehost-receiver --prove`, confined read-only by the caller beforehand. It writes nothing but
 * answers, follows no symbolic link and resolves every path beneath root_fd. Nothing here allocates more than
 * the bounds of proto.h, whatever is asked. Requests are served strictly in the order they come.
 */
#pragma once

/*
 * Serves requests until in_fd ends: 0. 1 when the peer broke the protocol or out_fd cannot be written. Both
 * descriptors are blocking; they may be the same. root_fd is the target root; the working directory changes.
 * SIGPIPE is ignored from here on.
 */
int verify_prover_main(int in_fd, int out_fd, int root_fd);
