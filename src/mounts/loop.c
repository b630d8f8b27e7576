/* Which file a loop device shows. */
#include "mounts/private.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEPTH_MAX 8 /* of devices that stand on others */

/* The one device that this one stands on, or -1. */
static int only_slave(int dir)
{
	int fd = openat(dir, "slaves", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = -1;
	DIR *slaves = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	unsigned n = 0;

	if (fd >= 0 && !slaves)
		close(fd);
	while (slaves && (e = readdir(slaves))) {
		if (e->d_name[0] == '.' || n++)
			continue;
		found = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (slaves)
		closedir(slaves);
	if (n > 1 && found >= 0) {
		close(found);
		found = -1;
	}
	return found;
}

static int below(int dir)
{
	if (faccessat(dir, "partition", F_OK, 0) == 0)
		return openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return only_slave(dir);
}

/* Of a file system on several devices the table has no device, but the name of one. */
static dev_t device_of(const struct entry *e)
{
	struct stat st;

	if (major(e->dev) != 0)
		return e->dev;
	return strncmp(e->source, "/dev/", 5) == 0 && stat(e->source, &st) == 0 && S_ISBLK(st.st_mode) ? st.st_rdev : 0;
}

char *loop_file(const struct entry *e, const char *sysfs)
{
	dev_t dev = device_of(e);
	AUTO_FREE char *path = xasprintf("%s/dev/block/%u:%u", sysfs, major(dev), minor(dev));
	int dir = dev ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	char *name = NULL;

	for (unsigned depth = 0; dir >= 0 && depth < DEPTH_MAX; depth++) {
		int next;

		if (fd_read_file(dir, "loop/backing_file", PATH_MAX + 16, &name, NULL) == 0) {
			name[strcspn(name, "\n")] = '\0'; /* the kernel escapes one that is in the name */
			break;
		}
		next = below(dir);
		close(dir);
		dir = next;
	}
	if (dir >= 0)
		close(dir);
	return name;
}
