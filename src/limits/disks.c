/* Limits of I/O are those of whole disks: from a file system's device down to them, by /sys/dev/block. */
#include "limits/group.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

#define DEPTH_MAX 16 /* of stacked devices */

static void add(const char *number, char ***disks, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		if (str_eq((*disks)[i], number))
			return;
	*disks = xrealloc(*disks, (*count + 1) * sizeof(**disks));
	(*disks)[(*count)++] = xstrdup(number);
}

/* "8:1\n" of a file; false when it is not that. */
static bool read_number(const char *dir, const char *name, char out[32])
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name), *text = NULL;
	unsigned major, minor;

	if (fd_read_file(AT_FDCWD, path, 64, &text, NULL) < 0 || sscanf(text, "%u:%u", &major, &minor) != 2)
		return false;
	snprintf(out, 32, "%u:%u", major, minor);
	return true;
}

static void resolve(const char *sys, const char *number, unsigned depth, char ***disks, size_t *count)
{
	AUTO_FREE char *dir = xasprintf("%s/dev/block/%s", sys, number);
	AUTO_FREE char *partition = xasprintf("%s/partition", dir);
	AUTO_FREE char *slaves = xasprintf("%s/slaves", dir);
	AUTO_FREE char *above = xasprintf("%s/..", dir);
	bool stacked = false;
	struct dirent *d;
	char next[32];
	DIR *s;

	if (depth > DEPTH_MAX || access(dir, F_OK) < 0)
		return;
	if (access(partition, F_OK) == 0 && read_number(above, "dev", next)) {
		resolve(sys, next, depth + 1, disks, count);
		return;
	}
	s = opendir(slaves);
	while (s && (d = readdir(s))) {
		AUTO_FREE char *name = xasprintf("%s/dev", d->d_name);
		if (d->d_name[0] == '.' || !read_number(slaves, name, next))
			continue;
		stacked = true;
		resolve(sys, next, depth + 1, disks, count);
	}
	if (s)
		closedir(s);
	if (!stacked)
		add(number, disks, count);
}

void group_disks(const char *sys, dev_t dev, char ***disks, size_t *count)
{
	char number[32];

	snprintf(number, sizeof(number), "%u:%u", major(dev), minor(dev));
	resolve(sys, number, 0, disks, count);
}
