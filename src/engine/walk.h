/* The walk: which directories there are still to be done. */
#pragma once

#include "engine/queue.h"
#include "ipc/ipc.h"

struct engine;
struct worker;

/* Bytes of the path of a directory that is walked: what lies in it has room in every message. */
#define WALK_PATH_MAX (1u << 20)

struct walk {
	struct queue queue;
	struct queue segments; /* of large files; apart, so that a mover full of directories takes them too */
	struct queue deferred; /* directories to be visited again at the end: delete = after */
	char *spill_dir; /* for what does not fit into memory; NULL with --dry-run */
	bool *mount_given;
	struct digest_key name_key;
	uint32_t next_unit;
	bool begun, revisiting;
};

void walk_init(struct walk *w, char *spill_dir); /* takes spill_dir */
void walk_release(struct walk *w);
/* The first unit of a mount. */
void walk_add_mount(struct engine *e, size_t i, uint8_t flags);
void walk_anew(struct engine *e); /* nothing has been done yet, by nobody */
/* True when there is nothing more to hand out. */
bool walk_exhausted(struct engine *e);
/* Whether all there is has been found: no directory is waiting, and of those under way what they hold is known. */
bool walk_complete(const struct engine *e);
/* What was to be remembered and is lost ends the run. */
void walk_check_memory(struct engine *e);

void on_give(struct engine *e, struct worker *w, const struct ipc_give *m);
void on_unit_done(struct engine *e, struct worker *w, const struct ipc_unit_done *m);
void on_listed(struct engine *e, struct worker *w, const struct ipc_listed *m);
void on_defer(struct engine *e, struct worker *w, const struct ipc_defer *m);
