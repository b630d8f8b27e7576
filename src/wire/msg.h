/*
 * The messages between a mover (M) and its receiver (R). This header is the protocol; rehost-protocol(7) explains it.
 *
 * One ordered byte stream of frames (frame.h). R executes requests strictly in the order they come, so M never waits
 * before it sends what depends on something it has sent before; R answers when there is something to say. An answer
 * carries the id of its request. Ids are chosen by M: directory ids, file ids, and operation ids share one space and
 * are not reused while open.
 *
 * Life of a directory that exists on both sides:
 *
 *	M: DIR  (digest of one slice of its listing)        R: DIR_EQUAL | DIR_DIFF (bucket digests) | DIR_SPLIT | DIR_FAIL
 *	M: LIST (entries of the unequal buckets)            R: NEED (what was done, what content is needed), EXTRA (names)
 *	M: PUT, FILE .. FILE_END, LINK, META, DELETE        R: PUT_DONE, FILE_DONE, OP_DONE, DELETE_DONE
 *	M: DIR_END                                          R: DIR_DONE
 *
 * A directory made in this run (DIR with DIR_NEW) needs no answer before its entries stream in as PUT and FILE.
 *
 * Slices: a listing too long to hold is compared in parts: an entry belongs to slice (name hash >> 32) % slices, and
 * within it to bucket (name hash & 0xffffffff) % buckets. See digest.h.
 *
 * Every get function returns false on anything malformed; strings and byte ranges point into the payload unless the
 * struct says they are owned (after a get that returned true). A failure always has its diag: DIAG_INTERNAL where the
 * other side has sent none.
 */
#pragma once

#include "base/lost.h"
#include "base/sysload.h"
#include "diag/diag.h"
#include "meta/meta.h"
#include "wire/digest.h"
#include "wire/frame.h"
#include "base/pack.h"

#define WIRE_PROTOCOL 1
#define WIRE_PATH_MAX \
	(1u << 20) /* bytes of one path: four of them fit into a frame. What lies deeper fails by name where it is listed */
#define WIRE_SMALL_MAX (128u << 10) /* contents up to this travel in PUT */
#define WIRE_BATCH_BYTES (256u << 10) /* a PUT or LIST frame is closed when it reaches this */
#define WIRE_CHUNK (64u << 10) /* tier-one chunk */
#define WIRE_SEGMENT (32u << 20) /* bytes covered by one SEG_HASH at most */
/* Bytes of one RUN's result; a delta is worth sending up to 7/8 of it, and FRAME_MAX holds that. */
#define WIRE_RUN_MAX (8u << 20)
#define WIRE_ZERO_MAX (UINT64_C(4) << 30) /* bytes covered by one SEG_ZERO at most */
#define WIRE_WINDOW_MARGIN (512u << 10) /* a window reaches this far beyond its run, when the run is long */
#define WIRE_SLICE_ENTRIES 32768u /* a slice aims at no more entries than this */
#define WIRE_BUCKETS_MAX 65536u

/* Beside these there are PACE_LIMITS (250) and PACE_USED (251): pace/message.h. */
enum msg_type {
	/* session */
	MSG_HELLO = 1, /* M */
	MSG_HELLO_OK, /* R */
	MSG_ERROR, /* R, id 0: the session cannot go on; struct diag */
	/* M, id op, u8 all (absent: 0): sync every file system R has written to, or (1) all of the host. Answer OP_DONE */
	MSG_SYNC,
	MSG_BYE, /* M: no more requests; R removes its temporary directory and ends */
	MSG_SUSPECT, /* M: records of struct suspect: all there are, whatever was said before. No answer */
	MSG_FLUSH, /* M: the next EPOCH is to be one of what any session can have written. No answer but that */
	MSG_EPOCH, /* R, id 0, unasked: struct msg_epoch */
	MSG_LOST, /* R, id 0, unasked: records of struct msg_lost. Before the answer to what it was met in */

	/* directories; id is the directory's */
	MSG_DIR = 16, /* M */
	/* R: the slice is equal. u32 META_D_* mask of the directory's own metadata that was set (only without DIR_MORE) */
	MSG_DIR_EQUAL,
	MSG_DIR_DIFF, /* R */
	MSG_DIR_SPLIT, /* R: u32 slices: send DIR again for each of that many slices (R holds nothing of it) */
	MSG_DIR_FAIL, /* R: struct diag: the directory cannot be worked on; it is closed */
	MSG_LIST, /* M */
	MSG_NEED, /* R */
	MSG_EXTRA, /* R: flags u8 (MSG_LAST), then records: type u8, name bytes */
	MSG_DIR_END, /* M: u8 flags (DIR_END_*) */
	MSG_DIR_DONE, /* R: u32 META_D_* that were set, u32 META_D_* that differ and could not be set, u8 has diag, diag */

	/* small entries; id is the batch's */
	MSG_PUT = 32, /* M */
	MSG_PUT_DONE, /* R */

	/* large files; id is the file's */
	MSG_FILE = 48, /* M */
	MSG_FILE_OK, /* R, only when FILE_SHARED: path of the file being written, relative to the root; u8 in place */
	MSG_DATA, /* M: literal bytes at an offset. No answer */
	MSG_HOLE, /* M: nothing but zeros here. No answer */
	MSG_SEG_HASH, /* M: chunk hashes of a segment */
	MSG_SEG_NEED, /* R: the runs that differ, with signatures */
	MSG_RUN, /* M: one run as a delta. No answer: failures are in FILE_DONE */
	MSG_FILE_END, /* M */
	MSG_FILE_DONE, /* R */
	MSG_SEG_ZERO, /* M: as HOLE, at most WIRE_ZERO_MAX: a segment of nothing but zeros. Answer SEG_NEED, literal runs */

	/* single operations; id is the operation's */
	MSG_META = 64, /* M: metadata only, optionally breaking a hard link. Answer OP_DONE */
	MSG_LINK, /* M: make a name a further link of an inode. Answer OP_DONE */
	MSG_DELETE, /* M: names of one directory that the source no longer has. Answer DELETE_DONE */
	MSG_OP_DONE, /* R */
	MSG_DELETE_DONE, /* R */

	/* measuring (netcheck) */
	MSG_PING = 80, /* M: nothing. Answer PONG, in its place among the FILLs */
	MSG_PONG, /* R */
	MSG_FILL, /* M: bytes that are counted and thrown away. No answer */
	MSG_LOAD, /* M: nothing. Answer LOAD_OK */
	MSG_LOAD_OK, /* R */
};

#define MSG_LAST 0x01 /* in a flags byte: no more frames of this answer (or request) follow */

/* ---- session ---- */

enum hello_flag {
	HELLO_DRY_RUN = 1 << 0, /* R answers as if, changes nothing */
	HELLO_DELETE =
		1 << 1, /* EXTRA is wanted; a directory in the way may be removed with what it holds (DELETE_WAY) */
	HELLO_FIRST = 1 << 2, /* first receiver of this run: empty the temporary directory */
	HELLO_ITEMIZE = 1 << 3, /* DELETE_DONE lists every entry removed */
	HELLO_CHECKSUM = 1 << 4, /* regular files of equal size are compared by content: no DIR_EQUAL, all in NEED */
	HELLO_REPLACE = 1 << 5, /* update = replace: never in place */
	HELLO_INPLACE = 1 << 6, /* update = inplace: always in place (unless several links). Neither: auto */
	HELLO_SIZE_ONLY_BASE = 1 << 7, /* reserved, must be 0 */
};

struct msg_hello {
	uint32_t protocol;
	struct bytes version; /* program version, for messages; protocol decides */
	uint8_t seed[16]; /* key of all hashes of the session */
	uint32_t fields; /* META_F_* that M can read */
	uint32_t flags;
	struct bytes rules; /* rules_pack() of the phase's rules */
	/* target paths that are another unit's business: hidden from listing and deletion (map targets), as paths */
	struct bytes hidden; /* records: path bytes */
	struct bytes kept; /* the same: never deleted, nor what lies beneath */
};
void msg_hello_put(struct buf *out, const struct msg_hello *m);
bool msg_hello_get(const struct frame *f, struct msg_hello *m);

struct msg_hello_ok {
	uint32_t protocol;
	struct bytes version;
	uint32_t fields; /* the profile of the session: what both can do */
	uint8_t root_uid; /* 1: R has the rights of root */
	uint8_t boot_id[16]; /* of R's kernel, to notice that both ends are one host */
	uint64_t root_dev, root_ino;
	uint64_t root_mount; /* its mount's number, which no other has while the kernel runs; 0: not known */
	uint8_t root_live; /* it is "/" of the system that R runs in */
	struct bytes places; /* records: struct msg_place, that of the root first; none when it does not exist (dry) */
	int64_t now; /* R's clock; nothing has been written yet */
};
void msg_hello_ok_put(struct buf *out, const struct msg_hello_ok *m);
bool msg_hello_ok_get(const struct frame *f, struct msg_hello_ok *m);

/* A file system of the target, the root's or one mounted beneath it: what it is known by when it is seen again. */
#define WIRE_PLACES_MAX 4096u
struct msg_place {
	struct bytes path; /* of its directory, relative to the root; "" is the root */
	uint64_t type, number; /* as statfs() has them; number 0: none that another start of the host gives again */
	uint64_t dev, ino;
	int64_t born; /* of its directory; ns, 0: not known */
	uint8_t empty; /* it holds nothing but directories, what mkfs made and our own aside */
};
void msg_place_put(struct buf *out, const struct msg_place *p);
bool msg_place_get(struct rd *r, struct msg_place *p); /* false at the end too: check rd_done() */
/* Whether they are none but such, the root's first, and no other of that path. */
bool msg_places_valid(const struct bytes *places);

/*
 * What an unclean end may have left: times of inodes can reach the disk before the contents. Regular files whose ctime
 * lies in [from, to) are not taken for equal by size and time: their contents are compared. All times are nanoseconds
 * of R's clock, and within 0..WIRE_TIME_MAX; the latter as `to` means no end.
 */
#define WIRE_TIME_MAX (INT64_MAX / 2)
#define WIRE_SUSPECTS_MAX 64
struct suspect {
	int64_t from, to;
};
void msg_suspect_put(struct buf *out, const struct suspect *s);
bool msg_suspect_get(struct rd *r, struct suspect *s);

struct msg_epoch {
	int64_t time; /* what R (all: anyone on its host) has written before that time is on the disk */
	uint8_t all;
};
void msg_epoch_put(struct buf *out, const struct msg_epoch *m);
bool msg_epoch_get(const struct frame *f, struct msg_epoch *m);

/* What the target's file system cannot hold of files, since the last one: base/lost.h. */
struct msg_lost {
	struct bytes what; /* 1..LOST_WHAT_MAX bytes */
	uint64_t files;
	struct bytes path; /* of the first, relative to the source root */
};
void msg_lost_put(struct buf *out, const struct msg_lost *m);
bool msg_lost_get(struct rd *r, struct msg_lost *m);

/* ---- directories ---- */

enum dir_flag {
	DIR_NEW = 1 << 0, /* made by this run and empty (or, dry run: does not exist): no answer but DIR_FAIL */
	DIR_PARENTS = 1 << 1, /* make missing parents too (a mapped mount) */
	DIR_PASSAGE = 1 << 2, /* its own metadata is left alone; made with mode 0755 when missing */
	DIR_MORE =
		1 << 3, /* M will send LIST and DIR_END even when the digest is equal (linked names, deferred work) */
	DIR_NO_DELETE = 1 << 4, /* M's listing is incomplete: no EXTRA */
};

struct msg_dir {
	uint8_t flags;
	struct bytes src; /* path relative to the source root, for the rules */
	struct bytes dst; /* path relative to the target root */
	uint32_t slice, slices; /* slices >= 1 */
	uint32_t buckets; /* 1..WIRE_BUCKETS_MAX; not with DIR_NEW */
	struct digest digest; /* of the slice's entries; not with DIR_NEW */
	struct bytes meta; /* packed metadata of the directory itself */
};
void msg_dir_put(struct buf *out, const struct msg_dir *m);
/* src and dst are validated as paths (see rd_path), meta is not. */
bool msg_dir_get(const struct frame *f, struct msg_dir *m);

struct msg_dir_diff {
	uint8_t empty; /* the target has nothing in this directory: it may be treated as new from here on (all slices) */
	struct bytes buckets; /* 8 bytes for each: digest_bucket values, little endian; empty when `empty` */
};
void msg_dir_diff_put(struct buf *out, const struct msg_dir_diff *m);
bool msg_dir_diff_get(const struct frame *f, struct msg_dir_diff *m);

/* LIST: flags u8 (MSG_LAST), bitmap bytes (bit i of byte i/8: bucket i is listed; only the first LIST of a slice has
 * one, the others an empty string; all bits set for a full list), then entries to the end of the frame. Linked entries
 * are always listed, whatever their bucket. The index of an entry counts from 0 in each slice, over all its frames. */
enum entry_flag {
	ENTRY_LINKED = 1 << 0, /* more than one link at the source: R only reports its state (NEED_LINK_STATE) */
	ENTRY_BREAK = 1 << 1, /* PUT, META: whatever is there under this name must become an inode of its own */
	ENTRY_WANT_INO = 1 << 2, /* PUT: report the inode (PUT_DONE) */
	ENTRY_DOUBT = 1 << 3, /* LIST, a regular file: its contents are compared, whatever size and time say */
};
struct entry {
	uint8_t flags;
	struct bytes name;
	struct bytes meta; /* packed; of a directory in LIST and PUT: only its type (META_DIR as one byte) */
	struct bytes content; /* PUT of regular files; else empty */
};
void msg_list_head_put(struct buf *out, bool last, const uint8_t *bitmap, size_t n);
bool msg_list_head_get(struct rd *r, bool *out_last, struct bytes *out_bitmap);
void msg_entry_put(struct buf *out, const struct entry *e, bool with_content);
/* The name is validated (path_name_valid()), meta and content are not. False at the end too: check rd_done. */
bool msg_entry_get(struct rd *r, bool with_content, struct entry *e);

/* NEED: flags u8 (MSG_LAST), then records. Entries that are equal have no record. */
enum need_op {
	NEED_CREATED = 1, /* R has made it (directory, link, device, fifo, socket), or would (dry run) */
	NEED_UPDATED, /* R has replaced it: another type, link target or device number was there */
	NEED_METADATA, /* R has set what differed (why); or broken a hard link by copying (META_D_HARDLINK) */
	NEED_NEW, /* a regular file that is not there: content is needed */
	NEED_UPDATE, /* a regular file that is there with other size, time or (CHECKSUM, SUSPECT, ENTRY_DOUBT) perhaps content */
	NEED_LINK_STATE, /* a linked entry's state; nothing was done */
	NEED_FAILED, /* diag */
	NEED_WAY, /* a directory stands where something else must come: nothing was done, DELETE_WAY is to come first */
};
struct need {
	uint32_t index;
	uint8_t op;
	uint32_t why; /* META_D_* */
	uint64_t basis; /* NEED_UPDATE, NEED_LINK_STATE: size of the regular file that is there, 0 if none */
	uint8_t exists; /* NEED_LINK_STATE: something of the same type is there under this name */
	uint8_t doubt; /* NEED_LINK_STATE, when exists: its contents are to be compared, whatever its time says */
	uint64_t dev, ino, nlink; /* NEED_LINK_STATE, when exists */
	struct diag diag; /* NEED_FAILED; owned by the caller after get */
};
void msg_need_put(struct buf *out, const struct need *n);
bool msg_need_get(struct rd *r, struct need *n);

/* DIR_END */
enum dir_end_flag {
	DIR_END_NO_META = 1 << 0, /* leave the directory's metadata alone (not the last slice; failed; passage) */
};
struct msg_dir_done {
	uint32_t set, failed;
	struct diag diag; /* owned after get; DIAG_NONE when all is well */
};
void msg_dir_done_put(struct buf *out, const struct msg_dir_done *m);
bool msg_dir_done_get(const struct frame *f, struct msg_dir_done *m);

/* ---- small entries ---- */

/* PUT: u32 directory id, then entries with content. R makes each (a directory: 0700 or as it is, its own DIR follows),
 * replaces what is there by renaming over it, and sets all metadata. PUT_DONE: records for those with something to say. */
struct put_done {
	uint32_t index;
	bool failed;
	bool made; /* a directory of this name was not there before */
	uint64_t dev, ino; /* ENTRY_WANT_INO and not failed */
	struct diag diag; /* failed; or metadata that could not be set (not failed, diag set). Owned after get */
};
void msg_put_done_put(struct buf *out, const struct put_done *p);
bool msg_put_done_get(struct rd *r, struct put_done *p);

/* ---- large files ---- */

enum file_flag {
	FILE_UPDATE = 1 << 0, /* there is a basis under this name; SEG_HASH follows. Without: DATA and HOLE only */
	FILE_SHARED = 1 << 1, /* other receivers write segments: announce the path (FILE_OK) */
	FILE_SEGMENT =
		1 << 2, /* this receiver writes segments of a file announced by another: path instead of dir, name */
	FILE_BREAK = 1 << 3, /* what is there must become an inode of its own */
	FILE_COMPARE = 1 << 4, /* dry run with CHECKSUM: only SEG_HASH and its answers, nothing is written */
};
struct msg_file {
	uint8_t flags;
	uint32_t dir; /* directory id; not with FILE_SEGMENT */
	struct bytes name; /* not with FILE_SEGMENT */
	struct bytes path; /* FILE_SEGMENT: the announced path */
	struct bytes basis_path; /* FILE_SEGMENT with FILE_UPDATE: path of the basis (same as path when in place) */
	uint64_t off, len; /* FILE_SEGMENT: its part of the file */
	uint64_t size;
	struct bytes meta;
};
void msg_file_put(struct buf *out, const struct msg_file *m);
bool msg_file_get(const struct frame *f, struct msg_file *m);

struct msg_file_ok {
	struct bytes path, basis_path; /* basis_path empty when there is no basis */
	uint8_t inplace;
	uint64_t basis;
};
void msg_file_ok_put(struct buf *out, const struct msg_file_ok *m);
bool msg_file_ok_get(const struct frame *f, struct msg_file_ok *m);

struct msg_data { /* DATA (len 0, bytes set) and HOLE (len set) */
	uint64_t off, len;
	struct bytes data;
};
void msg_data_head_put(struct buf *out, uint64_t off); /* DATA: append the bytes behind it */
bool msg_data_get(const struct frame *f, struct msg_data *m);
void msg_hole_put(struct buf *out, uint64_t off, uint64_t len);
bool msg_hole_get(const struct frame *f, struct msg_data *m);

/* SEG_HASH: hashes is one 16-byte hash (lo, hi little endian) for each chunk of off..off+len; the last may be short. */
struct msg_seg_hash {
	uint64_t off;
	uint32_t len, chunk;
	struct bytes hashes;
};
void msg_seg_hash_put(struct buf *out, const struct msg_seg_hash *m);
bool msg_seg_hash_get(const struct frame *f, struct msg_seg_hash *m);

/* SEG_NEED: u64 off of the segment, flags u8 (MSG_LAST), then runs. sig empty: send the run literally (DATA, HOLE). */
struct seg_run {
	uint64_t off;
	uint32_t len; /* 1..WIRE_RUN_MAX */
	uint64_t window_off; /* of the basis */
	uint32_t window_len;
	struct bytes sig;
};
void msg_seg_run_put(struct buf *out, const struct seg_run *r);
bool msg_seg_run_get(struct rd *r, struct seg_run *run);

struct msg_run {
	uint64_t off;
	uint32_t len;
	uint64_t window_off;
	uint32_t window_len;
	uint8_t hash[16]; /* keyed XXH3-128 of the result */
	struct bytes delta;
};
void msg_run_put(struct buf *out, const struct msg_run *m);
bool msg_run_get(const struct frame *f, struct msg_run *m);

enum file_end_flag {
	FILE_END_ABANDON =
		1 << 0, /* the source could not be read to the end: keep what is useful, report nothing done */
	FILE_END_UNCHANGED = 1 << 1, /* FILE_COMPARE or CHECKSUM: contents were equal; only metadata is set */
};
struct msg_file_end {
	uint8_t flags;
	struct bytes meta; /* final metadata; empty with FILE_SEGMENT */
};
void msg_file_end_put(struct buf *out, const struct msg_file_end *m);
bool msg_file_end_get(const struct frame *f, struct msg_file_end *m);

/* FILE_DONE: status, then again: runs (off u64, len u32) to be sent literally, followed by FILE_END once more. */
enum file_status { FILE_COMMITTED, FILE_AGAIN, FILE_FAILED };
struct msg_file_done {
	uint8_t status;
	uint32_t why; /* META_D_* that changed */
	uint64_t dev, ino; /* committed */
	struct diag diag; /* failed; or metadata that could not be set. Owned after get */
	struct bytes runs; /* again: records; see msg_again_get */
};
void msg_file_done_put(struct buf *out, const struct msg_file_done *m);
bool msg_file_done_get(const struct frame *f, struct msg_file_done *m);
void msg_again_put(struct buf *out, uint64_t off, uint32_t len);
bool msg_again_get(struct rd *r, uint64_t *off, uint32_t *len);

/* ---- single operations ---- */

struct msg_meta {
	uint32_t dir;
	uint8_t flags; /* ENTRY_BREAK */
	struct bytes name, meta;
};
void msg_meta_put(struct buf *out, const struct msg_meta *m);
bool msg_meta_get(const struct frame *f, struct msg_meta *m);

struct msg_link {
	uint32_t dir;
	struct bytes name;
	struct bytes existing; /* path relative to the target root, validated */
	uint64_t dev, ino; /* the inode it must become a link of: checked after opening `existing` */
};
void msg_link_put(struct buf *out, const struct msg_link *m);
bool msg_link_get(const struct frame *f, struct msg_link *m);

struct msg_op_done {
	uint8_t failed;
	uint8_t changed;
	uint32_t why;
	uint64_t dev, ino;
	struct diag diag; /* owned after get */
};
void msg_op_done_put(struct buf *out, const struct msg_op_done *m);
bool msg_op_done_get(const struct frame *f, struct msg_op_done *m);

/* DELETE: u32 directory id, u8 flags, u64 budget (entries that may be removed; UINT64_MAX unbounded), then names. */
enum delete_flag {
	/* One name, of a directory that has to give way (NEED_WAY): all of it goes, or nothing. Without HELLO_DELETE only when it is
	 * empty. */
	DELETE_WAY = 1 << 0,
};
struct msg_delete_head {
	uint32_t dir;
	uint8_t flags; /* DELETE_* */
	uint64_t budget;
};
void msg_delete_head_put(struct buf *out, const struct msg_delete_head *m);
bool msg_delete_head_get(struct rd *r, struct msg_delete_head *m);
/* DELETE_DONE: flags u8 (MSG_LAST), u64 deleted in this frame, u8 the budget was reached, then records. */
struct msg_delete_done {
	uint8_t flags;
	uint64_t deleted;
	uint8_t budget_reached;
	struct rd records;
};
void msg_delete_done_head_put(struct buf *out, const struct msg_delete_done *m);
bool msg_delete_done_get(const struct frame *f, struct msg_delete_done *m);
struct delete_record {
	uint8_t type; /* META_* of what was removed, or META_NONE: a failure */
	struct bytes path; /* relative to the directory of the request */
	struct diag diag; /* owned after get */
};
void msg_delete_record_put(struct buf *out, const struct delete_record *r);
bool msg_delete_record_get(struct rd *r, struct delete_record *out);

/* ---- measuring ---- */

struct msg_pong {
	uint64_t clock_ns; /* of R, since some moment of its own */
	uint64_t filled; /* bytes of FILL that R has thrown away in this session */
};
void msg_pong_put(struct buf *out, const struct msg_pong *m);
bool msg_pong_get(const struct frame *f, struct msg_pong *m);
/* How busy R's host is; all zeros where it does not tell. */
void msg_load_put(struct buf *out, const struct sysload *m);
bool msg_load_get(const struct frame *f, struct sysload *m);

/* A diagnostic on the wire: number of its id, errno, path, detail. Bounded; an unknown one becomes DIAG_INTERNAL. */
void wr_diag(struct buf *b, const struct diag *d);
bool rd_diag(struct rd *r, struct diag *out);
