/* PUT: entries that need no content, and small ones with it, many to a frame. */
#pragma once

#include "base/util.h"

struct batch;
struct dir;
struct frame;
struct link_wait;
struct meta;
struct mover;

/* Adds an entry that needs no content or whose content is small to the open batch. content_fd -1: no content. Returns
 * false when the content could not be read (said and counted). */
bool put_entry(struct mover *m, struct dir *d, const char *name, struct meta *meta, int content_fd, uint8_t op,
	uint32_t why, struct link_wait *link, uint8_t flags);
/* Frees b and the links in it; may free its directory. */
void on_put_done(struct mover *m, struct batch *b, const struct frame *f);
