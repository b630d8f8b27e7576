/*
 * The state of a mover: what its files work on together. Plain data; each part says who changes it.
 *
 * Ownership: struct mover is the process's, and dies with it. Everything else hangs from a slot.
 */
#pragma once

#include "base/pathset.h"
#include "delta/delta.h"
#include "ipc/chan.h"
#include "ipc/ipc.h"
#include "limits/throttle.h"
#include "meta/meta.h"
#include "mover/names.h"
#include "mover/slots.h"
#include "mover/tasks.h"
#include "pace/pacer.h"
#include "rules/rules.h"
#include "wire/digest.h"

struct batch;
struct link_wait;

/* What both ends bound. */
#define UNACKED_MAX 32768u
#define FILES_OPEN_MAX 24
#define FILE_READ (256u << 10) /* bytes read at once */

struct skip {
	uint64_t dev, ino;
};

struct mover_mount {
	char *rel, *target_rel;
	int fd;
	uint64_t dev; /* of its root */
	bool btrfs; /* may hold subvolumes */
};

struct compression { /* send.c */
	int level; /* 0 off now */
	uint64_t raw, saved; /* in this window */
	unsigned slow_windows, rest;
	uint8_t fixed; /* configured level, 0: none */
	void *context;
	int64_t rate_ns, blocked_ns; /* the window's beginning; how long the link was waited for in it (mover.c) */
	uint64_t rate_sent;
};

struct mover {
	struct chan wire, ipc;
	/* given once, by handshake.c; skips grow later */
	uint32_t flags; /* IPC_* */
	uint32_t fields;
	bool dry_run, checksum;
	struct {
		int64_t from, exact, to;
		uint32_t files; /* that may still be looked at for pages that were not written back */
		uint64_t bytes;
	} doubt; /* scan.c */
	struct digest_key digest_key;
	struct delta_key delta_key;
	struct delta_hash zero_hash;
	struct rules *rules;
	struct mover_mount *mounts;
	uint32_t mount_count;
	/* of the source: stand for what is not walked; are walked for what is hidden there; for what is not there */
	struct path_set fenced, opened, missing;
	struct skip *skips;
	size_t skip_count;
	bool said_subvolume; /* omit.c */
	struct throttle *throttle; /* shared with all workers */
	/* what is in hand */
	struct slots slots;
	struct tasks tasks;
	struct batch *batch; /* being filled; batch.c */
	struct link_wait *ready, **ready_end; /* first names whose content waits for files to be closed; link.c */
	struct link_wait *late; /* first names that are under a lease; link.c */
	size_t listing_bytes; /* listing.c */
	uint32_t unacked, dirs, files,
		links; /* requests without answer; objects that live: counted where they are made */
	/* what the coordinator has not been told yet; counted by all, told by tell.c */
	struct counts count;
	struct lost lost;
	int64_t counted_ns;
	/* the loop, mover.c */
	struct pacer pacer;
	int64_t throttled_ns; /* how long the loop has been asked to wait */
	uint64_t sent_total; /* already reported */
	bool finishing;
	struct compression zstd;
	struct way way; /* names.c */
	int cwd_fd; /* the directory that is the current one, to spare fchdir; send.c */
	/* scratch, of no meaning between two functions */
	struct meta scratch;
	struct buf msg; /* for payloads */
	uint8_t *read_buf; /* FILE_READ bytes */
};
