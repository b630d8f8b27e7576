/*
 * One name in an open directory: opening, making, replacing, and giving metadata.
 *
 * Ownership: nothing is kept; descriptors that are given are borrowed, those that are returned the caller's. Errors:
 * 0, or -1 with diag set, unless it is said otherwise.
 */
#pragma once

#include "diag/diag.h"
#include "receiver/hold.h"
#include "receiver/place.h"
#include "receiver/tmp.h"

#include <sys/stat.h>

struct session;

/* What a file that was just created has, so that meta_apply need not look: in room. NULL when things may have been
 * inherited. */
const struct meta *entry_fresh(struct meta *room, const struct stat *st, bool plain);
/* Opens a regular file as meta_read() found it, even when its mode forbids that to us. -1 with errno. */
int entry_open(struct session *s, struct place *at, const char *name, int flags);

/* Whether what is there may give way to this type: not where the source has what is not walked. */
bool entry_may_become(struct session *s, struct place *at, const char *name, uint8_t type, struct diag *diag);
/* Removes an empty directory that stands where something else must come: what was not empty DELETE_WAY has removed before. */
int entry_clear_way(struct session *s, struct place *at, const char *name, struct diag *diag);
/* Renames over whatever is there: then t has nothing to discard any more. -2: EXDEV (at->beside is set: make it
 * again). */
int entry_commit(struct session *s, struct tmpname *t, struct place *at, const char *name, struct diag *diag);

/* A directory of mode 0700, which gets its own at the end; out_made false: it was there. Replaces a non-directory. passage:
 * nobody gives it one, so it gets that of entry_make_passage(). */
int entry_mkdir(struct session *s, struct place *at, const char *name, bool passage, bool *out_made, struct diag *diag);
/* Ours, mode 0755, whatever it has inherited: for what is made only because other things are to lie beneath. */
void entry_make_passage(int fd);
/* A symbolic link, device, fifo or socket, with metadata, in the place of what is there. diag may be set in spite of
 * 0. */
int entry_make_special(struct session *s, struct place *at, const char *name, const struct meta *m, bool is_new,
	struct diag *diag, struct stat *out_st);
/* Gives the name an inode of its own with the same contents, and metadata m. */
int entry_break(struct session *s, struct place *at, const char *name, const struct meta *m, struct diag *diag);

/* Metadata of what is there. fd: descriptor of it or -1. What the file system cannot hold is no failure: into held. */
int entry_apply(struct session *s, struct place *at, const char *name, int fd, const struct meta *m,
	const struct meta *have, struct held *held, struct diag *diag);
/* Metadata of a new file, by descriptor: what the file system cannot hold is said. Failures are in diag. Returns
 * META_D_* of what it does not hold. */
unsigned entry_give(struct session *s, struct place *at, const char *name, int fd, const struct meta *m,
	const struct meta *have, uint32_t ctime_ns, struct diag *diag);
/* An inode with i or a cannot be renamed: a temporary file gets what entry_movable() leaves, and the rest after the
 * rename by entry_lock(). The copy shares m's buffers, and is not to be released. */
struct meta entry_movable(const struct meta *m);
void entry_lock(struct session *s, struct place *at, const char *name, int fd, const struct meta *m, struct diag *diag);
