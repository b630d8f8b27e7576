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

enum source_level {
	SOURCE_DETAIL, /* no data of this host's disks, or copied at another place */
	SOURCE_LISTED,
	SOURCE_SHOWN, /* one of a list that says what is left out: for who reads nothing but the list */
	SOURCE_WARNED, /* a warning says so too */
};

/* A file system of the source, told before anything is done. */
struct source_fs {
	const char *path; /* where it is mounted */
	const char *fstype, *device;
	uint64_t used_bytes; /* 0: not known */
	const char *why; /* it is left out; NULL: it is not */
	bool verified; /* not copied */
	enum source_level level;
};

struct observer {
	void *arg;
	void (*diag)(void *arg, const struct diag *d); /* every warning and error, as it happens */
	void (*note)(void *arg, const char *text); /* what a careful user wants to know (info level) */
	void (*source)(void *arg, const struct source_fs *f);
	void (*item)(void *arg, const struct item *i);
	void (*difference)(void *arg, const struct difference *d);
	void (*progress)(
		void *arg, const struct progress *p); /* about five times a second, and on SIGUSR1 with now set */
	void (*progress_now)(void *arg, const struct progress *p); /* SIGUSR1 */
	void (*reloaded)(void *arg); /* job->conf has changed in what may change while a job runs */
};

/* Runs the job. Always fills out; its exit_code is what the process should exit with (128+N: raise the signal or exit so). */
void engine_run(const struct job *job, const struct observer *observer, struct summary *out);
