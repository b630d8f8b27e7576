/*
 * What the coordinator is told of entries: items, failures, notes, counts.
 *
 * Directories are named by their path below the source root, as struct dir has it in src. Nothing here fails.
 */
#pragma once

#include "diag/diag.h"

struct dir;
struct meta;
struct mover;

/* What happened to an entry, in the order of enum item_op in engine.h. */
enum { OP_CREATE, OP_UPDATE, OP_METADATA, OP_LINK, OP_DELETE };

void tell_item(struct mover *m, uint8_t op, const char *dir, const char *name, uint8_t type, uint32_t why,
	uint64_t bytes, const char *link);
void tell_failed(struct mover *m, const struct diag *d); /* counts a failed file */
void tell_diag(struct mover *m, const struct diag *d);
/* Cannot do `what` with an entry. One that has gone meanwhile is only counted as vanished. */
void tell_source_error(struct mover *m, const char *dir, const char *name, int err, const char *what);
/* Of an entry that has been read: what is not kept of it. Attributes that could not be read are its failure. */
void tell_unkept(struct mover *m, const struct dir *d, const char *name, const struct meta *meta);
/* It has become another while it was read: counted as vanished, and left to the next sync. */
void tell_changed(struct mover *m, const char *dir, const char *name);
/* After reading: a damaged inode's time is not taken as it is. */
void tell_odd_time(struct mover *m, const char *dir, const char *name);
void tell_note(struct mover *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* All ten times a second, unless it is asked for now. */
void tell_counts(struct mover *m, bool now);
