/*
 * A directory that is open to be worked in: what making, replacing and removing its entries needs to know of it, and
 * what has to be given back to it afterwards.
 *
 * Most are in a struct dir (dir.h); some are on the stack, for a parent or for what is being removed.
 *
 * Ownership: fd, src, dst and have are the place's until place_release(). Errors: false, or -1 with errno.
 */
#pragma once

#include "meta/meta.h"

struct session;

struct place {
	int fd; /* -1: dry run, and it does not exist */
	char *src, *dst; /* its paths, relative to both roots */
	bool made; /* by this session */
	bool plain; /* what is created in it inherits nothing: no default ACL, no flags, no label */
	bool beside; /* the temporary directory is on another file system */
	bool modified; /* by us: its mtime is not what it was */
	bool unlocked; /* i or a were cleared */
	bool widened; /* u+rwx was added */
	uint64_t dev, ino;
	struct meta have; /* as it was when it was opened */
};

/* Whether nothing is inherited from a directory like this. */
bool meta_is_plain(const struct meta *m);

/* Makes it the current directory. */
int place_enter(struct session *s, int fd);
/* Before its entries are changed. */
void place_modify(struct session *s, struct place *at);
/* Clears i and a of the directory, to come back when it is closed. True when there was something to clear. */
bool place_unlock(struct session *s, struct place *at);
void place_relock(struct place *at);
/* What our work has changed of a directory whose metadata are to be left alone goes back to what it was. */
void place_put_back(struct place *at);
/* Closes it and releases what it owns, not the struct. */
void place_release(struct session *s, struct place *at);
