/*
 * What is done with a name that has several links, once the coordinator has answered its claim and the receiver has said
 * what it has. Its life is drawn in link.c; the object is in claim.h.
 *
 * All of these but link_run_ready() may free the link they are given, and its directory with it.
 */
#pragma once

#include "base/util.h"

struct link_wait;
struct mover;
struct need;

/* NEED_LINK_STATE: what the receiver has by this name. */
void link_state(struct mover *m, struct link_wait *w, const struct need *n);
/* The claim's answer: it is the inode's first name. */
void link_first(struct mover *m, struct link_wait *w);
/* The claim's answer: it is to be a link to the path `to`, which is taken over. */
void link_to(struct mover *m, struct link_wait *w, uint64_t dev, uint64_t ino, char *to);
/* IPC_LINK_BOUND: whether the inode that is there may stand for the source's. */
void link_bound(struct mover *m, struct link_wait *w, bool ok);
/* Sends the content of first names that have waited for their turn. May free links and directories. */
void link_run_ready(struct mover *m);
