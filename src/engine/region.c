#include "base/fd.h"
#include "engine/region.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Memory behind an unlinked file: the kernel can write it out. Its room is taken when it grows, not when it is written
 * to, for a full disk would then be a SIGBUS.
 */

bool region_map(struct region *r, const char *dir, size_t cap)
{
	int err;

	*r = (struct region){.fd = dir ? fd_temporary(dir) : -1};
	if (dir && r->fd < 0)
		return false;
	err = r->fd >= 0 ? posix_fallocate(r->fd, 0, (off_t)cap) : 0;
	if (!err) {
		r->p = mmap(NULL, cap, PROT_READ | PROT_WRITE, r->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS,
			r->fd, 0);
		err = r->p == MAP_FAILED ? errno : 0;
	}
	if (!err) {
		r->cap = cap;
		return true;
	}
	r->p = NULL;
	region_unmap(r);
	errno = err;
	return false;
}

bool region_grow(struct region *r, size_t cap)
{
	int err = r->fd >= 0 ? posix_fallocate(r->fd, (off_t)r->cap, (off_t)(cap - r->cap)) : 0;
	uint8_t *p;

	if (err) {
		errno = err;
		return false;
	}
	p = mremap(r->p, r->cap, cap, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return false;
	r->p = p;
	r->cap = cap;
	return true;
}

void region_unmap(struct region *r)
{
	if (r->p)
		munmap(r->p, r->cap);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct region){.fd = -1};
}
