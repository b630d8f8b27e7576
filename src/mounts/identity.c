/*
 * What a file system is, whatever device it has today: its UUID as blkid reads it (libmount asks it), where that can be read,
 * the number that statfs() gives, what it was mounted from; and which directory of it is walked.
 */
#include "mounts/private.h"

#include "base/pack.h"
#include "base/text.h"

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

/* In hexadecimal, "-" for none. */
static char *number_of(const struct mount *m)
{
	struct statfs fs;
	uint64_t number = 0;

	if (statfs(m->path, &fs) == 0 && !number_is_device(m->fstype))
		memcpy(&number, &fs.f_fsid, MIN(sizeof(number), sizeof(fs.f_fsid)));
	/* In memory: another one each time. */
	if (!number && (str_eq(m->fstype, "tmpfs") || str_eq(m->fstype, "ramfs")))
		number = m->dev;
	return number ? xasprintf("%016" PRIx64, number) : xstrdup("-");
}

void mounts_identify(struct mount_plan *p)
{
	struct libmnt_cache *cache = mnt_new_cache();

	for (size_t k = 0; k < p->chosen_count; k++) {
		struct mount *m = &p->chosen[k];
		AUTO_FREE char *number = number_of(m);
		AUTO_FREE char *source = text_escaped(m->source);
		const char *uuid = NULL;

		if (cache && m->source[0] == '/' && mnt_cache_read_tags(cache, m->source) >= 0)
			uuid = mnt_cache_find_tag_value(cache, m->source, "UUID");
		free(m->id);
		m->id = xasprintf("%s\t%s\t%s\t%s", uuid && *uuid ? uuid : "-", number, source, m->within);
	}
	mnt_unref_cache(cache);
}

/* Up to the next tab; *p is behind it then. */
static struct bytes field(const char **p)
{
	size_t n = strcspn(*p, "\t");
	struct bytes f = {(const uint8_t *)*p, n};

	*p += n + ((*p)[n] == '\t');
	return f;
}

static bool is_known(struct bytes f)
{
	return f.len > 0 && !(f.len == 1 && *f.p == '-');
}

bool mounts_id_same(const char *a, const char *b)
{
	for (int i = 0; i < 3; i++) { /* UUID, number, source: the first that both know tells */
		struct bytes x = field(&a), y = field(&b);

		if (!is_known(x) || !is_known(y))
			continue;
		if (x.len != y.len || memcmp(x.p, y.p, x.len) != 0)
			return false;
		for (i++; i < 3; i++) {
			(void)field(&a);
			(void)field(&b);
		}
		return str_eq(a, b); /* the directory */
	}
	return false;
}
