/*
 * Paths, relative to the target root, to directories. Nothing is followed: a symbolic link on the way is ELOOP or
 * ENOTDIR.
 *
 * Ownership: the descriptors (O_RDONLY) are the caller's. Errors: -1 with errno.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct session;

int resolve_dir(struct session *s, const char *path);
/* out_name points into path. */
int resolve_parent(struct session *s, const char *path, const char **out_name);
/* One component. no_xdev: EXDEV at a mount point, and where that cannot be told. */
int resolve_child(struct session *s, int dirfd, const char *name, bool no_xdev);
