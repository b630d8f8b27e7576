/*
 * What a run does not keep of metadata, by kind: on how many files, and on which one first. And what can be seen without
 * trying of what a file system holds. Any process; both sides of verify and of a transfer ask here, so that they agree.
 *
 * Ownership: a struct lost owns the paths; lost_clear(). Errors: none; kinds beyond LOST_KINDS_MAX are counted as the last.
 */
#pragma once

#include "base/util.h"

#include <stdint.h>

#define LOST_KINDS_MAX 24
#define LOST_WHAT_MAX 63

enum lost_why {
	LOST_UNKNOWN, /* no copy has it */
	LOST_TARGET, /* the target's file system cannot hold it */
	LOST_WHY_END
};

struct lost_kind {
	enum lost_why why;
	char what[LOST_WHAT_MAX + 1]; /* "the flag T" */
	uint64_t files;
	char *first; /* path */
};

struct lost {
	struct lost_kind all[LOST_KINDS_MAX];
	size_t n;
};

void lost_add(struct lost *l, enum lost_why why, const char *what, uint64_t files, const char *dir, const char *name);
/* One kind for each flag (FS_*_FL). */
void lost_add_flags(struct lost *l, enum lost_why why, uint32_t flags, const char *dir, const char *name);
void lost_clear(struct lost *l);

/* As lsattr(1) shows them; '?' for what it does not. */
char lost_flag_letter(uint32_t flag);

/* Kinds that both sides name. */
#define LOST_TIME "times as exact as the source's"
#define LOST_PROJECT "the project id"
#define LOST_COMPRESSION "the btrfs property"
#define LOST_LABEL "a label other than its own"
#define LOST_NOCOW_ADDED "files without the flag C"

/*
 * Whether the time that an inode has is what its file system has made of the time it was given: less exact, which its
 * ctime, of the file system's own making, is then too, or the end of what it can tell. Nothing is asked of the kernel,
 * so that it can be told of what is only read.
 */
bool lost_time_held(int64_t given_s, uint32_t given_ns, int64_t has_s, uint32_t has_ns, uint32_t ctime_ns);

#define LOST_BTRFS_MAGIC 0x9123683eu
/* Of the flags that are kept, those that such a file system (f_type of statfs) has not. */
uint32_t lost_flags_of(uint64_t fs_type);
