/*
 * The target root: the directory that all paths are relative to, and what is done to it beside the work in it.
 *
 * Ownership: session_free() closes the descriptor. Errors: none; what fails here is an attempt.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct session;

struct root {
	int fd; /* -1: it does not exist (dry) */
	uint64_t dev, ino, mount;
	bool made; /* by this process: nothing of it was there to be updated */
	bool live; /* "/" of the running system */
	bool no_openat2; /* the kernel has it not: learnt by resolve.c */
};

/* Every receiver takes it for what must not be seen halfway: blocks until the others are done. */
void root_lock(struct session *s);
void root_unlock(struct session *s);

/* A root that its owner, an ordinary user, may not enter himself: u+rwx is added, and the lock held, until root_narrow()
 * gets what this returned. -1: there was nothing to do. */
int root_widen(struct session *s);
void root_narrow(struct session *s, int mode);

/* Around what changes the root's entries but must not change its mtime; the lock is held in between. */
struct root_times {
	struct timespec mtime;
	bool known;
	int mode; /* as root_widen() */
};
void root_times_hold(struct session *s, struct root_times *t);
void root_times_restore(struct session *s, const struct root_times *t);
/* An empty directory in it, between the two. */
void root_remove_dir(struct session *s, const char *name);
