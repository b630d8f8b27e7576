/* Extended attributes: which are compared, reading and packing them. */
#pragma once

#include "verify/inode.h"

/* Into r->xattrs, of fd or (fd -1) of name in the working directory. -1 with errno. */
int verify_xattrs_read(struct verify_reader *r, int fd, const char *name);
/* The VERIFY_F_* bit an attribute belongs to; 0: it is not compared. */
uint32_t verify_xattr_field(const void *name, size_t n);
