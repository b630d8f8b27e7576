/*
 * A large file, or a segment of one that several movers write: the object, its beginning and end, and reading it. Its life
 * is drawn in file.c; segment.c hashes it and answers runs, transfer.c takes its steps, share.c shares it.
 *
 * Ownership: it has a slot (SLOT_FILE) and owns its descriptor. A file is counted in its directory; a segment has none, and
 * is a unit of the coordinator's instead. Errors: what cannot be read is told, and makes the file `abandoned`.
 */
#pragma once

#include "base/buf.h"
#include "base/pagecache.h"
#include "mover/tasks.h"

struct dir;
struct link_wait;
struct meta;
struct mover;

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
	struct file *next_large; /* of dir->large */
	uint32_t unit; /* segments */
	char *name; /* bare name; for messages the whole path is made from dir */
	char *src; /* segments: path */
	struct buf packed; /* metadata as sent */
	int fd;
	uint64_t size, off, end, basis, seg_start;
	uint64_t data_end; /* sparse: the data at hand reaches this far; 0: look */
	uint64_t holes_off; /* FILE_STATE_HOLES: up to here they have been sent */
	bool update, sparse, shared, segment, compare, abandoned, brk;
	bool shrunk, again; /* while it was read; it is being sent for the second time */
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
	bool again; /* it has changed while it was read: the second time */
	bool doubt; /* size and time are equal: only the contents can differ */
	struct link_wait *link;
};

/* Begins a file. It owns fd, and ends the link, from then on. */
void file_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, int fd,
	const struct content_request *r);
/* Whether one of this name is under way in d. */
bool file_is_open(const struct dir *d, const char *name);
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
/* Said, but for 0: it has shrunk. Nothing more is read. */
void file_source_failed(struct mover *m, struct file *f, int err);
ssize_t file_read_at(struct mover *m, struct file *f, void *buf, size_t n, uint64_t off);
/* In a sparse file: how far the hole at off reaches (0: there is none). */
uint64_t file_hole_at(const struct file *f, uint64_t off, uint64_t end);
/* The data at off ends at the latest here. */
uint64_t file_data_until(struct file *f, uint64_t off, uint64_t end);
void file_send_hole(struct mover *m, struct file *f, uint64_t off, uint64_t len);
/* Reads a piece of up to FILE_READ bytes at off into a DATA payload; returns the bytes sent, 0 on failure. */
uint32_t file_send_piece(struct mover *m, struct file *f, uint64_t off, uint32_t len);
