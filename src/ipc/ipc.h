/*
 * Messages between the coordinator (C) and its movers (M), as frames on a socket pair.
 *
 * A mover has parsed bytes of the remote host, so the coordinator checks what it says like anything from outside: every get
 * returns false on what is malformed, unit ids are looked up, counts are only added up. Strings and bytes point into the frame.
 * A mover holds at most IPC_UNITS_MAX units. Every unit is answered by IPC_UNIT_DONE, or goes back to the queue when its mover
 * dies: doing a unit twice is harmless.
 */
#pragma once

#include "base/counters.h"
#include "ipc/chan.h"
#include "ipc/plain.h"
#include "pace/message.h"
#include "wire/msg.h"

#define IPC_UNITS_MAX 48
#define IPC_SHARE_MIN (256u << 20) /* files from this size on are written by several movers */
#define IPC_SHARE_SEGMENT (128u << 20)

/* Whom a message goes to, or who may say it: a mover, a verifier, both; in the tables as MOVER, VERIFIER, WORKER. */
enum ipc_role { IPC_ROLE_MOVER = 1, IPC_ROLE_VERIFIER = 2, IPC_ROLE_WORKER = 3 };

/*
 * The messages: X(NAME, name, role). Each has its number IPC_NAME, its struct ipc_NAME, ipc_NAME_put() and
 * ipc_NAME_get(), and on_NAME() at the end that hears it. A get is false when anything is missing, left over or out of bounds.
 */
#define IPC_TO_WORKERS(X)                                                                                \
	X(CONFIG, config, WORKER) /* the first one */                                                    \
	X(UNIT, unit, WORKER)                                                                            \
	X(LINK_FIRST, link_first, MOVER) /* this name is the inode's first: transfer it */               \
	X(LINK_TO, link_to, MOVER) /* make it a link of that */                                          \
	X(LINK_BOUND, link_bound, MOVER) /* may the target inode stand for the source inode */           \
	X(SHARE_DONE, share_done, MOVER)                                                                 \
	X(GRANT, grant, MOVER)                                                                           \
	X(SYNC, sync, MOVER) /* make durable what was written; answer SYNCED */                          \
	X(SKIP, skip, MOVER) /* one more directory to be left out */                                     \
	X(FINISH, finish, WORKER) /* end in order */                                                     \
	X(SUSPECT, suspect, MOVER) /* to be handed on as MSG_SUSPECT */                                  \
	X(FLUSH, flush, MOVER) /* the receiver's next epoch is to be one of what any can have written */ \
	X(LIMITS, limits, WORKER) /* what its receiver may take */

#define IPC_TO_COORDINATOR(X)                                                                              \
	X(READY, ready, WORKER)                                                                            \
	X(GIVE, give, WORKER)                                                                              \
	X(UNIT_DONE, unit_done, WORKER)                                                                    \
	X(LINK_CLAIM, link_claim, MOVER) /* answer LINK_FIRST or LINK_TO, perhaps later */                 \
	X(LINK_BIND, link_bind, MOVER) /* answer LINK_BOUND */                                             \
	X(LINK_COMMIT, link_commit, MOVER) /* the first name is on the target */                           \
	X(LINK_FAIL, link_fail, MOVER) /* the first name failed: the next takes its place */               \
	X(SHARE, share, MOVER)                                                                             \
	X(BUDGET, budget, MOVER) /* may it delete; answer GRANT */                                         \
	X(REFUND, refund, MOVER) /* of a GRANT */                                                          \
	X(DEFER, defer, MOVER) /* it has something to delete, to be visited again after everything else */ \
	X(ITEM, item, MOVER)                                                                               \
	X(DIFFERENCE, difference, VERIFIER)                                                                \
	X(PAIR, pair, VERIFIER) /* names of an inode with several */                                       \
	X(DIAG, diag, WORKER)                                                                              \
	X(NOTE, note, WORKER)                                                                              \
	X(COUNT, count, WORKER)                                                                            \
	X(SYNCED, synced, MOVER)                                                                           \
	X(EPOCH, epoch, MOVER) /* how far the receiver's writing is durable */                             \
	X(LISTED, listed, MOVER) /* all it holds has been examined, and handed on */                       \
	X(USED, used, WORKER) /* what its receiver has taken */                                            \
	X(LOST, lost, WORKER) /* of what metadata is not kept, since the last one */

enum ipc_type {
	IPC_NONE,
#define X(NAME, name, role) IPC_##NAME,
	IPC_TO_WORKERS(X) IPC_TO_WORKERS_END,
	IPC_TO_COORDINATOR_BEGIN = 63,
	IPC_TO_COORDINATOR(X) IPC_TO_COORDINATOR_END
#undef X
};

enum ipc_config_flag {
	IPC_DRY_RUN = 1 << 0,
	IPC_CHECKSUM = 1 << 1,
	IPC_DELETE = 1 << 2,
	IPC_DELETE_AFTER = 1 << 3,
	IPC_MAX_DELETE = 1 << 4, /* deletions need a grant */
	IPC_ITEMS = 1 << 5,
	IPC_FIRST = 1 << 6,
	IPC_REPLACE = 1 << 7,
	IPC_INPLACE = 1 << 8,
	IPC_NO_DELTA = 1 << 9,
	IPC_LEAVE_CACHE = 1 << 10,
	IPC_ZSTD_AUTO = 1 << 11,
	IPC_CLONES = 1 << 13, /* the mounts are read-only clones: O_NOATIME is not needed */
	IPC_SHARING = 1 << 14, /* there may be other movers to share large files with */
	IPC_CRC64 = 1 << 15, /* verifiers, as the next */
	IPC_NO_METADATA = 1 << 16,
	IPC_SPACE = 1 << 17, /* what the rules leave out is looked at for its size */
};

struct ipc_config {
	uint32_t flags;
	uint8_t seed[16];
	struct bytes fenced, opened, lost, kept; /* paths: struct mount_fence; opened: hidden = copy */
	struct bytes rules, hidden, bootstrap, shared_dir, empty_dir;
	uint8_t zstd_level; /* 0: off (or auto) */
	int64_t changed_since; /* verifiers: real ns */
	int64_t doubt_from, doubt_exact, doubt_to; /* movers: as engine/doubt.h has them */
	struct bytes skip; /* records of u64 dev, u64 ino: directories to be left out */
	uint32_t mount_count;
	struct ipc_mount {
		struct bytes rel, target_rel;
	} * mounts; /* get: owned by the caller (free) */
};
void ipc_config_put(struct buf *out, const struct ipc_config *c);
bool ipc_config_get(const struct frame *f, struct ipc_config *c);

enum ipc_unit_kind { UNIT_DIR, UNIT_SEGMENT, UNIT_PATH };
enum ipc_unit_flag {
	UNIT_NEW = 1 << 0, /* the directory was made by this run */
	UNIT_PARENTS = 1 << 1, /* make missing parents */
	UNIT_BARE = 1 << 2, /* a mount point whose file system goes elsewhere: only the directory itself */
	UNIT_RECURSE = 1 << 3, /* UNIT_PATH: a directory's content too */
	UNIT_REVISIT = 1 << 4, /* deferred deletion: the same directory once more, nothing is counted or handed on */
	UNIT_DOUBT = 1 << 5, /* the contents of all its files are compared, whatever size and time say */
	UNIT_MEASURE = 1 << 6, /* the rules leave it out: only what it takes is added up */
};

struct ipc_unit {
	uint32_t id;
	uint8_t kind, flags;
	uint32_t mount;
	struct bytes src, dst; /* paths relative to the source and target roots */
	struct bytes doubts; /* no segment: the files that are compared by contents, as struct nameset takes them */
	/* UNIT_SEGMENT */
	struct bytes path, basis_path; /* as announced by the file's receiver */
	uint64_t size, off, len, basis;
	uint64_t ino, mtime_ns; /* what the source file must still be */
};
void ipc_unit_put(struct buf *out, const struct ipc_unit *u);
bool ipc_unit_get(const struct frame *f, struct ipc_unit *u);

struct ipc_ready {
	uint8_t boot_id[16];
	uint64_t root_dev, root_ino, root_mount;
	int64_t now; /* the target's clock, before anything is written */
	uint8_t root_live, root_uid;
	uint64_t helper_bytes;
	struct bytes shared_dir, places; /* as in HELLO_OK */
};
void ipc_ready_put(struct buf *out, const struct ipc_ready *r);
bool ipc_ready_get(const struct frame *f, struct ipc_ready *r);

/* A directory that is handed on: a record of GIVE. */
struct ipc_given {
	uint8_t flags;
	uint8_t other_mount; /* the directory is the root of `mount`, dst is given */
	uint32_t mount;
	struct bytes name;
	struct bytes dst; /* other_mount */
};
void ipc_given_put(struct buf *out, const struct ipc_given *g);
bool ipc_given_get(struct rd *r, struct ipc_given *g);

struct ipc_share {
	uint32_t file, unit;
	struct bytes src; /* of the file */
	uint32_t mount;
	struct bytes path, basis_path;
	uint64_t size, basis, ino, mtime_ns;
};
void ipc_share_put(struct buf *out, const struct ipc_share *s);
bool ipc_share_get(const struct frame *f, struct ipc_share *s);

struct ipc_item {
	uint8_t op, type;
	uint32_t why;
	uint64_t bytes;
	struct bytes path, link;
};
void ipc_item_put(struct buf *out, const struct ipc_item *i);
bool ipc_item_get(const struct frame *f, struct ipc_item *i);

struct ipc_count { /* what has been added since the last one */
	struct counts counts;
};
void ipc_count_put(struct buf *out, const struct ipc_count *c);
bool ipc_count_get(const struct frame *f, struct ipc_count *c);

struct ipc_epoch {
	struct msg_epoch epoch;
};
void ipc_epoch_put(struct buf *out, const struct ipc_epoch *m);
bool ipc_epoch_get(const struct frame *f, struct ipc_epoch *m);

struct ipc_used {
	struct pace_used used;
};
void ipc_used_put(struct buf *out, const struct ipc_used *m);
bool ipc_used_get(const struct frame *f, struct ipc_used *m);
/* Sends one. */
#define X(NAME, name, role) void ipc_##name##_send(struct chan *c, const struct ipc_##name *m);
IPC_TO_WORKERS(X)
IPC_TO_COORDINATOR(X)
#undef X
