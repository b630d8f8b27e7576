/* What differed in the last verify, and is looked at again by --recheck and repaired by --repair: STATE/JOB/verify-differences. */
#pragma once

#include "base/buf.h"
#include "job/job.h"

struct difference;

#define RECHECK_MAX (64u << 20) /* bytes of the file: what is more is remembered as "everything" */

enum recheck_flag {
	RECHECK_DEEP = 1 << 0, /* found by reading contents */
	RECHECK_CHANGED = 1 << 1, /* the source had changed meanwhile */
	RECHECK_UNREAD = 1 << 2, /* it could not be compared */
};

struct recheck_path {
	char *path; /* "" is the root */
	bool recurse;
	bool content; /* the contents of a file may differ, whatever its size and time say */
	bool deep;
};
struct recheck {
	struct recheck_path *paths;
	size_t n, cap;
	bool links; /* names of an inode differed: which belong together shows only when all are looked at */
	bool deep; /* contents were read */
};

/* Adds the record of a difference; deep: contents were being read. */
void recheck_note(struct buf *out, const struct difference *d, bool deep);
/* Of what could not be read. */
void recheck_note_unread(struct buf *out, const char *path, bool deep);
/* Takes in what those bytes are the records of. False: of nothing. */
bool recheck_parse(struct recheck *r, const char *data, size_t len);
void recheck_want(struct recheck *r, const char *path, bool recurse);
/* Each path once, and none beneath one that is looked at with all it holds. */
void recheck_reduce(struct recheck *r);
void recheck_release(struct recheck *r);
/* Adds those records of old that out has not, and that lie in none of the paths of `looked`. */
void recheck_keep(struct buf *out, const char *old, size_t len, const struct recheck *looked);
/* How many records there are of each kind; out_unread: of what could not be compared. */
void recheck_count(const char *data, size_t len, uint64_t counts[DIFFERENCE_KINDS], uint64_t *out_unread);
