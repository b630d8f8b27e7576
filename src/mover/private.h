/*
 * What the files of this room share: the mover's objects and who does what with them.
 */
#pragma once

#include "base/pagecache.h"
#include "delta/delta.h"
#include "ipc/chan.h"
#include "ipc/ipc.h"
#include "ipc/role.h"
#include "limits/throttle.h"
#include "meta/meta.h"
#include "pace/pacer.h"
#include "rules/rules.h"
#include "wire/msg.h"
#include <sys/types.h>

struct mover;
struct dir;
struct file;

/* ---- slots.c ---- */

enum slot_kind { SLOT_FREE, SLOT_DIR, SLOT_FILE, SLOT_BATCH, SLOT_LINK, SLOT_OP, SLOT_SYNC };

struct slot {
	enum slot_kind kind;
	uint16_t generation;
	uint32_t next_free;
	void *object;
};

struct slots {
	struct slot *slots;
	uint32_t count, first_free;
};

uint32_t slots_add(struct slots *s, enum slot_kind kind, void *object);
/* NULL when the id is not that of an open object of this kind. */
void *slots_get(const struct slots *s, uint32_t id, enum slot_kind kind);
void slots_remove(struct slots *s, uint32_t id);

/* ---- tasks.c ---- */

enum task_kind { TASK_DIR, TASK_FILE };

/* What a step says of its task: more to do, waits for an answer, or waits for resources that others hold. */
enum step { STEP_MORE, STEP_WAIT, STEP_BLOCKED };

struct task {
	enum task_kind kind;
	bool queued;
	struct task *prev, *next;
};

struct tasks {
	struct task *head, *tail; /* runnable */
	struct task *blocked; /* singly linked through next */
};

/* Puts it at the end, if it does not stand there already. */
void tasks_queue(struct tasks *q, struct task *t);
void tasks_queue_first(struct tasks *q, struct task *t);
void tasks_block(struct tasks *q, struct task *t);
/* What was blocked may go on. */
void tasks_unblock(struct tasks *q);
/* Takes it from whatever list it stands in. */
void tasks_unlist(struct tasks *q, struct task *t);

/* ---- state.c ---- */

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
	struct digest_key digest_key;
	struct delta_key delta_key;
	struct delta_hash zero_hash;
	struct rules *rules;
	struct mover_mount *mounts;
	uint32_t mount_count;
	struct skip *skips;
	size_t skip_count;
	struct throttle *throttle; /* shared with all workers */
	/* what is in hand */
	struct slots slots;
	struct tasks tasks;
	struct batch *batch; /* being filled; batch.c */
	struct link_wait *ready, **ready_end; /* first names whose content waits for files to be closed; link.c */
	size_t listing_bytes; /* listing.c */
	uint32_t unacked, dirs, files,
		links; /* requests without answer; objects that live: counted where they are made */
	/* what the coordinator has not been told yet; counted by all, told by tell.c */
	struct ipc_count count;
	int64_t counted_ns;
	/* the loop, mover.c */
	struct pacer pacer;
	int64_t throttled_ns; /* how long the loop has been asked to wait */
	uint64_t sent_total; /* already reported */
	bool finishing;
	struct compression zstd;
	int cwd_fd; /* the directory that is the current one, to spare fchdir; send.c */
	/* scratch, of no meaning between two functions */
	struct meta scratch;
	struct buf msg; /* for payloads */
	uint8_t *read_buf; /* FILE_READ bytes */
};

/* ---- names.c ---- */

struct name {
	uint32_t off; /* into names->arena; NUL-terminated */
	uint8_t dtype;
	uint64_t ino;
};

struct names {
	struct buf arena;
	struct name *names;
	uint32_t len, cap, next;
	bool eof;
	int error; /* of getdents */
};

/* Opens a path below a mount, component by component, following no link. -1 with errno. */
int names_open_path(int rootfd, const char *path);
/* Reads names until `max` are there or the directory ends. Sorted by inode. */
void names_read(struct names *n, int fd, uint32_t max);
void names_release(struct names *n);

/* ---- listing.c ---- */

struct listed {
	uint32_t name, meta; /* offsets into the arena */
	uint32_t meta_len;
	uint16_t name_len;
	uint8_t type;
	bool linked;
	bool needs; /* content or link work follows: its bytes are counted when that is done */
	uint32_t bucket;
	uint64_t size, dev, ino, nlink;
	int32_t mount; /* a mount point: index of the mount that is mounted here; -1 */
};

struct listing {
	struct buf arena;
	struct listed *entries;
	uint32_t len, cap;
	size_t charged; /* bytes counted in mover->listing_bytes */
};

struct listed *listing_add(struct mover *m, struct listing *l, const char *name, size_t len, const struct meta *meta);
void listing_release(struct mover *m, struct listing *l);
static inline const char *listed_name(const struct listing *l, const struct listed *e)
{
	return (const char *)l->arena.data + e->name;
}

/* ---- tell.c ---- */

/* What happened to an entry, in the order of enum item_op in engine.h. */
enum { OP_CREATE, OP_UPDATE, OP_METADATA, OP_LINK, OP_DELETE };

char *mover_path(const char *dir, const char *name); /* "dir/name", to be freed */
void tell_item(struct mover *m, uint8_t op, const char *dir, const char *name, uint8_t type, uint32_t why,
	uint64_t bytes, const char *link);
void tell_failed(struct mover *m, const struct diag *d); /* counts a failed file */
void tell_diag(struct mover *m, const struct diag *d);
/* Cannot do `what` with an entry. One that has gone meanwhile is only counted as vanished. */
void tell_source_error(struct mover *m, const char *dir, const char *name, int err, const char *what);
void tell_note(struct mover *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* All ten times a second, unless it is asked for now. */
void tell_counts(struct mover *m, bool now);

/* ---- leave.c ---- */

/* Sends what the coordinator has yet to be told, and exits with a code of ipc/role.h. */
NORETURN void mover_leave(struct mover *m, int code);
/* With a diagnostic that ends the run. */
NORETURN void mover_die(struct mover *m, struct diag *d);
NORETURN void mover_protocol_error(struct mover *m, const char *what);
/* The object that an answer is for. */
void *mover_expect(struct mover *m, uint32_t id, enum slot_kind kind);

/* ---- send.c ---- */

/* A frame of content, compressed when that pays. */
void mover_send_content(struct mover *m, uint8_t type, uint32_t id, const struct buf *payload);
/* Whether compressing would pay from now on; to be called often. */
void mover_consider_compression(struct mover *m, int64_t now);
/* Reads a file's contents, in full if they are there; counted against the rate of reading. -1 with errno. */
ssize_t mover_pread(struct mover *m, int fd, void *buf, size_t n, uint64_t off);
/* Makes an open directory the current one; ends the mover if that is not possible. */
void mover_chdir(struct mover *m, int fd);
/* It is about to be closed. */
void mover_forget_cwd(struct mover *m, int fd);

/* ---- dir.c ---- */

enum dir_state {
	DIR_STATE_OPEN, /* to be opened */
	DIR_STATE_SCAN, /* listing is being made */
	DIR_STATE_DIGEST, /* waits for DIR_EQUAL, DIR_DIFF, DIR_SPLIT */
	DIR_STATE_LIST, /* LIST is being sent */
	DIR_STATE_NEED, /* waits for NEED and EXTRA */
	DIR_STATE_WORK, /* contents of what is needed are being sent */
	DIR_STATE_STREAM, /* new directory: entries are being read and sent */
	DIR_STATE_DRAIN, /* waits until pending is zero, then DIR_END */
	DIR_STATE_DONE, /* waits for DIR_DONE */
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
	uint32_t work_next;
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
	struct names names; /* SCAN and STREAM */
	struct dir_scan scan;
	struct dir_compare compare;
	struct dir_delete delete;
};

void dir_new(struct mover *m, const struct ipc_unit *u);
/* One entry more has been examined, unless the directory is seen for the second time. */
void dir_count(struct mover *m, struct dir *d, uint64_t size);
/* Everything that belongs to one slice; the next may begin. */
void dir_slice_release(struct mover *m, struct dir *d);
/* The unit is done. Frees d at once, or when the last of its batches is answered. */
void dir_finish(struct mover *m, struct dir *d, bool ok);

/* ---- batch.c ---- */

struct batch_rec {
	uint32_t name; /* offset into names */
	uint8_t type;
	uint8_t op; /* OP_* */
	uint32_t why;
	uint64_t size;
	struct link_wait *link; /* first name of a linked inode, or NULL */
};

struct batch {
	uint32_t id;
	struct dir *dir;
	struct buf payload, names;
	struct batch_rec *recs;
	uint32_t len, cap;
};

/* The batch that is being filled, of this directory. May flush another's. */
struct batch *batch_open(struct mover *m, struct dir *d);
struct batch_rec *batch_add(struct batch *b, const char *name);
/* Sends the batch that is being filled, if there is one. An empty one is freed, as by batch_free(). */
void batch_flush(struct mover *m);
/* Frees b, and its directory if that has waited for nothing else (DIR_STATE_ENDED). */
void batch_free(struct mover *m, struct batch *b);

/* ---- drain.c ---- */

/* Nothing more is begun. May free d: when nothing is pending, and the receiver does not hold it. */
void dir_drain(struct mover *m, struct dir *d);
/* One that was counted in d->pending has been dealt with. May free d. */
void dir_pending_done(struct mover *m, struct dir *d);
/* Frees d after its last slice. */
void on_dir_done(struct mover *m, struct dir *d, const struct frame *f);

/* ---- omit.c ---- */

/* True when the rules, a skip or our own names leave this entry out. */
bool dir_omits(struct mover *m, const struct dir *d, const char *name, bool is_dir, uint64_t ino);

/* ---- give.c ---- */

/* Which mount is mounted on this name: its index, -1 for none. */
int32_t dir_mount_at(const struct mover *m, const struct dir *d, const char *name);
/* Hands on one sub-directory. is_new: this run has made it. A revisit hands on nothing. */
void dir_give(struct mover *m, struct dir *d, const char *name, int32_t mount, bool is_new);
/* ... all of the listing. */
void dir_give_listed(struct mover *m, struct dir *d);

/* ---- claim.c ---- */

struct link_wait {
	uint32_t id;
	struct dir *dir;
	char *name;
	uint8_t type;
	uint64_t size, dev, ino;
	bool have_claim, first, have_state, bound, failed, doubt;
	bool exists;
	struct link_wait *next; /* in mover->ready */
	uint64_t tdev, tino, tnlink, basis; /* state of the name at the target */
	uint32_t why;
	char *to; /* IPC_LINK_TO: path of the first name */
	uint64_t to_dev, to_ino;
};

/* Claims it. have_state: in a new directory there is no state to wait for. */
struct link_wait *link_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, bool have_state);
/* Frees w; may free its directory. */
void link_release(struct mover *m, struct link_wait *w);
/* The first name's transfer ended: tells the coordinator. Frees w; may free its directory. */
void link_committed(struct mover *m, struct link_wait *w, bool ok, uint64_t tdev, uint64_t tino);
/* The receiver cannot say its state: nothing is done for this name. Frees w once the claim is answered; may free its
 * directory. */
void link_failed(struct mover *m, struct link_wait *w);

/* ---- op.c ---- */

struct op { /* what to report when it is answered */
	uint32_t id;
	uint8_t type; /* enum msg_type of the request */
	struct dir *dir;
	char *name, *to;
	uint8_t entry_type;
	uint64_t granted, used;
	struct link_wait *link;
};

/* d and name may be NULL. */
struct op *op_new(struct mover *m, uint8_t type, struct dir *d, const char *name);
/* Frees op; may free its directory. */
void op_free(struct mover *m, struct op *op);
/* The answer to all but DELETE. Frees op and its link; may free its directory. */
void on_op_done(struct mover *m, struct op *op, const struct frame *f);

/* ---- put.c ---- */

/* Adds an entry that needs no content or whose content is small to the open batch. content_fd -1: no content. Returns
 * false when the content could not be read (said and counted). */
bool put_entry(struct mover *m, struct dir *d, const char *name, struct meta *meta, int content_fd, uint8_t op,
	uint32_t why, struct link_wait *link, uint8_t flags);
/* Frees b and the links in it; may free its directory. */
void on_put_done(struct mover *m, struct batch *b, const struct frame *f);

/* ---- file.c ---- */

#define SEGMENT (8u << 20) /* bytes of one SEG_HASH: small enough that both ends soon work at the same time */
#define SEGMENTS_AHEAD 3

enum file_state {
	FILE_STATE_START,
	FILE_STATE_SHARE, /* waits for FILE_OK */
	FILE_STATE_SHARED, /* others write it; waits for IPC_SHARE_DONE */
	FILE_STATE_STREAM, /* literal data */
	FILE_STATE_HASH, /* segments are hashed, runs are answered */
	FILE_STATE_HOLES, /* sparse, and there was a basis: holes are made holes there too */
	FILE_STATE_END, /* FILE_END sent, waits for FILE_DONE */
};

struct file_run {
	uint64_t off, window_off;
	uint32_t len, window_len;
	uint32_t sig, sig_len; /* in file->sigs; sig_len 0: literal */
};

struct file {
	struct task task;
	enum file_state state;
	uint32_t id;
	struct dir *dir; /* NULL: a segment of another mover's file */
	uint32_t unit; /* segments */
	char *name; /* bare name; for messages the whole path is made from dir */
	char *src; /* segments: path */
	struct buf packed; /* metadata as sent */
	int fd;
	uint64_t size, off, end, basis, seg_start;
	uint64_t data_end; /* sparse: the data at hand reaches this far; 0: look */
	uint64_t holes_off; /* FILE_STATE_HOLES: up to here they have been sent */
	bool update, sparse, shared, segment, compare, abandoned, brk;
	struct pagecache cache;
	bool any_run;
	int64_t mtime_ns, ctime_ns;
	uint64_t ino;
	uint32_t why;
	uint8_t item_op;
	struct link_wait *link;
	/* hashing of the current segment */
	uint64_t seg_off;
	struct buf hashes;
	uint32_t outstanding;
	struct buf sigs;
	struct file_run *runs;
	uint32_t run_len, run_cap, run_next;
	uint64_t literal, matched;
	char *path, *basis_path; /* segments: as announced */
};

/* What is to be sent of a regular file; see content.h. */
struct content_request {
	uint8_t op;
	uint32_t why;
	uint64_t basis; /* there is a basis of this size; UINT64_MAX: none */
	bool brk;
	bool doubt; /* size and time are equal: only the contents can differ */
	struct link_wait *link;
};

/* Begins a file. It owns fd, and ends the link, from then on. */
void file_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, int fd,
	const struct content_request *r);
struct file *file_alloc(struct mover *m, uint64_t size);
/* Frees f; may free its directory. Its task must be in no list. */
void file_free(struct mover *m, struct file *f);
/* Says FILE. */
void file_announce(struct mover *m, struct file *f);
/* How it will be read, said to the page cache. */
void file_advise(const struct mover *m, struct file *f);
/* The first step is due. */
void file_begin(struct mover *m, struct file *f);
/* Says FILE_END. */
void file_send_end(struct mover *m, struct file *f);
/* A segment's unit is done. Frees f; its task must be in no list. */
void file_segment_done(struct mover *m, struct file *f, bool ok);

/* The source file is no longer what was announced. */
bool file_source_changed(const struct file *f);
/* Said; nothing more is read. */
void file_source_failed(struct mover *m, struct file *f, int err);
ssize_t file_read_at(struct mover *m, struct file *f, void *buf, size_t n, uint64_t off);
/* In a sparse file: how far the hole at off reaches (0: there is none). */
uint64_t file_hole_at(const struct file *f, uint64_t off, uint64_t end);
/* The data at off ends at the latest here. */
uint64_t file_data_until(struct file *f, uint64_t off, uint64_t end);
void file_send_hole(struct mover *m, struct file *f, uint64_t off, uint64_t len);
/* Reads a piece of up to FILE_READ bytes at off into a DATA payload; returns the bytes sent, 0 on failure. */
uint32_t file_send_piece(struct mover *m, struct file *f, uint64_t off, uint32_t len);

/* ---- segment.c ---- */

/* Hashes the next piece of the segment, and says SEG_HASH at its end. */
void file_hash_piece(struct mover *m, struct file *f);
/* Answers the first run that waits. There must be one. */
void file_send_run(struct mover *m, struct file *f);
/* Room for one run more; its contents are not set. */
struct file_run *file_add_run(struct file *f);
void on_seg_need(struct mover *m, struct file *f, const struct frame *fr);

/* ---- transfer.c ---- */

enum step file_step(struct mover *m, struct file *f);
/* Frees f, and ends its link, unless the receiver wants runs again; may free its directory. */
void on_file_done(struct mover *m, struct file *f, const struct frame *fr);

/* ---- share.c ---- */

/* Begins a segment of another mover's file. It ends at once if the source file is no longer the one that was announced. */
void file_new_segment(struct mover *m, const struct ipc_unit *u);
/* Its receiver has said where it writes: the coordinator makes units of it. */
void on_file_ok(struct mover *m, struct file *f, const struct frame *fr);
/* All segments are there, or one has failed. changed: something differed. */
void file_share_done(struct mover *m, struct file *f, bool ok, bool changed);

/* ---- content.c ---- */

/* Takes fd. Ends r->link, now or later; may free its directory with it. What cannot be read is said and counted. */
void content_send(
	struct mover *m, struct dir *d, const char *name, struct meta *meta, int fd, const struct content_request *r);

/* ---- link.c ---- */

/* NEED_LINK_STATE: what the receiver has by this name. */
void link_state(struct mover *m, struct link_wait *w, const struct need *n);
/* The claim's answer: it is the inode's first name. */
void link_first(struct mover *m, struct link_wait *w);
/* The claim's answer: it is to be a link to the path `to`, which is taken over. */
void link_to(struct mover *m, struct link_wait *w, uint64_t dev, uint64_t ino, char *to);
/* IPC_LINK_BOUND: whether the inode that is there may stand for the source's. */
void link_bound(struct mover *m, struct link_wait *w, bool ok);
/* Sends the content of first names that have waited for their turn. May free links and directories. */
void link_run_ready(struct mover *m);

/* ---- list.c ---- */

/* The state LIST begins. d->compare.bitmap says which buckets are listed; NULL: only names with several links. */
void dir_start_list(struct mover *m, struct dir *d);
enum step dir_list_step(struct mover *m, struct dir *d);

/* ---- need.c ---- */

/* May free links of d, but not d. */
void on_need(struct mover *m, struct dir *d, const struct frame *f);
/* The state WORK begins when everything has been said: NEED, and EXTRA where there is deleting. */
void dir_maybe_work(struct mover *m, struct dir *d);

/* ---- delete.c ---- */

void on_extra(struct mover *m, struct dir *d, const struct frame *f);
/* Deletes what has been confirmed, now, when a budget is granted, or in another visit. */
void dir_start_delete(struct mover *m, struct dir *d);
/* A budget of this many entries has come; UINT64_MAX: without bounds, 0: nothing is deleted. */
void dir_delete_granted(struct mover *m, struct dir *d, uint64_t budget);
/* Frees op with its last answer; may free its directory. */
void on_delete_done(struct mover *m, struct op *op, const struct frame *f);

/* ---- work.c ---- */

/* With STEP_WAIT it may have freed d. */
enum step dir_work_step(struct mover *m, struct dir *d);

/* ---- stream.c ---- */

/* The state STREAM begins. */
void dir_start_stream(struct mover *m, struct dir *d);
/* With STEP_WAIT it may have freed d. */
enum step dir_stream_step(struct mover *m, struct dir *d);

/* ---- scan.c ---- */

/* With STEP_WAIT it has freed d. */
enum step dir_open_step(struct mover *m, struct dir *d);
enum step dir_scan_step(struct mover *m, struct dir *d);

/* ---- compare.c ---- */

void on_dir_equal(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_diff(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_split(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_fail(struct mover *m, struct dir *d, const struct frame *f);

/* ---- steps.c ---- */

/* One step of the first task in the queue. There must be one. */
void mover_run_one(struct mover *m);

/* ---- dispatch.c ---- */

void on_wire_frame(struct mover *m, const struct frame *f);
void on_ipc_frame(struct mover *m, const struct frame *f);
