/*
 * Reading a file and leaving the page cache as it was: what was there stays, what reading brings in goes again.
 *
 * Before a part is read the kernel is asked what of it is cached, and only the rest is dropped once it has been read. So
 * that the answer is not about what the kernel itself has read ahead, files above one block are read ahead here, block by
 * block, as soon as it is known what is there; at most PAGECACHE_AHEAD bytes, so that what others bring in meanwhile
 * is seldom mistaken for ours.
 *
 * Where the kernel tells nobody but owners and writers, and we are neither, samples decide about a block as a whole; in
 * doubt nothing is dropped. No errors: who cannot be told reads as ever.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGECACHE_AHEAD (4u << 20)

struct pagecache_range {
	uint64_t off, end;
};

struct pagecache {
	int fd; /* the caller's; -1: nothing is to be done */
	uint64_t end;
	uint64_t looked; /* up to here it is known what was there */
	uint64_t dropped; /* up to here nothing of ours is left */
	struct pagecache_range *cold; /* was not there, and has not been dropped */
	size_t n, cap;
};

/* Reading will begin at off and not go beyond end, the end of the file at most. */
void pagecache_begin(struct pagecache *p, int fd, uint64_t off, uint64_t end);
/* Before n bytes at off are read. Mostly ascending: each way back costs a look of its own. */
void pagecache_look(struct pagecache *p, uint64_t off, uint64_t n);
/* What lies before off will not be read again. */
void pagecache_drop(struct pagecache *p, uint64_t off);
/* Drops the rest; before the descriptor is closed. */
void pagecache_end(struct pagecache *p);
