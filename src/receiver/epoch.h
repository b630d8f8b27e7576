/*
 * Epochs: what has been written is made durable every few seconds, and the mover is told up to when (epoch.c).
 *
 * Process: a thread of its own does the syncing. While it runs, fds, fds_n, all and err are its own, and it reads
 * s->below and s->root; all else is the session's. Ownership: epoch_release() joins it. Errors: kept in written.err,
 * told by SYNC.
 */
#pragma once

#include "receiver/written.h"

#include <pthread.h>

struct session;

struct epoch {
	bool all_wanted; /* the next one is to be of what any receiver can have written */
	bool running, all;
	int64_t time, next_ns; /* of the clock that inodes have; monotonic */
	pthread_t thread;
	int wake[2]; /* a pipe: something to read when the thread is done */
	int fds[WRITTEN_MAX];
	size_t fds_n;
	int err;
};

int64_t epoch_clock(void); /* never behind the times that inodes get from now on */
bool epoch_init(struct session *s);
void epoch_release(struct session *s);
/* Between requests: begins an epoch when it is time, and answers when one has ended. */
void epoch_tick(struct session *s);
int epoch_timeout_ms(const struct session *s); /* until the next tick is of use; -1: none is */
void epoch_wait(struct session *s); /* for the thread, if it runs */
