/*
 * One shell command of [hooks]: started, listened to, ended when it takes too long.
 *
 * Process: the coordinator, while no engine runs, with SIGINT and SIGTERM blocked. The command has a session of its own, no
 * input, the default signals, and no descriptor of ours. What it leaves in the background when it ends is its own affair,
 * but no longer heard.
 */
#pragma once

#include "base/buf.h"

struct hook {
	const char *command;
	const char *const *environment; /* "NAME=value", then NULL; added to ours */
	int64_t timeout_ns;
	void (*line)(void *arg, const char *text); /* each line of its output, cleaned of control characters */
	void *arg;
};

/* True when it exited with 0; else out_why is "exit code 3" or the like. out_signal: what ended it was this signal to us. */
bool hook_run(const struct hook *h, struct buf *out_why, int *out_signal);
