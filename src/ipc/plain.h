/* Messages of ipc.h that are no more than their fields: IPC_NAME_FIELDS(F) is one F(type, field) each. */
#pragma once

#include "base/pack.h"
#include "diag/diag.h"
#include "wire/frame.h"

#define IPC_LINK_FIRST_FIELDS(F) F(u64, token)
#define IPC_LINK_TO_FIELDS(F) F(u64, token) F(u64, dev) F(u64, ino) F(bytes, path) /* of the target */
#define IPC_LINK_BOUND_FIELDS(F) F(u64, token) F(flag, ok)
#define IPC_SHARE_DONE_FIELDS(F) F(u32, file) F(flag, ok) F(flag, changed) /* something differed */
#define IPC_GRANT_FIELDS(F) F(u64, token) F(u64, entries) /* 0: none is left */
#define IPC_SYNC_FIELDS(F) F(flag, all) /* not only what this receiver has written */
#define IPC_SKIP_FIELDS(F) F(u64, dev) F(u64, ino)
#define IPC_FINISH_FIELDS(F)
#define IPC_SUSPECT_FIELDS(F) F(rest, intervals)
#define IPC_FLUSH_FIELDS(F)
#define IPC_LIMITS_FIELDS(F) F(u32, cpu) F(u64, io) /* as struct pace_limits has them */
#define IPC_GIVE_FIELDS(F) F(u32, unit) F(rest, records) /* of struct ipc_given */
#define IPC_UNIT_DONE_FIELDS(F)                                     \
	F(u32, unit)                                                \
	F(flag, ok)                                                 \
	F(u64, files)                                               \
	F(u64, bytes) /* of a segment, files: 1 when it differed */ \
	F(u64, space) F(u64, holes) F(u64, left_out) /* bytes on the disk: engine/space.h */
#define IPC_LINK_CLAIM_FIELDS(F) F(u64, token) F(u64, dev) F(u64, ino) F(u64, group) /* struct link_wait has it */
#define IPC_LINK_BIND_FIELDS(F) F(u64, token) F(u64, dev) F(u64, ino) F(u64, tdev) F(u64, tino)
#define IPC_LINK_COMMIT_FIELDS(F) F(u64, dev) F(u64, ino) F(u64, group) F(u64, tdev) F(u64, tino) F(path, path)
#define IPC_LINK_FAIL_FIELDS(F) F(u64, dev) F(u64, ino) F(u64, group)
#define IPC_BUDGET_FIELDS(F) F(u64, token)
#define IPC_REFUND_FIELDS(F) F(u64, left) F(flag, reached) /* more would have been deleted */
#define IPC_DEFER_FIELDS(F) F(u32, unit)
#define IPC_DIFFERENCE_FIELDS(F) \
	F(u8, kind) F(bytes, path) F(bytes, source) F(bytes, target) F(rest, fields) /* byte strings */
#define IPC_PAIR_FIELDS(F) F(u64, dev) F(u64, ino) F(u64, tdev) F(u64, tino) F(flag, changed) F(bytes, path)
#define IPC_DIAG_FIELDS(F) F(flag, fatal) F(flag, failed) F(diag, diag) /* failed: it counts as a failed file */
#define IPC_NOTE_FIELDS(F) F(rest, text)
#define IPC_SYNCED_FIELDS(F) F(flag, failed) F(diag, diag)
#define IPC_LISTED_FIELDS(F) F(u32, unit)
#define IPC_LOST_FIELDS(F) F(u8, why) F(u64, files) F(bytes, what) F(path, path) /* as struct lost_kind has them */

#define IPC_PLAIN(X)                \
	X(LINK_FIRST, link_first)   \
	X(LINK_TO, link_to)         \
	X(LINK_BOUND, link_bound)   \
	X(SHARE_DONE, share_done)   \
	X(GRANT, grant)             \
	X(SYNC, sync)               \
	X(SKIP, skip)               \
	X(FINISH, finish)           \
	X(SUSPECT, suspect)         \
	X(FLUSH, flush)             \
	X(LIMITS, limits)           \
	X(GIVE, give)               \
	X(UNIT_DONE, unit_done)     \
	X(LINK_CLAIM, link_claim)   \
	X(LINK_BIND, link_bind)     \
	X(LINK_COMMIT, link_commit) \
	X(LINK_FAIL, link_fail)     \
	X(BUDGET, budget)           \
	X(REFUND, refund)           \
	X(DEFER, defer)             \
	X(DIFFERENCE, difference)   \
	X(PAIR, pair)               \
	X(DIAG, diag)               \
	X(NOTE, note)               \
	X(SYNCED, synced)           \
	X(LISTED, listed)           \
	X(LOST, lost)

typedef uint8_t ipc_u8;
typedef bool ipc_flag;
typedef uint32_t ipc_u32;
typedef uint64_t ipc_u64;
typedef struct bytes ipc_bytes; /* of the frame, as ipc_path and ipc_rest are */
typedef struct bytes ipc_path;
typedef struct bytes ipc_rest;
typedef struct diag ipc_diag; /* owned by who got it */

#define IPC_FIELD(type, field) ipc_##type field;
#define X(NAME, name)                                                       \
	struct ipc_##name {                                                 \
		IPC_##NAME##_FIELDS(IPC_FIELD)                              \
	};                                                                  \
	void ipc_##name##_put(struct buf *out, const struct ipc_##name *m); \
	bool ipc_##name##_get(const struct frame *f, struct ipc_##name *m);
IPC_PLAIN(X)
#undef X
