#include "mover/omit.h"
#include "base/path.h"
#include "mover/dir.h"
#include "mover/state.h"
#include "mover/tell.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BTRFS_SUBVOLUME_INO 256
#define BTRFS_GET_FLAGS _IOR(0x94, 25, uint64_t)
#define BTRFS_READ_ONLY (1u << 1)

static bool skipped(const struct mover *m, const struct dir *d, const char *name, uint64_t ino)
{
	for (size_t i = 0; i < m->skip_count; i++) {
		struct stat st;
		/* The listing's inode number of a mount point is that of the directory beneath, hence the second look. */
		if (m->skips[i].ino != ino)
			continue;
		if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == m->skips[i].dev &&
			st.st_ino == m->skips[i].ino)
			return true;
	}
	return false;
}

/* A read-only snapshot is a copy of what is walked anyway. */
static bool is_snapshot(const struct mover *m, const struct dir *d, const char *name)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	uint64_t flags = 0;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev == d->dev ||
		st.st_ino != BTRFS_SUBVOLUME_INO)
		return false;
	fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, BTRFS_GET_FLAGS, &flags) == 0 && (flags & BTRFS_READ_ONLY);
}

static void tell_left_out(struct mover *m, const struct dir *d, const char *name, const char *why)
{
	AUTO_FREE char *path = path_join(d->src, name);

	tell_note(m, "left out: '%s' %s", path, why);
}

bool dir_omits(struct mover *m, const struct dir *d, const char *name, bool is_dir, uint64_t ino)
{
	struct rules_verdict v;

	if (!*d->dst && str_eq(name, ".rehost.tmp"))
		return true; /* the receiver's own directory: never a file of the user's */
	if (is_dir && m->skip_count && skipped(m, d, name, ino)) {
		tell_left_out(m, d, name, "is rehost's own or the target itself");
		return true;
	}
	if (is_dir && m->mounts[d->mount].btrfs && is_snapshot(m, d, name)) {
		tell_left_out(m, d, name, "is a read-only snapshot");
		return true;
	}
	if (rules_empty(m->rules))
		return false;
	rules_match(m->rules, d->src, name, is_dir, &v);
	return v.hide;
}
