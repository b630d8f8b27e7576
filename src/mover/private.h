/*
 * What the files of this room share: the mover's objects and who does what with them.
 *
 * A mover is one thread and one loop (mover.c). Work is done in small steps by two kinds of objects, directories (dir.c)
 * and large files (file.c), which stand in one queue while they have something to do, and wait for an answer otherwise.
 * Everything that waits for an answer of the receiver or the coordinator has a slot, whose number is its id.
 */
#pragma once

#include "delta/delta.h"
#include "base/pagecache.h"
#include "limits/throttle.h"
#include "pace/pacer.h"
#include "meta/meta.h"
#include "rules/rules.h"
#include "ipc/chan.h"
#include "ipc/ipc.h"
#include "ipc/role.h"
#include "wire/msg.h"

struct mover;
struct dir;
struct file;

/* ---- slots: ids of everything that waits for an answer ---- */

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

/* ---- the queue of steps ---- */

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

/* ---- a listing: the entries of one slice ---- */

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

/* Names of a directory, a getdents buffer at a time; see listing.c. */
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

/* ---- directories ---- */

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

struct link_wait;

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

/* ---- small entries ---- */

/* What happened to an entry, in the order of enum item_op in engine.h. */
enum { OP_CREATE, OP_UPDATE, OP_METADATA, OP_LINK, OP_DELETE };

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

/* ---- hard links ---- */

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

/* ---- large files ---- */

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

/* ---- the mover ---- */

struct skip {
	uint64_t dev, ino;
};

struct mover_mount {
	char *rel, *target_rel;
	int fd;
	uint64_t dev; /* of its root */
	bool btrfs; /* may hold subvolumes */
};

struct op { /* META, LINK, DELETE: what to report when it is answered */
	uint32_t id;
	uint8_t type; /* enum msg_type of the request */
	struct dir *dir;
	char *name, *to;
	uint8_t entry_type;
	uint64_t granted, used;
	struct link_wait *link;
};

struct compression {
	int level; /* 0 off now */
	uint64_t raw, saved; /* in this window */
	unsigned slow_windows, rest;
	uint8_t fixed; /* configured level, 0: none */
	void *context;
	int64_t rate_ns, blocked_ns; /* the window's beginning; how long the link was waited for in it */
	uint64_t rate_sent;
};

struct mover {
	struct chan wire, ipc;
	struct throttle *throttle; /* shared with all workers */
	struct pacer pacer;
	int64_t throttled_ns; /* how long the loop has been asked to wait */
	uint32_t flags; /* IPC_* */
	uint32_t fields;
	struct digest_key digest_key;
	struct delta_key delta_key;
	struct rules *rules;
	struct mover_mount *mounts;
	uint32_t mount_count;
	struct skip *skips;
	size_t skip_count;
	struct slots slots;
	struct tasks tasks;
	uint64_t sent_total; /* already reported */
	struct batch *batch; /* being filled */
	size_t listing_bytes;
	uint32_t unacked, dirs, files, links;
	struct link_wait *ready, **ready_end; /* first names whose content waits for files to be closed */
	struct ipc_count count;
	int64_t counted_ns;
	struct delta_hash zero_hash;
	struct meta scratch;
	struct buf msg; /* scratch for payloads */
	uint8_t *read_buf; /* FILE_READ bytes */
	struct compression zstd;
	int cwd_fd; /* the directory that is the current one, to spare fchdir */
	bool finishing, dry_run, checksum;
};

#define LISTING_BYTES_MAX (12u << 20)
#define UNACKED_MAX 32768u
#define FILE_READ (256u << 10)
#define FILES_OPEN_MAX 24
#define LINKS_MAX 16384u /* names waiting to be linked, above which nothing new is streamed */

/* mover.c */
void mover_queue(struct mover *m, struct task *t);
void mover_unlist(struct mover *m, struct task *t); /* takes it from whatever list it stands in */
/* A frame of content, compressed when that pays. */
void mover_send_content(struct mover *m, uint8_t type, uint32_t id, const struct buf *payload);
/* Reads a file's contents, in full if they are there; counted against the rate of reading. */
ssize_t mover_pread(struct mover *m, int fd, void *buf, size_t n, uint64_t off);
void mover_chdir(struct mover *m, int fd);
void mover_forget_cwd(struct mover *m, int fd);
NORETURN void mover_die(struct mover *m, struct diag *d);
NORETURN void mover_protocol_error(struct mover *m, const char *what);

/* tell.c: everything the coordinator is told; directories by their path in the source */
char *mover_path(const char *dir, const char *name); /* "dir/name", to be freed */
void tell_item(struct mover *m, uint8_t op, const char *dir, const char *name, uint8_t type, uint32_t why,
	uint64_t bytes, const char *link);
void tell_failed(struct mover *m, const struct diag *d); /* counts a failed file */
void tell_diag(struct mover *m, const struct diag *d);
void tell_source_error(struct mover *m, const char *dir, const char *name, int err, const char *what);
void tell_note(struct mover *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
void tell_counts(struct mover *m, bool now);

/* listing.c */
/* Opens a path below a mount, component by component, following no link. -1 with errno. */
int listing_open_path(int rootfd, const char *path);
/* Reads names until `max` are there or the directory ends. Sorted by inode. */
void names_read(struct names *n, int fd, uint32_t max);
void names_release(struct names *n);
bool listing_skipped(const struct mover *m, const struct dir *d, const char *name, uint64_t ino);
/* btrfs: a subvolume that is a chosen mount itself is walked there, not here. */
bool listing_walked_elsewhere(const struct mover *m, const struct dir *d, const char *name);
/* True when the directory beneath a mount point has entries of its own. */
bool listing_hides(const struct dir *d, const char *name);
int32_t listing_mount_at(const struct mover *m, const struct dir *d, const char *name);
struct listed *listing_add(struct mover *m, struct listing *l, const char *name, size_t len, const struct meta *meta);
void listing_release(struct mover *m, struct listing *l);
static inline const char *listed_name(const struct listing *l, const struct listed *e)
{
	return (const char *)l->arena.data + e->name;
}
/* True when the rules, a skip or our own names leave this entry out. */
bool listing_left_out(struct mover *m, const struct dir *d, const char *name, bool is_dir, uint64_t ino);
void listing_add_up(struct mover *m, struct dir *d);
/* One entry more has been examined, unless the directory is seen for the second time. */
void listing_count(struct mover *m, struct dir *d, uint64_t size);

/* dir.c: open, scan, digest, end. need.c: LIST, NEED, EXTRA and what follows. stream.c: new directories */
void dir_new(struct mover *m, const struct ipc_unit *u);
enum step dir_step(struct mover *m, struct dir *d);
void on_dir_equal(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_diff(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_split(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_fail(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_done(struct mover *m, struct dir *d, const struct frame *f);
void on_need(struct mover *m, struct dir *d, const struct frame *f);
void on_extra(struct mover *m, struct dir *d, const struct frame *f);
void dir_pending_done(struct mover *m, struct dir *d);
void dir_finish(struct mover *m, struct dir *d, bool ok);
void dir_drain(struct mover *m, struct dir *d);
void dir_start_list(struct mover *m, struct dir *d);
void dir_start_stream(struct mover *m, struct dir *d);
enum step dir_list_step(struct mover *m, struct dir *d);
void dir_give_listed(struct mover *m, struct dir *d);
void dir_give(struct mover *m, struct dir *d, const char *name, int32_t mount, bool is_new);
enum step dir_work_step(struct mover *m, struct dir *d);
enum step dir_stream_step(struct mover *m, struct dir *d);
void dir_delete_granted(struct mover *m, struct dir *d, uint64_t budget);
void on_delete_done(struct mover *m, struct op *op, const struct frame *f);

/* op.c: single requests and their answers */
struct op *op_new(struct mover *m, uint8_t type, struct dir *d, const char *name);
void op_free(struct mover *m, struct op *op);
void on_op_done(struct mover *m, struct op *op, const struct frame *f);

/* put.c */
/* Adds an entry that needs no content or whose content is small to the open batch. content_fd -1: no content. Returns
 * false when the content could not be read (said and counted). */
bool put_entry(struct mover *m, struct dir *d, const char *name, struct meta *meta, int content_fd, uint8_t op,
	uint32_t why, struct link_wait *link, uint8_t flags);
void put_flush(struct mover *m);
void on_put_done(struct mover *m, struct batch *b, const struct frame *f);

/* content.c: sends one regular file's content, as PUT or as FILE, whichever is right */
struct content_request {
	uint8_t op;
	uint32_t why;
	uint64_t basis; /* there is a basis of this size; UINT64_MAX: none */
	bool brk;
	bool doubt; /* size and time are equal: only the contents can differ */
	struct link_wait *link;
};
void content_send(
	struct mover *m, struct dir *d, const char *name, struct meta *meta, int fd, const struct content_request *r);

/* file.c */
void file_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, int fd,
	const struct content_request *r);
void file_new_segment(struct mover *m, const struct ipc_unit *u);
enum step file_step(struct mover *m, struct file *f);
void on_file_ok(struct mover *m, struct file *f, const struct frame *fr);
void on_seg_need(struct mover *m, struct file *f, const struct frame *fr);
void on_file_done(struct mover *m, struct file *f, const struct frame *fr);
void file_share_done(struct mover *m, struct file *f, bool ok, bool changed);

/* link.c */
/* A name with several links: claims it. In a new directory there is no state to wait for. */
struct link_wait *link_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, bool have_state);
void link_state(struct mover *m, struct link_wait *w, const struct need *n);
void link_first(struct mover *m, struct link_wait *w);
/* Sends the content of first names that have waited for their turn. */
void link_run_ready(struct mover *m);
void link_to(struct mover *m, struct link_wait *w, const struct frame *f, struct rd *r);
void link_bound(struct mover *m, struct link_wait *w, bool ok);
/* The receiver cannot say its state: nothing is done for this name. */
void link_failed(struct mover *m, struct link_wait *w);
/* The first name's transfer ended: tells the coordinator, releases w. */
void link_committed(struct mover *m, struct link_wait *w, bool ok, uint64_t tdev, uint64_t tino);
