/* Contents: sends one regular file's content, as PUT or as FILE, whichever is right. */
#pragma once

#include "mover/file.h"

/* Takes fd. Ends r->link, now or later; may free its directory with it. What cannot be read is said and counted. */
void content_send(
	struct mover *m, struct dir *d, const char *name, struct meta *meta, int fd, const struct content_request *r);
