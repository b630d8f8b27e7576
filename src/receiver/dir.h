/*
 * The directories of the protocol that are open: from DIR to the answer that closes them (dir.c has their life).
 *
 * Ownership: the session's. dir_give_up() frees the directory it is given; dir_find() lends it until the request is
 * done. Errors: none here; handlers answer them.
 */
#pragma once

#include "receiver/listing.h"
#include "receiver/place.h"

#define DIRS_MAX 256

struct session;

struct dir {
	uint32_t id;
	uint8_t flags; /* DIR_* */
	struct place at;
	struct meta want; /* its own metadata, for the end */
	bool has_want;
	struct slice slice;
	struct { /* between DIR and the last LIST: list.c */
		struct listing *own; /* kept between DIR and LIST, and during LIST */
		size_t own_bytes;
		bool begun; /* LIST frames have come */
		bool unreadable; /* our listing could not be read again: every entry fails */
		struct buf bitmap;
		struct buf needs; /* NEED frames, held until the mover has sent its last LIST */
		uint32_t index;
	} list;
	unsigned files; /* open files in it, which point to it */
};

struct dirs {
	struct dir *all[DIRS_MAX];
	size_t n;
};

/* NULL: not open. */
struct dir *dir_find(struct session *s, uint32_t id);
/* Frees the listing that was kept. */
void dir_drop_listing(struct session *s, struct dir *d);
/* Closes it as it is, and frees it; DIR_FAIL or DIR_SPLIT has been said. */
void dir_give_up(struct session *s, struct dir *d);
/* Frees all: the link is lost. The files in them are gone already. */
void dir_abandon_all(struct session *s);
