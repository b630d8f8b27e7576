/*
 * Private to the room confine: the three means, each used by confine.c in the one order that works.
 */
#pragma once

#include "confine/confine.h"

/* Capabilities and identity. */

/* Who is left: a mask of (1 << CAP_*), at most these. */
#define RIGHT(cap) (UINT64_C(1) << (cap))

/* Becomes uid and gid 65534 without groups; capabilities survive until rights_keep(). False with errno. */
bool rights_leave_root(void);
/* Keeps those of keep that the process has, permitted and effective, and no others, now or after an exec.
 * False with errno. */
bool rights_keep(uint64_t keep, struct buf *out_note);
bool rights_have(unsigned cap);

/* The system-call filter. */

enum filter_set {
	FILTER_COMMON = 1 << 0, /* what no role needs */
	FILTER_NO_WRITE = 1 << 1, /* nothing that opens for writing or changes a file */
	FILTER_NO_OPEN = 1 << 2, /* no files at all */
};

/* False with errno where the kernel has filters but this one could not be set. */
bool filter_load(unsigned sets, struct buf *out_note);
/* The part of it for ioctls: those that a role with these sets needs, and no other. False with errno. */
bool ioctl_filter_load(unsigned sets);

/* Landlock. */

enum landlock_scope {
	LANDLOCK_NO_WRITE, /* reading as before, changing nothing */
	LANDLOCK_NOTHING, /* no file can be opened */
	LANDLOCK_BELOW, /* only below root_fd, but for execution */
	LANDLOCK_READ_BELOW,
};

/* 1: in force; 0: this kernel has it not, or too old; -1 with errno. Needs no-new-privileges. */
int landlock_restrict(enum landlock_scope scope, int root_fd, struct buf *out_note);
