/*
 * Which mount a descriptor is of: two with the same file system differ when one was reached through a bind mount, and deletion must
 * not cross that. Newer kernels refuse to cross it themselves (openat2); this is for the others.
 *
 * Ownership: mount_ids_close() closes what mount_ids_open() has opened, before the receiver is confined.
 */
#pragma once

#include <stdbool.h>

struct mount_ids {
	int fdinfo; /* /proc/self/fdinfo; -1: there is none */
};

void mount_ids_open(struct mount_ids *m);
void mount_ids_close(struct mount_ids *m);
/* True when both are known to be of one mount. m may be NULL. */
bool mount_ids_same(const struct mount_ids *m, int a, int b);
