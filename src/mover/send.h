/* Sending contents, and reading them: what the limits, compression and the current directory have to do with it. */
#pragma once

#include "base/buf.h"

#include <sys/types.h>

struct mover;

/* A frame of content, compressed when that pays. */
void mover_send_content(struct mover *m, uint8_t type, uint32_t id, const struct buf *payload);
/* Whether compressing would pay from now on; to be called often. */
void mover_consider_compression(struct mover *m, int64_t now);
/* Reads a file's contents, in full if they are there; counted against the rate of reading. -1 with errno. */
ssize_t mover_pread(struct mover *m, int fd, void *buf, size_t n, uint64_t off);
/* Makes an open directory the current one; ends the mover if that is not possible. */
void mover_chdir(struct mover *m, int fd);
/* It is about to be closed. */
void mover_forget_cwd(struct mover *m, int fd);
