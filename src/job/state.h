/*
 * What a job remembers from run to run: STATE/JOB/state.json, small, whole, replaced by rename, and the same once more beside it,
 * in state.json.old, for when the first is damaged. Removing state.json makes the job forget, whatever the other says. How it
 * stands when it runs is added by status.h.
 */
#pragma once

#include "job/job.h"

/* A run that did not end well, by the target's clock (ns): what the target was given then may not be on its disk. */
struct unclean {
	int64_t from, to;
	int64_t at; /* our clock when the target's was `from`, or a little later */
	uint64_t walk; /* of which run; 0: of several */
	char *target; /* whose clock and disk: as in `owned` */
};
#define STATE_TIME_MAX (INT64_MAX / 2) /* it has not ended */
#define STATE_UNCLEAN_MAX 16 /* of one target */

/* A file system of a target, as struct msg_place has it. */
struct place {
	char *path; /* relative to the target root; "" is the root */
	uint64_t type, number, dev, ino;
	int64_t born;
};

/* A target root that this job has found empty, or was told to adopt. */
struct owned {
	char *target; /* "TARGET ROOT", state_key() */
	struct place *places; /* the root's, and those that were mounted beneath it when the job last wrote there */
	size_t len;
};

/* A file system of the source that the job has walked. */
struct seen_mount {
	char *path; /* on the host */
	char *id; /* as mounts_identify() has it */
};

/* What the verifies of this target have found. */
enum verified_scope { VERIFIED_NEVER, VERIFIED_WHOLE, VERIFIED_PATHS, VERIFIED_AGAIN /* --recheck */ };

struct job_verified {
	/* of the last one that came to its end */
	enum verified_scope scope;
	bool deep; /* contents were read */
	uint64_t found[DIFFERENCE_KINDS], failed; /* failed: what could not be read */
	/* of all: what has not been looked at again since, or is still so */
	uint64_t open[DIFFERENCE_KINDS], open_unread;
};

/* When something began: by the clock, which can be set, and by what the kernel counts from its start on. */
struct moment {
	int64_t real, boot; /* ns */
	int64_t boot_id; /* which start of the kernel; 0: not known */
};

struct job_state {
	bool exists;
	bool recovered; /* state.json could not be read: this is what its copy beside it has */
	char *target, *target_root, *source_root; /* what the state belongs to */
	bool copy_completed;
	struct owned *owned;
	size_t owned_len;
	int64_t copy_started; /* the first one */
	int64_t copy_completed_at, last_sync_started, last_sync_completed, last_verify_completed; /* real ns, 0 never */
	struct moment last_began; /* the last sync or copy */
	/* Files whose times lie in between, by the source's clock, may have been changed since without a new one: see
	 * engine/doubt.h. doubt_until is STATE_TIME_MAX while a run works, or when it did not end. 0: none */
	int64_t doubt_since, doubt_until;
	struct job_verified verified;
	int last_exit_code;
	char *last_command; /* NULL: none has ended */
	int64_t last_ended;
	uint64_t files, bytes; /* of the last complete walk, for totals */
	struct unclean *unclean; /* of all targets; while a run works, its own is the last */
	size_t unclean_len;
	struct seen_mount *source; /* whatever the target */
	size_t source_len;
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

/* How many differences are open that are not only changes of the source. */
static inline uint64_t state_differs(const struct job_state *s)
{
	uint64_t n = s->verified.open_unread;

	for (int kind = 0; kind < DIFFERENCE_KINDS; kind++)
		n += kind == DIFFERENCE_CHANGED ? 0 : s->verified.open[kind];
	return n;
}
/* What was never written is no error: exists is false. */
bool state_load(const char *state_dir, const char *name, struct job_state *out, struct diag *d);
void job_state_release(struct job_state *s);
bool state_write(const struct job *job, const struct job_state *s, struct diag *d);
/* Whether it belongs to what the job does, or to what is named. */
bool state_matches(const struct job *job, const struct job_state *s);
bool state_belongs_to(const struct job_state *s, const char *target, const char *target_root, const char *source_root);
/* What it belongs to, as both files of JSON have it. */
struct cJSON;
void state_put_target(struct cJSON *o, const struct job *job);
/* The job's target, when the job owns it; NULL else. */
const struct owned *state_owned(const struct job *job, const struct job_state *s);
/* It owns it, with no places yet. */
void state_own(const struct job *job, struct job_state *s);
/* One more of the job's target, which it owns. */
void state_own_place(const struct job *job, struct job_state *s, const struct place *p);
/* Another target: everything begins anew, but what is known of each: that the job owns it, and what may not be on its disk. */
void state_forget(struct job_state *s);
/* What names the job's target in `owned` and in `unclean`; to be freed. */
char *state_key(const struct job *job);
/* Remembers what is mounted at a path of the source; and no more of what is at it or beneath, but what is added later. */
void state_source_set(struct job_state *s, const char *path, const char *id);
void state_source_forget(struct job_state *s, const char *beneath);
struct unclean *state_unclean_add(struct job_state *s);
void state_unclean_drop(struct job_state *s, size_t i);
/* True when a copy to this target, root and source has completed (what `run` asks). */
bool job_copy_completed(const struct job *job);
