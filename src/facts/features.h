/* Private to the room facts: what a file system was made with, which older systems may not know. */
#pragma once

#include "base/buf.h"

/* Appends words parted by blanks, of ext2 to ext4 and xfs. False: no such file system, or it cannot be read. */
bool features_read(int fd, struct buf *out);
/* The same of the first FEATURES_BYTES of it. Pure. */
#define FEATURES_BYTES 4096
bool features_of(const uint8_t *first, struct buf *out);
