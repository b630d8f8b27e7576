/* One piece of memory that grows, of an unlinked file: the kernel can write it out. */
#pragma once

#include "base/util.h"

struct region {
	int fd;
	uint8_t *p;
	size_t len, cap;
};
/* dir NULL: without a file. False with errno when there is no room; it is then as before. */
bool region_map(struct region *r, const char *dir, size_t cap);
bool region_grow(struct region *r, size_t cap);
void region_unmap(struct region *r);
