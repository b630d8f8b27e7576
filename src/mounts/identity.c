/*
 * What a file system is, whatever device it has today: its UUID as blkid reads it (libmount asks it), else the number that
 * statfs() gives, else what it was mounted from.
 */
#include "mounts/private.h"

#include <inttypes.h>
#include <sys/statfs.h>

/* Their numbers are made of that of the device, which another start may give to another disk. */
static bool number_is_device(const char *type)
{
	static const char *const types[] = {"xfs", "vfat", "exfat", "f2fs", "jfs", "ntfs3", "hfsplus", "udf"};

	for (size_t k = 0; k < ARRAY_LEN(types); k++)
		if (str_eq(types[k], type))
			return true;
	return false;
}

static char *by_number(const struct mount *m)
{
	struct statfs fs;
	uint64_t number = 0;

	if (statfs(m->path, &fs) == 0)
		memcpy(&number, &fs.f_fsid, MIN(sizeof(number), sizeof(fs.f_fsid)));
	if (number && !number_is_device(m->fstype))
		return xasprintf("%s:%016" PRIx64, m->fstype, number);
	/* In memory: another one each time. */
	if (str_eq(m->fstype, "tmpfs") || str_eq(m->fstype, "ramfs"))
		return xasprintf("%s:%" PRIx64, m->fstype, (uint64_t)m->dev);
	return xasprintf("%s:%s", m->fstype, m->source);
}

void mounts_identify(struct mount_plan *p)
{
	struct libmnt_cache *cache = mnt_new_cache();

	for (size_t k = 0; k < p->chosen_count; k++) {
		struct mount *m = &p->chosen[k];
		const char *uuid = NULL;
		AUTO_FREE char *number = NULL;

		if (cache && m->source[0] == '/' && mnt_cache_read_tags(cache, m->source) >= 0)
			uuid = mnt_cache_find_tag_value(cache, m->source, "UUID");
		if (!uuid)
			number = by_number(m);
		free(m->id);
		m->id = uuid ? xasprintf("UUID=%s %s", uuid, m->within) : xasprintf("%s %s", number, m->within);
	}
	mnt_unref_cache(cache);
}
