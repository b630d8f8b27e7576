/*
 * The engine: runs one job from beginning to end and tells an observer what happens.
 *
 * Process: the coordinator. It starts the movers (or verifiers), keeps the queue of directories, the hard-link
 * bijection, totals and state; it reads no remote bytes and no file contents. engine_run() must be the only one in its process;
 * the caller holds the job's lock. It returns when everything has ended and been reaped.
 *
 * The observer's functions are called from engine_run(), never concurrently; any may be NULL.
 */
#pragma once

#include "job/job.h"

enum item_op { ITEM_CREATE, ITEM_UPDATE, ITEM_METADATA, ITEM_LINK, ITEM_DELETE };

struct item {
	enum item_op op;
	const char *path; /* relative to the source root, "." for the root; any bytes */
	uint8_t type; /* META_* */
	uint32_t why; /* META_D_* */
	uint64_t bytes; /* of contents, for regular files created or updated */
	const char *link; /* ITEM_LINK: the name it is linked to; symbolic links: NULL */
};

struct difference {
	enum difference_kind kind;
	const char *path;
	const char *const *fields; /* "mtime", "mode", "xattr:user.x" ... */
	size_t field_count;
	const char *source, *target; /* what each side has, for people; NULL when there is nothing */
};

struct observer {
	void *arg;
	void (*diag)(void *arg, const struct diag *d); /* every warning and error, as it happens */
	void (*note)(void *arg, const char *text); /* what a careful user wants to know (info level) */
	void (*item)(void *arg, const struct item *i);
	void (*difference)(void *arg, const struct difference *d);
	void (*progress)(
		void *arg, const struct progress *p); /* about five times a second, and on SIGUSR1 with now set */
	void (*progress_now)(void *arg, const struct progress *p); /* SIGUSR1 */
	void (*reloaded)(void *arg); /* job->conf has changed in what may change while a job runs */
};

/* Runs the job. Always fills out; its exit_code is what the process should exit with (128+N: raise the signal or exit so). */
void engine_run(const struct job *job, const struct observer *observer, struct summary *out);
