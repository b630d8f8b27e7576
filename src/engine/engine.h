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

#include "base/result.h"
#include "conf/conf.h"
#include "diag/diag.h"

enum job_kind { JOB_COPY, JOB_SYNC, JOB_VERIFY };

enum hangup { HANGUP_ENDS, HANGUP_RELOADS, HANGUP_IGNORED };

/* What holds over all steps of a run; 0 at its beginning. */
struct job_kept {
	bool paused; /* by its user */
	unsigned limits_said; /* which have been said not to be kept */
};

struct job {
	enum job_kind kind;
	struct conf
		*conf; /* target.address, target.root and source.root are set, also for SRC DST; limits may change */
	char *name; /* of state, lock, log: [job] name, "default", "adhoc-..." */
	bool adhoc; /* SRC DST: no state of copies, deletion only when asked for, root's type does not matter */
	bool dry_run;
	bool checksum; /* -c */
	bool one_file_system; /* -x */
	bool adopt;
	bool want_items; /* -i, -v, --json, -n: call observer->item */
	bool batch; /* never prompt */
	pid_t pid; /* of the process that signals go to; 0: this one */
	enum hangup hangup; /* what SIGHUP means */
	const struct conf_sources *sources; /* of the configuration, for HANGUP_RELOADS */
	bool retry; /* configured job: [retry] applies */
	bool first_connection_retries; /* `run`: [retry] applies to the very first connection too */
	/* verify only */
	enum conf_verify_mode verify_mode;
	bool recheck;
	const char *const *paths; /* restrict to these (relative to the source root or absolute in it); NULL: all */
	size_t path_count;
	const char *state_dir, *run_dir; /* absolute; of this program, not yet of this job */
	const char *log_dir; /* only to leave it out of the walk */
	struct job_kept *kept;
};

struct progress {
	uint64_t files_examined, files_expected; /* expected 0: not known */
	uint64_t bytes_done, bytes_expected; /* of contents: transferred, matched or found equal */
	uint64_t files_transferred;
	uint64_t bytes_sent, bytes_received;
	uint64_t rate; /* bytes_done a second over the last few seconds */
	int64_t elapsed_ns;
	int64_t remaining_s; /* -1: not known */
	unsigned movers;
	const char *
		phase; /* "connecting", "copying", "syncing", "deleting", "writing to disk", "verifying", "waiting for the link", "paused" */
};

enum item_op { ITEM_CREATE, ITEM_UPDATE, ITEM_METADATA, ITEM_LINK, ITEM_DELETE };

struct item {
	enum item_op op;
	const char *path; /* relative to the source root, "." for the root; any bytes */
	uint8_t type; /* META_* */
	uint32_t why; /* META_D_* */
	uint64_t bytes; /* of contents, for regular files created or updated */
	const char *link; /* ITEM_LINK: the name it is linked to; symbolic links: NULL */
};

enum difference_kind {
	DIFFERENCE_CONTENT,
	DIFFERENCE_MISSING, /* at the target */
	DIFFERENCE_EXTRA, /* at the target */
	DIFFERENCE_TYPE,
	DIFFERENCE_METADATA,
	DIFFERENCE_HARDLINK,
	DIFFERENCE_CHANGED, /* the source changed meanwhile */
	DIFFERENCE_KINDS
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

struct summary {
	int64_t duration_ns, paused_ns;
	uint64_t files_examined, files_transferred, files_deleted, files_vanished, files_failed;
	uint64_t bytes_total, bytes_literal, bytes_matched, bytes_sent, bytes_received, bytes_helper;
	uint64_t metadata_updated, links_made, dirs_created;
	/* verify */
	uint64_t bytes_hashed, differences;
	uint64_t difference_counts[DIFFERENCE_KINDS];
	unsigned movers; /* the most that worked at once */
	int signal; /* ended by this signal, or 0 */
	struct diag fatal; /* why the run ended early, DIAG_NONE when it did not; owned */
	int exit_code; /* as interface.md says */
};

/* Takes the locks of the job, to be held over all its steps; they go with the descriptors, or the process. False with d, of
 * exit class 75 when another process has one. */
struct job_locks {
	int run, state;
};
#define JOB_LOCKS_NONE ((struct job_locks){-1, -1})
bool job_lock(const struct job *job, struct job_locks *out, struct diag *d);
void job_unlock(struct job_locks *l);
/* What the job does that cannot be asked now ("the hook x"), for those who ask; NULL: it can be. */
void job_lock_note(const struct job_locks *l, const char *note);
/* The run directory of the process that works on this state, to be freed; NULL: none does. */
char *job_run_dir(const char *state_dir, const char *name);
/* Runs the job. Always fills out; its exit_code is what the process should exit with (128+N: raise the signal or exit so). */
void engine_run(const struct job *job, const struct observer *observer, struct summary *out);
void summary_release(struct summary *s);

/* The roles this binary plays for itself: called by main() for `--role=NAME ...` before anything else. Never returns. */
void engine_role_main(int argc, char **argv) __attribute__((noreturn));

/* ---- how the last run of each command ended: for metrics, and for `status` when the target was never reached (runs.c) ---- */

/* `run` beside its steps, which count as what they are. */
enum run_command { RUN_COPY = JOB_COPY, RUN_SYNC = JOB_SYNC, RUN_VERIFY = JOB_VERIFY, RUN_RUN, RUN_COMMANDS };

/* Real time in ns; 0 never. succeeded: the last end with exit code 0. */
#define RUN_TIMES(X) X(started) X(ended) X(succeeded) X(duration_ns)
/* Of the summary, with what they count. */
#define RUN_COUNTERS(X)                                               \
	X(files_examined, "Entries of every type examined")           \
	X(files_transferred, "Files transferred")                     \
	X(files_deleted, "Entries deleted at the target")             \
	X(files_vanished, "Files that vanished while they were read") \
	X(files_failed, "Files that failed")                          \
	X(bytes_total, "Bytes of all files examined")                 \
	X(bytes_literal, "Bytes of contents sent")                    \
	X(bytes_matched, "Bytes of contents found at the target")     \
	X(bytes_sent, "Bytes sent")                                   \
	X(bytes_received, "Bytes received")                           \
	X(bytes_helper, "Bytes of the helper sent")                   \
	X(bytes_hashed, "Bytes hashed")

struct run_record {
#define X(name) int64_t name;
	RUN_TIMES(X)
#undef X
	int exit_code;
#define X(name, help) uint64_t name;
	RUN_COUNTERS(X)
#undef X
	uint64_t difference_counts[DIFFERENCE_KINDS];
};

const char *run_command_name(enum run_command c);
/* What cannot be read never was. */
void runs_read(const char *state_dir, const char *name, struct run_record all[RUN_COMMANDS]);
bool runs_write(const char *state_dir, const char *name, const struct run_record all[RUN_COMMANDS], struct diag *d);
void run_record_end(struct run_record *r, const struct summary *s, int64_t started, int64_t ended);

/* ---- state and lock, also for `status` ---- */

/* A run that did not end well, by the target's clock (ns): what the target was given then may not be on its disk. */
struct unclean {
	int64_t from, to;
	int64_t at; /* our clock when the target's was `from`, or a little later */
	uint64_t walk; /* of which run; 0: of several */
	char *target; /* whose clock and disk: as in `owned` */
};
#define STATE_UNCLEAN_MAX 16 /* of one target */

struct job_state {
	bool exists;
	char *target, *target_root, *source_root; /* what the state belongs to */
	bool copy_completed;
	char **owned; /* targets this job has found empty or was told to adopt: "TARGET ROOT" */
	size_t owned_len;
	int64_t copy_started; /* the first one */
	int64_t copy_completed_at, last_sync_started, last_sync_completed, last_verify_completed; /* real ns, 0 never */
	int last_exit_code;
	char *last_command; /* NULL: none has ended */
	int64_t last_ended;
	uint64_t files, bytes; /* of the last complete walk, for totals */
	struct unclean *unclean; /* of all targets; while a run works, its own is the last */
	size_t unclean_len;
	uint64_t skip_dev, skip_ino; /* the target root on this very host, left out of the walk; 0: it is elsewhere */
	/* While running, else zero. What the state belongs to is then what the run does, and all above is of that: */
	int64_t running_since;
	char *running_command;
	struct progress progress; /* phase is owned by running_phase */
	char *running_phase;
	char *lost; /* why it waits for the link, or NULL */
	unsigned held; /* enum hold */
	char *silent; /* why the running job says nothing of itself, or NULL */
};

/* Why a job that runs holds still for now; several may hold at once. */
enum hold {
	HOLD_USER = 1 << 0, /* 'rehost pause' */
	HOLD_PRESSURE = 1 << 1, /* others wait for the host */
	HOLD_MEMORY = 1 << 2, /* the limit is near: only nothing new begins */
};

/* Reads state and, when the job is running, asks it. pid 0: no process holds the lock. */
bool job_state_read(const char *state_dir, const char *run_dir, const char *name, struct job_state *out, pid_t *out_pid,
	struct diag *d);
void job_state_release(struct job_state *s);
/* True when a copy to this target, root and source has completed (what `run` asks). */
bool job_copy_completed(const struct job *job);
