/*
 * A directory: a unit of the coordinator's, from IPC_UNIT to IPC_UNIT_DONE. Its life is drawn in dir.c, its phases are in
 * scan.c, compare.c, list.c, need.c, delete.c, work.c, stream.c and drain.c.
 *
 * Ownership: it has a slot (SLOT_DIR) and owns what hangs from it, but for links: these have slots of their own. Files,
 * links and requests point to it and are counted in `pending`, open batches in `batches`: it outlives them all.
 * Errors: told by those who meet them; they make the unit fail, or not, by the `ok` of dir_finish().
 */
#pragma once

#include "base/nameset.h"
#include "meta/meta.h"
#include "mover/lease.h"
#include "mover/listing.h"
#include "mover/names.h"
#include "mover/tasks.h"
#include "wire/digest.h"

struct file;
struct ipc_unit;
struct link_wait;
struct mover;

enum dir_state {
	DIR_STATE_OPEN, /* to be opened */
	DIR_STATE_SCAN, /* listing is being made */
	DIR_STATE_DIGEST, /* waits for DIR_EQUAL, DIR_DIFF, DIR_SPLIT */
	DIR_STATE_LIST, /* LIST is being sent */
	DIR_STATE_NEED, /* waits for NEED and EXTRA */
	DIR_STATE_WAY, /* directories that stand where something else must come are being removed */
	DIR_STATE_WORK, /* contents of what is needed are being sent */
	DIR_STATE_STREAM, /* new directory: entries are being read and sent */
	DIR_STATE_DRAIN, /* waits until pending is zero, then DIR_END */
	DIR_STATE_DONE, /* waits for DIR_DONE */
	DIR_STATE_MEASURE, /* what it takes is being added up */
	DIR_STATE_ENDED, /* over, but for the answers to PUT that are still to come */
};

/* The slice as it is at the source, and its digest: SCAN, DIGEST. */
struct dir_scan {
	struct listing listing;
	struct digest digest;
	uint32_t buckets;
	uint64_t *bucket_sums;
	bool more; /* DIR said DIR_MORE */
};

struct need_state {
	uint8_t op;
	uint32_t why;
	uint64_t basis;
	struct link_wait *link; /* of a linked entry */
};

/* What goes over of an unequal slice, and what the receiver says to it: LIST, NEED, WORK. */
struct dir_compare {
	uint8_t *bitmap; /* buckets that are listed */
	uint32_t list_next; /* next entry of the listing to be looked at for LIST */
	uint32_t *listed_index; /* entry of each LIST index */
	uint32_t listed_len;
	bool list_begun;
	struct need_state *needs;
	bool need_done;
	uint32_t way_next, way_asked; /* next entry to be looked at for WAY; unanswered */
	uint32_t way_index; /* which entry a budget was asked for */
	uint32_t work_next, late; /* late: how many are */
};

/* What only the receiver has: NEED, WORK. */
struct dir_delete {
	bool extra_done, deleting;
	struct buf extra; /* confirmed names to delete: NUL-terminated */
};

struct dir {
	struct task task;
	enum dir_state state;
	uint32_t unit, id;
	uint8_t unit_flags;
	uint32_t mount;
	char *src, *dst; /* paths relative to the roots */
	size_t src_len, dst_len;
	int fd; /* read only */
	struct meta meta;
	struct buf packed; /* metadata of the directory itself */
	uint64_t dev;
	bool passage, is_new, no_delete, dead; /* dead: failed at the receiver, nothing more is sent */
	bool sent; /* DIR has been sent: the receiver holds it until DIR_END */
	bool ended_ok; /* DIR_STATE_ENDED: what is said of the unit */
	bool counted; /* its entries have been counted as examined */
	uint32_t slice, slices;
	uint32_t pending; /* files, links, deletions that will still be sent */
	uint32_t batches; /* PUT frames that are open or unanswered: they point here */
	uint64_t files, bytes; /* examined, for IPC_UNIT_DONE */
	struct {
		uint64_t taken, holes,
			left_out; /* bytes on the disk, of what is copied and of what the rules leave out */
	} space;
	struct file *large; /* that are open in it */
	struct nameset doubts; /* files that are compared by their contents */
	struct names names; /* SCAN and STREAM */
	struct names late; /* ... of these, what is under a lease */
	struct lease lease;
	struct dir_scan scan;
	struct dir_compare compare;
	struct dir_delete delete;
};

void dir_new(struct mover *m, const struct ipc_unit *u);
/* One entry more has been examined, unless the directory is seen for the second time. A directory counts what it takes itself,
 * when it is opened. */
void dir_count(struct mover *m, struct dir *d, const struct meta *meta);
/* Its path below its mount's own root: src without the mount's rel. */
const char *dir_below_mount(const struct mover *m, const struct dir *d);
/* What it takes is added up from the beginning: what it takes itself, which meta says. */
void dir_space_begin(struct dir *d);
/* Everything that belongs to one slice; the next may begin. */
void dir_slice_release(struct mover *m, struct dir *d);
/* The unit is done. Frees d at once, or when the last of its batches is answered. */
void dir_finish(struct mover *m, struct dir *d, bool ok);
