/*
 * Messages between the coordinator (C) and its movers (M), as frames on a socket pair.
 *
 * A mover has parsed bytes of the remote host, so the coordinator checks what it says like anything from outside:
 * every get returns false on what is malformed, unit ids are looked up, counts are only added up. Strings and byte
 * ranges point into the frame.
 *
 * A mover holds at most IPC_UNITS_MAX units; the coordinator hands out the next when one is done. Every unit is
 * answered by IPC_UNIT_DONE, or goes back to the queue when its mover dies: doing a unit twice is harmless.
 */
#pragma once

#include "diag/diag.h"
#include "wire/frame.h"
#include "base/pack.h"

#define IPC_UNITS_MAX 48
#define IPC_SHARE_MIN (256u << 20) /* files from this size on are written by several movers */
#define IPC_SHARE_SEGMENT (128u << 20)

enum ipc_type {
	/* C to M */
	IPC_CONFIG = 1,
	IPC_UNIT,
	IPC_LINK_FIRST, /* u64 token: this name is the inode's first: transfer it */
	IPC_LINK_TO, /* u64 token, u64 tdev, u64 tino, path: make it a link of that */
	IPC_LINK_BOUND, /* u64 token, u8 ok: may the target inode stand for the source inode */
	IPC_SHARE_DONE, /* u32 file id, u8 ok, u8 something differed */
	IPC_GRANT, /* u64 token, u64 entries that may be deleted (0: none left) */
	IPC_SYNC, /* u8 all: make what this receiver (or any) has written durable; answer IPC_SYNCED */
	IPC_SKIP, /* u64 dev, u64 ino: one more directory to be left out */
	IPC_FINISH, /* end in order */
	IPC_SUSPECT, /* the payload of MSG_SUSPECT, to be handed on */
	IPC_FLUSH, /* the receiver's next epoch is to be one of what any can have written */
	IPC_LIMITS, /* u32 cpu, u64 io: what its receiver may take, as struct pace_limits has them */

	/* M to C */
	IPC_READY = 64,
	IPC_GIVE, /* u32 parent unit, then records: see struct ipc_give */
	IPC_UNIT_DONE, /* u32 unit, u8 ok, u64 files (of a segment: 1 when something differed), u64 bytes */
	IPC_LINK_CLAIM, /* u64 token, u64 dev, u64 ino, u64 nlink */
	IPC_LINK_BIND, /* u64 token, u64 dev, u64 ino, u64 tdev, u64 tino: answer IPC_LINK_BOUND */
	IPC_LINK_COMMIT, /* u64 dev, u64 ino, u64 tdev, u64 tino, path: the first name is on the target */
	IPC_LINK_FAIL, /* u64 dev, u64 ino: the first name failed: the next takes its place */
	IPC_SHARE, /* struct ipc_share */
	IPC_BUDGET, /* u64 token, u64 wanted: answer IPC_GRANT */
	IPC_REFUND, /* u64 entries granted and not deleted, u8 more would have been deleted */
	IPC_DEFER, /* u32 unit: it has something to delete, to be visited again after everything else */
	IPC_ITEM,
	IPC_DIFFERENCE, /* verifiers */
	IPC_PAIR, /* verifiers: u64 dev, ino, tdev, tino, path */
	IPC_DIAG, /* u8 is_fatal, u8 counts as a failed file, diag */
	IPC_NOTE, /* text */
	IPC_COUNT, /* struct ipc_count */
	IPC_SYNCED, /* u8 failed, diag */
	IPC_EPOCH, /* struct msg_epoch: how far the receiver's writing is durable */
	IPC_LISTED, /* u32 unit: all it holds has been examined, and handed on */
	IPC_USED, /* struct pace_used: what its receiver has taken */
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
	IPC_REFUSE_FOREIGN = 1 << 12, /* a target root that holds files is not ours: end before anything is written */
	IPC_CLONES = 1 << 13, /* the mounts are read-only clones: O_NOATIME is not needed */
	IPC_SHARING = 1 << 14, /* there may be other movers to share large files with */
	/* verifiers */
	IPC_CRC64 = 1 << 15,
	IPC_NO_METADATA = 1 << 16,
};

struct ipc_mount {
	struct bytes rel, target_rel;
};

struct ipc_config {
	uint32_t flags;
	uint8_t seed[16];
	struct bytes rules, hidden, bootstrap, shared_dir, empty_dir;
	uint8_t zstd_level; /* 0: off (or auto) */
	int64_t changed_since; /* verifiers: real ns */
	struct bytes skip; /* records of u64 dev, u64 ino: directories to be left out */
	uint32_t mount_count;
	struct ipc_mount *mounts; /* get: owned by the caller (free) */
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
};

struct ipc_unit {
	uint32_t id;
	uint8_t kind, flags;
	uint32_t mount;
	struct bytes src, dst; /* paths relative to the source and target roots */
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
	uint8_t root_empty, root_uid, foreign; /* foreign: refused because of IPC_REFUSE_FOREIGN */
	uint64_t helper_bytes;
	struct bytes shared_dir;
};
void ipc_ready_put(struct buf *out, const struct ipc_ready *r);
bool ipc_ready_get(const struct frame *f, struct ipc_ready *r);

struct ipc_give {
	uint8_t flags;
	uint8_t other_mount; /* the directory is the root of `mount`, dst is given */
	uint32_t mount;
	struct bytes name;
	struct bytes dst; /* other_mount */
};
void ipc_give_put(struct buf *out, const struct ipc_give *g);
bool ipc_give_get(struct rd *r, struct ipc_give *g);

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

/* What has been added since the last IPC_COUNT. */
#define IPC_COUNTERS(X)                                                                                                \
	X(examined)                                                                                                    \
	X(examined_bytes)                                                                                              \
	X(transferred) X(deleted) X(vanished) X(failed) X(literal) X(matched) X(sent) X(received) X(metadata) X(links) \
		X(dirs) X(done_bytes) X(hashed)
struct ipc_count {
#define X(name) uint64_t name;
	IPC_COUNTERS(X)
#undef X
};
void ipc_count_put(struct buf *out, const struct ipc_count *c);
bool ipc_count_get(const struct frame *f, struct ipc_count *c);
