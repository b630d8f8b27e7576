/* Private to the room transport: child processes. */
#pragma once

#include "transport/transport.h"
#include "transport/words.h"

#define CHILD_FDS 5
struct child {
	char *const *argv; /* argv[0] is looked for in PATH unless path is set */
	const char *path;
	int fd[CHILD_FDS]; /* descriptor i of the child; -1: /dev/null for 0 and 1, ours for 2, none for others */
	const struct strv *env; /* NAME=VALUE to add, or NULL */
	bool own_group; /* away from the terminal's signals */
	bool ignore_int; /* on the terminal, for prompts, but not ended by Ctrl-C: that is ours to handle */
};
#define CHILD_INIT                           \
	{                                    \
		.fd = { -1, -1, -1, -1, -1 } \
	}
/* Forks and executes; -1 with errno when that failed (the exec's errno included). The child dies with its parent. */
pid_t child_start(const struct child *c);
/* Runs to its end, stdout and stderr collected (64 KiB each). False: errno (ETIMEDOUT after the timeout, and when a signal
 * comes that ends us). */
bool child_capture(char *const *argv, unsigned timeout_s, struct buf *out, struct buf *err, int *out_status);
/* Waits until deadline (clock_mono_ns), or a signal that ends us, draining conn's err_fd; true when reaped. */
bool child_reap(pid_t pid, int64_t deadline, struct transport_conn *conn, int *out_status);
/* Large buffers on both ends, so that a busy peer does not stall the other. */
void socket_enlarge(int fd);
