/* How a mover begins: configuration, bootstrap of the receiver, giving up rights, HELLO. Dies with a diagnostic. */
#pragma once

struct mover;
void handshake(struct mover *m, int wire_fd, int helper_fd, const int *mount_fds, int mount_count);
