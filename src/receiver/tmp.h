/*
 * Temporary names: in one directory of the target root, or beside the file where that is on another file system. What they are
 * called and how they are known again: base/ownname.h.
 *
 * Ownership: a struct tmpname is the caller's, and holds no descriptor of its own; what is created under it is the
 * caller's to rename (entry_commit()) or to remove (tmp_discard()). Errors: -1 with errno; that there is no temporary
 * directory is none, names are beside then.
 */
#pragma once

#include "base/ownname.h"
#include "receiver/place.h"

struct session;

struct tmp {
	int fd; /* the temporary directory; -1: not open */
	char dir[OWN_NAME_SIZE]; /* its name in the target root */
	bool plain; /* as place.plain */
	uint64_t rng;
};

struct tmpname {
	int dirfd; /* borrowed; -1: none */
	char name[32];
	bool beside;
};

void tmp_start(struct session *s, bool empty);
/* Removes what is in the temporary directory: when nobody writes there, it is of a receiver that was killed. */
void tmp_empty(struct session *s);
/* Removes the directory too, unless others use it. */
void tmp_end(struct session *s);

/* A new name, on the file system of at. */
void tmp_place(struct session *s, struct place *at, struct tmpname *t);
/* A new file of a new name: an O_RDWR descriptor, which is the caller's. */
int tmp_create(struct session *s, struct place *at, struct tmpname *t);
bool tmp_is_plain(const struct session *s, const struct place *at, const struct tmpname *t);
/* Removes what has the name, if it has not been renamed. errno stays. */
void tmp_discard(struct tmpname *t);
