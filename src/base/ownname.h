/*
 * Names that are not the user's: those rehost gives to what is in the making at the target, and what mkfs puts into a file system.
 *
 * A name of ours holds a hash of the number of the directory that it was made in. So it tells by itself, in every run, by every
 * process and whatever is remembered, that it is ours; and what is only named alike, or has been copied here from another
 * directory, is not.
 *
 *	.rehost.tmp.HHHHHHHHHHHHHHHH	the directory of temporary files
 *	.rehost.RRRRRRRRHHHHHHHH	a temporary file beside the one it will become; R is random
 *
 * Used by both ends. Units: dir_ino is the st_ino of the directory that holds the name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OWN_NAME_SIZE 32

void own_name_dir(char out[OWN_NAME_SIZE], uint64_t dir_ino);
void own_name_file(char out[OWN_NAME_SIZE], uint64_t dir_ino, uint32_t random);
bool own_name_is(const char *name, uint64_t dir_ino);

/* The directory where fsck puts what it has found: of ext2, ext3, ext4. */
bool name_is_lost_found(const char *name, uint64_t dir_ino);
