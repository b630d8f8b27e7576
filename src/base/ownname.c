#include "base/ownname.h"
#include "base/util.h"

#include <stdio.h>
#include <string.h>

#define PREFIX ".rehost."
#define DIR_PREFIX PREFIX "tmp."
#define DIGITS 16
#define EXT_ROOT_INO 2

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a + (b + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void own_name_dir(char out[OWN_NAME_SIZE], uint64_t dir_ino)
{
	snprintf(out, OWN_NAME_SIZE, DIR_PREFIX "%016llx", (unsigned long long)mix(dir_ino, UINT64_MAX - 1));
}

void own_name_file(char out[OWN_NAME_SIZE], uint64_t dir_ino, uint32_t random)
{
	snprintf(out, OWN_NAME_SIZE, PREFIX "%08x%08x", random, (uint32_t)mix(dir_ino, random));
}

bool own_name_is(const char *name, uint64_t dir_ino)
{
	char ours[OWN_NAME_SIZE];
	unsigned random;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) /* nearly every name */
		return false;
	own_name_dir(ours, dir_ino);
	if (str_eq(name, ours))
		return true;
	if (strlen(name) != strlen(PREFIX) + DIGITS || sscanf(name + strlen(PREFIX), "%8x", &random) != 1)
		return false;
	own_name_file(ours, dir_ino, random);
	return str_eq(name, ours);
}

bool name_is_lost_found(const char *name, uint64_t dir_ino)
{
	return dir_ino == EXT_ROOT_INO && str_eq(name, "lost+found");
}
