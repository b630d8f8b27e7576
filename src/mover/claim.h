/*
 * A name with several links, and its claim. The coordinator keeps one bijection of source and target inodes: the first name
 * that claims an inode transfers it, the others are linked to it once it is there. What is done with a name is in link.c.
 *
 * Ownership: it has a slot (SLOT_LINK) until it is released, and is counted in its directory. Whoever transfers the first
 * name (a batch, a file, a request) ends with link_committed(), once.
 */
#pragma once

#include "base/util.h"
#include "mover/lease.h"

struct dir;
struct meta;
struct mover;

struct link_wait {
	uint32_t id;
	struct dir *dir;
	char *name;
	uint8_t type;
	uint64_t size, dev, ino;
	bool have_claim, first, have_state, bound, failed, doubt;
	bool exists;
	struct link_wait *next; /* in mover->ready, or mover->late */
	struct lease lease;
	uint64_t tdev, tino, tnlink, basis; /* state of the name at the target */
	uint32_t why;
	char *to; /* IPC_LINK_TO: path of the first name */
	uint64_t to_dev, to_ino;
	/*
	 * Names that cannot be links of the first one, for they lie on another file system, or it has all the links it can have,
	 * are a group of their own with a first name of its own. 0: as it should be.
	 */
	uint64_t group;
	unsigned regrouped;
	char *copy_of; /* the name it cannot be a link of, and why */
	int copy_err;
};

/* Claims it. have_state: in a new directory there is no state to wait for. */
struct link_wait *link_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, bool have_state);
/* It cannot be a link of `to`: claimed anew, in another group. False: it has been through enough of them. */
bool link_regroup(struct mover *m, struct link_wait *w, int err, uint64_t dev);
/* Frees w; may free its directory. */
void link_release(struct mover *m, struct link_wait *w);
/* The first name's transfer ended: tells the coordinator. Frees w; may free its directory. */
void link_committed(struct mover *m, struct link_wait *w, bool ok, uint64_t tdev, uint64_t tino);
/* The receiver cannot say its state: nothing is done for this name. Frees w once the claim is answered; may free its
 * directory. */
void link_failed(struct mover *m, struct link_wait *w);
