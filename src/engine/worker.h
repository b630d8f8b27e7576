/*
 * Worker processes: this program again with a role, a socket to us, a stream to its receiver, and the mounts. A worker belongs
 * to the list of the engine from worker_start() until reconnect.c has seen its end.
 */
#pragma once

#include "ipc/chan.h"
#include "ipc/ipc.h"
#include "transport/transport.h"

struct engine;
struct unit;

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

struct workers {
	struct worker *first; /* the youngest */
	unsigned count, max;
	uint32_t next_serial;
	/* what each is told as it begins */
	uint8_t seed[16];
	char shared_dir[256];
	char *empty_dir;
	bool run_dir_made, empty_made;
	struct buf skips; /* records of u64 dev, u64 ino: directories left out of the walk */
	uint64_t skip_dev, skip_ino; /* the target root inside the source; known when the first receiver is ready */
};

bool worker_start(struct engine *e, struct diag *d);
bool worker_works(const struct worker *w); /* it has begun, and has not ended */
struct worker *worker_by_serial(struct engine *e, uint32_t serial);
/* Its receiver has answered. */
void worker_ready(struct engine *e, struct worker *w, const struct ipc_ready *r);
/* Units in flight. */
struct unit *worker_find_unit(struct worker *w, uint32_t id);
void worker_add_unit(struct worker *w, struct unit *u);
void worker_take_unit(struct worker *w, struct unit *u); /* it is the caller's then */

#define X(NAME, name, role) void worker_send_##name(struct worker *w, const struct ipc_##name *m);
IPC_TO_WORKERS(X)
#undef X
