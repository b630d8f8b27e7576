/* What --recheck looks at: STATE/JOB/verify-differences. */
#pragma once

#include "base/buf.h"

struct difference;

struct recheck_path {
	char *path; /* "" is the root */
	bool recurse;
};
struct recheck {
	struct recheck_path *paths;
	size_t n, cap;
	bool links; /* names of an inode differed: which belong together shows only when all are looked at */
};
/* Adds the record of a difference. */
void recheck_note(struct buf *out, const struct difference *d);
/* Takes in what those bytes are the records of. False: of nothing. */
bool recheck_parse(struct recheck *r, const char *data, size_t len);
void recheck_want(struct recheck *r, const char *path, bool recurse);
/* Each path once, and none beneath one that is looked at with all it holds. */
void recheck_reduce(struct recheck *r);
void recheck_release(struct recheck *r);
