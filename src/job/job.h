/*
 * What a job is: what is asked for, what came of it, and how it stands while it runs. The coordinator works on it (room
 * engine); `status`, `pause`, `limits` and their like look at it from outside (state.h, lock.h, runs.h, control.h).
 */
#pragma once

#include "base/counters.h"
#include "conf/conf.h"
#include "diag/diag.h"

enum job_kind { JOB_COPY, JOB_SYNC, JOB_VERIFY };

enum hangup { HANGUP_ENDS, HANGUP_RELOADS, HANGUP_IGNORED };

/* What holds over all steps of a run; 0 at its beginning. */
struct job_kept {
	bool paused; /* by its user */
	unsigned limits_said; /* which have been said not to be kept */
	char *sources_said; /* the file systems that have been listed; engine/sources.c, freed by the job's owner */
};

struct job {
	enum job_kind kind;
	/* target.address, target.root and source.root are set, also for SRC DST; limits may change. */
	struct conf *conf;
	char *name; /* of state, lock, log: [job] name, "default", "adhoc-..." */
	bool adhoc; /* SRC DST: no state of copies, deletion only when asked for, root's type does not matter */
	bool dry_run;
	bool checksum; /* -c */
	bool repair; /* sync: what the last verify has found different is compared by contents */
	bool one_file_system; /* -x */
	bool adopt;
	bool sync_follows; /* a copy after which `run` syncs: what that would refuse is refused now */
	bool want_space; /* -v, --json: a copy says what has become of all that is in use */
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
	unsigned processes; /* movers or verifiers */
	/* "connecting", "copying", "syncing", "deleting", "writing to disk", "verifying", "waiting for the link", "paused" */
	const char *phase;
};

/* Why a job that runs holds still for now; several may hold at once. */
enum hold {
	HOLD_USER = 1 << 0, /* 'rehost pause' */
	HOLD_PRESSURE = 1 << 1, /* others wait for the host */
	HOLD_MEMORY = 1 << 2, /* the limit is near: only nothing new begins */
};

const char *job_kind_name(enum job_kind k);

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

/* What is in use on a file system of the source, in bytes on the disk, and what became of it. */
struct fs_space {
	char *path, *fstype; /* where it is mounted; of several mounts the first */
	bool whole; /* all of it is walked: what is in use adds up */
	uint64_t used_before, used; /* when the run began, and at its end */
	uint64_t copied, left_out, hidden,
		deleted; /* left_out: by rules; hidden: beneath mounts; deleted: and still open */
	uint64_t holes; /* of what is copied: these take nothing */
};

struct summary {
	struct fs_space *space; /* of a copy, when it is wanted; owned */
	size_t space_len;
	int64_t duration_ns, paused_ns;
	struct counts counts;
	uint64_t differences; /* of verify, as what follows */
	uint64_t difference_counts[DIFFERENCE_KINDS];
	unsigned processes; /* movers or verifiers: the most that worked at once */
	int signal; /* ended by this signal, or 0 */
	struct diag fatal; /* why the run ended early, DIAG_NONE when it did not; owned */
	int exit_code; /* as rehost(8) says */
};

void summary_release(struct summary *s);
/* What is in use and is none of these: the file system's own, and what changed in between. Below 0: what is shared or compressed
 * takes less than its files say. */
int64_t space_other(const struct fs_space *f);
