/*
 * What a run does not keep of metadata, or cannot tell of it, by kind: on how many files, and on which one first. And what can be seen without
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
	/* Of a verify, what cannot be told: */
	LOST_RECENT, /* whether a difference is one, or a change since the last sync */
	LOST_FUTURE, /* when that, which differs, has changed: its time lies in the future */
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

/* How exact times are in a file system, as far as that can be known without setting one. */
enum lost_times {
	LOST_TIMES_UNSURE,
	LOST_TIMES_SECONDS,
	LOST_TIMES_EXACT, /* nanoseconds, perhaps not beyond 2038 */
	LOST_TIMES_LONG, /* nanoseconds, and beyond */
	LOST_TIMES_END
};

/* fd: any inode of it. fs_type: f_type of statfs. */
enum lost_times lost_times_of(int fd, uint64_t fs_type);

/*
 * Whether the time that an inode has can be what its file system has made of the time it was given: less exact, which its
 * ctime, of the file system's own making, is then too, or the end of what it can tell. Where it is not known how exact
 * times are, they may be so by chance: then it is no proof, and who may write asks (lost_times_ask()).
 */
bool lost_time_held(
	int64_t given_s, uint32_t given_ns, int64_t has_s, uint32_t has_ns, uint32_t ctime_ns, enum lost_times known);

/* What a file system has made of times that a file of no other use was given. */
struct lost_grain {
	uint64_t step; /* ns; 0: it could not be asked */
	bool ends[3]; /* as those in lost.c */
};

void lost_times_ask(int fd, struct lost_grain *out);
/* The same question as lost_time_held(), with a sure answer: no, where it could not be asked. */
bool lost_time_given(const struct lost_grain *g, int64_t given_s, uint32_t given_ns, int64_t has_s, uint32_t has_ns);

#define LOST_BTRFS_MAGIC 0x9123683eu
#define LOST_XFS_MAGIC 0x58465342u
/* Of the flags that are kept, those that such a file system (f_type of statfs) has not. */
uint32_t lost_flags_of(uint64_t fs_type);
