/* The whole disks behind mounts: through partitions, and through what dm, md and the like are made of. */
#include "check/disks.h"
#include "base/fd.h"
#include "mounts/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEPTH_MAX 8 /* of devices that stand on others */

struct found {
	char name[DISKS_MAX][32]; /* "8:0" */
	unsigned n, rotational;
};

static bool read_word(int dir, const char *name, char out[32])
{
	AUTO_FREE char *text = NULL;

	if (fd_read_file(dir, name, 64, &text, NULL) < 0)
		return false;
	snprintf(out, 32, "%.*s", (int)strcspn(text, "\n"), text);
	return true;
}

static void take_disk(struct found *f, int dir)
{
	char name[32], word[32];

	if (!read_word(dir, "dev", name))
		return;
	for (unsigned i = 0; i < f->n; i++)
		if (str_eq(f->name[i], name))
			return;
	if (f->n == DISKS_MAX)
		return;
	strcpy(f->name[f->n++], name);
	f->rotational += read_word(dir, "queue/rotational", word) && str_eq(word, "1");
}

static void descend(struct found *f, int dir, unsigned depth)
{
	int fd = openat(dir, "slaves", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *slaves = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	bool any = false;

	if (fd >= 0 && !slaves)
		close(fd);
	while (slaves && (e = readdir(slaves))) {
		AUTO_CLOSE int below = -1;

		if (e->d_name[0] == '.')
			continue;
		any = true;
		below = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below >= 0 && depth < DEPTH_MAX)
			descend(f, below, depth + 1);
	}
	if (slaves)
		closedir(slaves);
	if (any)
		return;
	AUTO_CLOSE int whole =
		faccessat(dir, "partition", F_OK, 0) == 0 ? openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	take_disk(f, whole >= 0 ? whole : dir);
}

void disks_find(int sys, const struct mount_plan *plan, struct disks *out)
{
	struct found *f = xcalloc(1, sizeof(*f));

	for (size_t i = 0; i < plan->chosen_count; i++) {
		const struct mount *m = &plan->chosen[i];
		AUTO_FREE char *path = NULL;
		AUTO_CLOSE int dir = -1;
		struct stat st;
		dev_t dev = m->dev;

		if (major(dev) == 0) { /* btrfs: the device is not what stat says */
			if (stat(m->source, &st) < 0 || !S_ISBLK(st.st_mode))
				continue;
			dev = st.st_rdev;
		}
		path = xasprintf("dev/block/%u:%u", major(dev), minor(dev));
		dir = openat(sys, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0)
			descend(f, dir, 0);
	}
	*out = (struct disks){f->n, f->rotational};
	free(f);
}
