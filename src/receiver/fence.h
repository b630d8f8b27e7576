/*
 * Fences: a receiver whose link is lost may go on with what it has been sent, while another one begins its file, or its part of one,
 * anew. What either would write into the same inode, or compare there, is kept apart by locks of the kernel on the bytes at work
 * (F_OFD_SETLK, Linux 3.15; flock before): they go with the descriptor, however its holder ends.
 *
 *	a file, or a segment, that is written		its bytes, for writing
 *	the previous version of a file written beside	all of it, for reading
 *	a file that others write segments of		all of it, for a moment: nobody is left of before
 *
 * Who finds one standing waits a little. Then a file is written beside without its previous version, and a segment fails.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum fence { FENCE_TAKEN, FENCE_BUSY, FENCE_UNKNOWN /* neither kernel nor file system has such locks */ };

/* len 0: to the end, wherever that will be. fd must be open for what it is taken for. */
enum fence fence_take(int fd, bool writing, uint64_t off, uint64_t len);
void fence_release(int fd);
