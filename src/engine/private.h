/*
 * What the files of this room share. All of it runs in the coordinator, one thread, one loop (run.c).
 */
#pragma once

#include "engine/engine.h"
#include "limits/throttle.h"
#include "pace/message.h"
#include "mounts/mounts.h"
#include "rules/rules.h"
#include "ipc/chan.h"
#include "ipc/ipc.h"
#include "job/control.h"
#include "job/lock.h"
#include "job/runs.h"
#include "job/state.h"
#include "transport/transport.h"
#include "verify/links.h"
#include "wire/msg.h"

#include <poll.h>

/* ---- what does not fit into memory (spill.c, region.c) ---- */

/* A stack of records. dir NULL: all of it stays in memory. */
struct spill {
	const char *dir; /* where the file goes; the caller's */
	int fd; /* -1 until needed */
	struct buf mem;
	uint64_t spilled; /* bytes in the file */
	uint64_t count; /* records */
	size_t begun; /* where the record being appended begins */
	size_t write_at; /* bytes in memory: time to write */
	int err; /* errno: it could not be written or read back, and is lost */
};
void spill_init(struct spill *s, const char *dir);
/* A record is what is appended between the two. */
struct buf *spill_begin(struct spill *s);
void spill_end(struct spill *s);
/* The last one, valid until the next call; false when there is none, or with err set. */
bool spill_take(struct spill *s, struct bytes *out);
void spill_release(struct spill *s);

/* One piece of memory that grows. dir NULL: without a file. False with errno when there is no room; it is then as before. */
struct region {
	int fd;
	uint8_t *p;
	size_t len, cap;
};
bool region_map(struct region *r, const char *dir, size_t cap);
bool region_grow(struct region *r, size_t cap);
void region_unmap(struct region *r);

/* ---- units of work (queue.c) ---- */

struct share;

struct worker;

struct unit {
	uint32_t id;
	uint8_t kind, flags;
	uint32_t mount;
	char *src, *dst;
	struct unit *next; /* in the queue, or in its worker's list */
	/* hashes of the names it has handed on, so that a second run of it hands on no directory twice */
	struct given {
		struct buf few;
		struct region many; /* all further ones; not mapped when there are none */
		size_t few_before, many_before; /* of them: handed on by earlier runs, in order */
	} given;
	bool again; /* it is being done a second time */
	bool deferred;
	bool listed; /* all it holds is known */
	/* UNIT_SEGMENT */
	struct share *share;
	char *path, *basis_path;
	uint64_t size, off, len, basis, ino, mtime_ns;
};

struct unit *queue_unit_new(uint8_t kind, uint8_t flags, uint32_t mount, const char *src, const char *dst);
void queue_unit_free(struct unit *u);
/* True when the unit has handed on this name before (and notes it, in dir when there are many). */
bool queue_unit_gave(struct unit *u, const struct digest_key *k, const void *name, size_t n, const char *dir);
/* It is going to be done once more. */
void queue_unit_redo(struct unit *u);

struct queue { /* last in, first out: depth first keeps it short */
	struct unit *head; /* segments, and what is done again: comes first */
	struct spill packed;
	size_t len;
};
void queue_init(struct queue *q, const char *dir);
void queue_push(struct queue *q, struct unit *u);
void queue_add(struct queue *q, uint8_t kind, uint8_t flags, uint32_t mount, const char *src, const char *dst);
struct unit *queue_pop(struct queue *q); /* NULL: there is none, or packed.err is set */
void queue_release(struct queue *q); /* leaves it empty */

/* A large file written by several movers. */
struct share {
	uint32_t worker, file; /* whose it is; serial number of the worker */
	uint32_t left; /* segments not yet done */
	bool failed, changed, orphan;
	struct share *next;
};

/* ---- the bijection of hard links (links.c) ---- */

struct links;
/* dir: for the files behind it; NULL: memory. NULL with errno when there is no room. */
struct links *links_new(const char *dir);
/* errno when there was no room for what it was given, which is then lost; 0. */
int links_error(const struct links *l);
void links_free(struct links *l);

enum claim { CLAIM_FIRST, CLAIM_WAIT, CLAIM_TO };
struct link_target {
	uint64_t dev, ino;
	const char *path; /* valid until the next call */
};
/* worker and token identify the name that asks; for WAIT it is remembered. */
enum claim links_claim(
	struct links *l, uint64_t dev, uint64_t ino, uint32_t worker, uint64_t token, struct link_target *out);
/* May this target inode stand for this source inode? */
bool links_bind(struct links *l, uint64_t dev, uint64_t ino, uint64_t tdev, uint64_t tino);
/* Called for everything that waits when the first name is there (first false) or has failed (the next is first). */
typedef void (*links_wake_fn)(void *arg, uint32_t worker, uint64_t token, bool first, const struct link_target *to);
void links_commit(struct links *l, uint64_t dev, uint64_t ino, uint64_t tdev, uint64_t tino, const char *path,
	links_wake_fn wake, void *arg);
void links_fail(struct links *l, uint64_t dev, uint64_t ino, links_wake_fn wake, void *arg);
/* A mover is gone: what it was first for goes to the next, what it waited for is forgotten. */
void links_worker_gone(struct links *l, uint32_t worker, links_wake_fn wake, void *arg);

/* What a running job says of itself (control.c carries it). */
struct engine;
struct cJSON;
void status_tell(struct engine *e, struct cJSON *o); /* status.c */

/* ---- workers (worker.c) ---- */

enum worker_state { WORKER_STARTING, WORKER_READY, WORKER_SYNCING, WORKER_SYNCED, WORKER_FINISHING, WORKER_GONE };

struct worker {
	uint32_t serial;
	enum worker_state state;
	pid_t pid;
	int64_t ready_ns;
	struct chan ipc;
	struct transport_conn conn;
	struct unit *units; /* in flight */
	unsigned unit_count;
	bool fatal_said;
	bool discarded; /* killed before it was of use: what it still says does not matter */
	bool retired; /* ended because memory is short */
	bool sync_all; /* asked to make durable what any receiver has written */
	int64_t durable; /* target's time: what its receiver wrote before is on the disk */
	struct diag no_root; /* why its receiver has not the root that those before had; after a reboot that may come */
	unsigned segment_count;
	struct {
		uint64_t files, bytes, done;
	} counted, settled; /* what it has examined and done: in all, and of that in units that are done */
	struct {
		double cpu, io; /* its share of what the target may be put to, as last told; 0: no limit */
		double want_cpu, want_io;
		int64_t at; /* of the last that was heard; 0: nothing was */
		struct pace_used used;
	} pace;
	struct worker *next;
};

#define WORKERS_MAX 16

struct engine {
	const struct job *job;
	const struct observer *observer;
	struct summary *out;
	struct transport *transport;
	struct mount_plan plan;
	bool *mount_given;
	struct rules *rules;
	struct queue queue;
	struct queue segments; /* of large files; apart, so that a mover full of directories takes them too */
	struct queue deferred; /* directories to be visited again at the end: delete = after */
	char *spill_dir; /* for what does not fit into memory; NULL with --dry-run */
	struct links *links;
	struct verify_links *verify_links;
	struct share *shares;
	struct worker *workers;
	unsigned worker_count, worker_max;
	uint32_t next_serial, next_unit;
	struct job_state state;
	uint8_t seed[16];
	struct digest_key name_key;
	char shared_dir[256];
	char *empty_dir;
	bool run_dir_made, empty_made;
	struct buf skips;
	bool target_checked, first_sent, revisiting, ending, synced;
	bool ever_linked; /* a worker has had an answer of the target in this run */
	uint64_t delete_budget;
	bool budget_lent, budget_warned;
	uint32_t budget_holder;
	struct budget_ask {
		uint32_t worker;
		uint64_t token;
	} * asks; /* wait for what is lent */
	size_t ask_len;
	int64_t changed_since;
	struct { /* durable.c; times of the target, *_at ours, *_ns monotonic */
		bool begun;
		char *target; /* state_key() */
		uint64_t walk;
		int64_t until; /* what all workers wrote before is on the disk */
		int64_t host; /* what lost workers wrote before is; WIRE_TIME_MAX: none is of interest */
		int64_t until_at, lost_ns, asked_ns, kept_ns;
	} durable;
	struct { /* as the first receiver, or the first after a reboot, has told it */
		uint8_t boot_id[16];
		uint64_t mount, ino;
	} target;
	uint32_t restart; /* serial of the worker whose receiver has found another boot or mount, 0: none */
	int64_t restart_now;
	/* reconnecting */
	int64_t lost_since, retry_at;
	unsigned tries, long_tries, crashes;
	int64_t let_go_until; /* when those that hang at the end are killed */
	bool lost_any; /* a worker was lost in this run */
	bool forecast; /* of totals: there is one */
	struct diag lost; /* why, of the last loss; nothing once the link is open again */
	bool retry_said;
	/* totals */
	struct ipc_count total;
	uint64_t failed_said; /* diagnostics of movers that count as a failed file */
	struct progress progress;
	int64_t started_ns, progress_ns, started_real;
	uint64_t rate_bytes;
	int64_t rate_ns;
	double rate;
	struct throttle *throttle; /* what all workers keep to together */
	int throttle_fd;
	int64_t divided_ns; /* the target's limits, between the receivers */
	unsigned holds; /* enum hold */
	int64_t paused_since, paused_ns; /* by HOLD_USER: since when, 0 when it is not; and how long before */
	struct control *control; /* NULL: none */
	struct conf_limits limits; /* in force: the configuration's, or what limits_apply() was given */
	struct host *host; /* what keeps them (limits.c) */
	int signal_fd;
	bool stop; /* a fatal diagnostic or a signal */
	bool verify_whole; /* not single paths */
	struct buf differing; /* verify: what differs, for --recheck (recheck.c) */
	uint64_t units_done_files, units_done_bytes;
	uint64_t skip_dev, skip_ino; /* the target root inside the source */
};

void engine_fatal(struct engine *e, struct diag *d); /* the first one is kept; takes it */
void engine_diag(struct engine *e, const struct diag *d);
void engine_note(struct engine *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The bandwidth that holds at this minute. */
void engine_bandwidth(struct engine *e);
/* Holds all workers where they are, or lets them go on when nothing else holds them. Links stay open. */
void engine_hold(struct engine *e, enum hold why, bool on);

bool worker_start(struct engine *e, struct diag *d);
void worker_feed(struct engine *e, struct worker *w);
void worker_frames(struct engine *e, struct worker *w);
void worker_gone(struct engine *e, struct worker *w);
void worker_kill_but(struct engine *e, const struct worker *keep); /* NULL: all */
void worker_send(struct worker *w, uint8_t type, const struct buf *payload);
struct worker *worker_by_serial(struct engine *e, uint32_t serial);
void worker_unit_done(struct engine *e, struct worker *w, struct unit *u);
struct unit *worker_unit(struct worker *w, uint32_t id);
void links_wake(void *arg, uint32_t serial, uint64_t token, bool first, const struct link_target *to);
void worker_ready(struct engine *e, struct worker *w, const struct ipc_ready *r);

/* dispatch.c: what workers say */
void dispatch_frame(struct engine *e, struct worker *w, const struct frame *f);
void dispatch_malformed(struct engine *e, const char *what);
/* It is lost: what it has counted of units that are not done is counted again when they are. */
void dispatch_uncount(struct engine *e, const struct worker *w);
void share_segment_done(struct engine *e, struct share *s, bool ok);
void shares_clear(struct engine *e);
void budget_worker_gone(struct engine *e, uint32_t serial);

/* target.c: is this the right target */
bool target_check(struct engine *e, const struct ipc_ready *r, struct diag *d);

/* durable.c */
/* The target is known to be right, nothing has been written: says so in e->state, which is not written yet. */
void durable_begin(struct engine *e, const struct ipc_ready *r);
void durable_ready(struct engine *e, struct worker *w, const struct ipc_ready *r);
void durable_epoch(struct engine *e, struct worker *w, const struct msg_epoch *m);
void durable_lost(struct engine *e, const struct worker *w);
void durable_tick(struct engine *e);
void durable_end(struct engine *e, bool whole); /* whole: everything was done, and is on the disk */
/* Notices another boot or mount (e->restart is set). False: the root is another directory. */
bool durable_target(struct engine *e, struct worker *w, const struct ipc_ready *r);
void durable_restart(struct engine *e);

/* verifyjob.c */
bool verifyjob_units(struct engine *e, struct diag *d);
void engine_enqueue_mount(struct engine *e, size_t i, uint8_t flags); /* the first units of a verify */
void verifyjob_difference(struct engine *e, const struct frame *f);
void verifyjob_pair(struct engine *e, const struct frame *f);
void verifyjob_finish(struct engine *e);

/* ---- what --recheck looks at (recheck.c) ---- */

struct recheck_path {
	char *path; /* "" is the root */
	bool recurse;
};
struct recheck {
	struct recheck_path *paths;
	size_t n, cap;
	bool links; /* names of an inode differed: which belong together shows only when all are looked at */
};
/* Adds the record of a difference. */
void recheck_note(struct buf *out, const struct difference *d);
/* Takes in what those bytes are the records of. False: of nothing. */
bool recheck_parse(struct recheck *r, const char *data, size_t len);
void recheck_want(struct recheck *r, const char *path, bool recurse);
/* Each path once, and none beneath one that is looked at with all it holds. */
void recheck_reduce(struct recheck *r);
void recheck_release(struct recheck *r);

/* prepare.c */
bool engine_prepare(struct engine *e, struct diag *d);
bool engine_links(struct engine *e, struct diag *d); /* an empty bijection */
void engine_walk_anew(struct engine *e); /* nothing has been done yet, by nobody */
/* How many workers there may be. */
unsigned engine_process_limit(const struct engine *e, const struct conf_limits *l);
bool state_begin(struct engine *e, struct diag *d); /* the target is known to be right: say that work has begun */

/* reconnect.c */
void engine_worker_ended(struct engine *e, struct worker *w);
/* A link has been of use: the next loss is a new one. */
void engine_link_used(struct engine *e);
/* Starts a worker when none is left and it is time to try again. */
void engine_reconnect(struct engine *e);

/* finish.c */
/* Everything has been done: make it durable, then let the workers go. True when all have gone. */
bool engine_finish(struct engine *e);
/* Fills in the summary, keeps the state, releases everything. */
void engine_conclude(struct engine *e);

/* limits.c */
/*
 * Puts new limits in force; of what is running too. False with d, and the old ones hold on, when enforce = require and one of
 * them cannot be kept; else what cannot be kept is a warning.
 */
bool limits_apply(struct engine *e, const struct conf_limits *wanted, struct diag *d);
/* What keeps a limit, in words ("by control group (version 2) 'x'", "not kept"); nothing when there is none of that name. */
void limits_keeper(const struct engine *e, const char *name, struct buf *out);
/* Once a second: the host's pressure, and the group's memory. */
void limits_tick(struct engine *e);
void limits_release(struct engine *e);
/* How many workers the memory limit has room for. */
unsigned limits_workers(const struct conf_limits *l);
/* The rate of sending in force now (0 unlimited), when the timetable or a command says so. */
void limits_set_bandwidth(struct engine *e, uint64_t rate);

/* Memory is short: no further worker is to be started. */
bool limits_crowded(const struct engine *e);
/* A worker has ended: because of memory? Then that is said and counted, and it was no crash. */
bool limits_worker_ended(struct engine *e, bool retired);

/* memory.c */
struct memory_watch {
	int64_t since; /* nothing new begins, or 0 */
	int64_t calm_since; /* it is not near the limit, or 0 */
	uint64_t kills; /* of the kernel, known so far */
	unsigned alone; /* times that the last worker had to end */
	bool crowded;
};
/* Of what is not known, used is 0. */
void memory_tick(struct engine *e, struct memory_watch *m, uint64_t used);
bool memory_ended(struct engine *e, struct memory_watch *m, bool retired, uint64_t kills);

/* target_limits.c: what e->limits says of the target, whenever it says so */
void target_limits_tick(struct engine *e);
void target_limits_used(struct engine *e, struct worker *w, const struct frame *f);
/* Divides the total by what each wants: all of it, and to nobody nothing. */
void target_limits_divide(double total, const double *want, double *out, size_t n);

/* progress.c */
void progress_update(struct engine *e, bool now);
/* Brings e->progress up to date and tells nobody. */
void progress_refresh(struct engine *e);
/* Of this run, without the time it was paused by its user. */
int64_t progress_elapsed_ns(const struct engine *e);

/* reload.c */
void engine_reload(struct engine *e);

/* control.c */
#define CONTROL_FDS 9
/* Begins to listen; that it cannot is a warning. The lock must be held. */
void control_open(struct engine *e);
void control_close(struct engine *e);
/* Fills in what to poll, CONTROL_FDS at most; control_serve() is given the same with its results. */
size_t control_poll(const struct engine *e, struct pollfd *p);
void control_serve(struct engine *e, const struct pollfd *p);
/* Does what a request says and appends the reply, a line. True when it asks the job to end. */
bool control_answer(struct engine *e, const char *line, size_t n, struct buf *out);

/* roles */
struct worker_fds;
void verifier_role_main(const struct worker_fds *fds) __attribute__((noreturn));
