/* A stack of records that does not fit into memory. */
#pragma once

#include "base/pack.h"

/* dir NULL: all of it stays in memory. */
struct spill {
	const char *dir; /* where the file goes; the caller's */
	int fd; /* -1 until needed */
	struct buf mem;
	uint64_t spilled; /* bytes in the file */
	uint64_t count; /* records */
	size_t begun; /* where the record being appended begins */
	size_t write_at; /* bytes in memory: time to write */
	int err; /* errno: it could not be written or read back, and is lost */
};
void spill_init(struct spill *s, const char *dir);
/* A record is what is appended between the two. */
struct buf *spill_begin(struct spill *s);
void spill_end(struct spill *s);
/* The last one, valid until the next call; false when there is none, or with err set. */
bool spill_take(struct spill *s, struct bytes *out);
void spill_release(struct spill *s);
