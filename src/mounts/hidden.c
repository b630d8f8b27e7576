/* What lies beneath a mount point: seen in the clone of the mount above, where nothing is mounted. */
#include "mounts/private.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 100000u
#define DEPTH_MAX 64

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct counting {
	struct mount_hidden *out;
	unsigned entries;
	dev_t dev;
};

static void count_entry(struct counting *c, int dirfd, const char *name, const struct stat *st, int depth);

/* Takes fd. */
static void count_dir(struct counting *c, int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;

	if (!dir) {
		close(fd);
		c->out->more = true;
		return;
	}
	while (!(c->out->more && c->entries >= ENTRIES_MAX) && (e = readdir(dir))) {
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") ||
			fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (++c->entries > ENTRIES_MAX)
			c->out->more = true;
		else
			count_entry(c, dirfd(dir), e->d_name, &st, depth);
	}
	closedir(dir);
}

static void count_entry(struct counting *c, int dirfd, const char *name, const struct stat *st, int depth)
{
	c->out->space += (uint64_t)st->st_blocks * 512;
	if (S_ISREG(st->st_mode)) { /* not what every /dev has: nodes and links */
		c->out->files++;
		c->out->bytes += (uint64_t)st->st_size;
	} else if (S_ISDIR(st->st_mode) && st->st_dev == c->dev) {
		int fd = depth < DEPTH_MAX ? openat(dirfd, name, DIR_FLAGS) : -1;

		if (fd >= 0)
			count_dir(c, fd, depth + 1);
		else
			c->out->more = true;
	}
}

static int open_beneath(int root, const char *path)
{
	int fd = openat(root, ".", DIR_FLAGS);

	while (fd >= 0 && *path) {
		size_t n = strcspn(path, "/");
		AUTO_FREE char *name = xmemdup(path, n);
		int next = openat(fd, name, DIR_FLAGS);

		close(fd);
		fd = next;
		path += n + (path[n] == '/');
	}
	return fd;
}

bool mounts_hidden(const struct mount_plan *p, const char *path, struct mount_hidden *out)
{
	const struct mount *above = mount_above(p, p->chosen_count, path);
	struct counting c = {.out = out};
	struct stat st;
	int fd;

	*out = (struct mount_hidden){};
	if (!above || !p->clones)
		return false;
	out->mount = (size_t)(above - p->chosen);
	fd = open_beneath(above->fd, mount_path_rest(above->path, path));
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0)
		c.dev = st.st_dev;
	count_dir(&c, fd, 0);
	return out->files > 0;
}
