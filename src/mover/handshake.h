/* How a mover begins: configuration, bootstrap of the receiver, giving up rights, HELLO. Dies with a diagnostic. */
#pragma once

struct mover;
struct worker_fds;
void handshake(struct mover *m, const struct worker_fds *fds);
