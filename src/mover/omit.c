#include "mover/omit.h"
#include "base/ownname.h"
#include "base/path.h"
#include "mover/dir.h"
#include "mover/measure.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "mounts/mounts.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
static enum subvolume subvolume(const struct dir *d, const char *name)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev == d->dev)
		return SUBVOLUME_OTHER;
	fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? mounts_subvolume(fd) : SUBVOLUME_OTHER;
}

static bool is_excluded(const struct mover *m, const struct dir *d, const char *name, bool is_dir)
{
	struct rules_verdict v;

	if (rules_empty(m->rules))
		return false;
	rules_match(m->rules, d->src, name, is_dir, &v);
	return v.hide;
}

static void tell_left_out(struct mover *m, const struct dir *d, const char *name, const char *why)
{
	AUTO_FREE char *path = path_join(d->src, name);

	tell_note(m, "left out: '%s' %s", path, why);
}

/* Whoever leaves one out on suspicion says so, once: a host may have hundreds. */
static void warn_unsure(struct mover *m, const struct dir *d, const char *name)
{
	AUTO_FREE char *path = NULL;
	AUTO_DIAG diag = DIAG_INIT;

	if (m->said_subvolume)
		return;
	m->said_subvolume = true;
	path = path_join(d->src, name);
	diag_set(&diag, DIAG_MOUNTS_SUBVOLUME, 0, path, "the read-only subvolume '%s' is left out", path);
	tell_diag(m, &diag);
}

static bool omits_subvolume(struct mover *m, const struct dir *d, const char *name)
{
	enum subvolume what = subvolume(d, name);

	if (what == SUBVOLUME_OTHER)
		return false;
	tell_left_out(m, d, name, what == SUBVOLUME_SNAPSHOT ? "is a read-only snapshot" : "is a read-only subvolume");
	if (what == SUBVOLUME_UNSURE)
		warn_unsure(m, d, name);
	return true;
}

bool dir_refuses(struct mover *m, const struct dir *d, const char *name, size_t len)
{
	const bool deep = MAX(d->src_len, d->dst_len) + 1 + len > WIRE_PATH_MAX;
	AUTO_DIAG diag = DIAG_INIT;
	AUTO_FREE char *path = NULL;

	if (!deep && path_name_valid((const uint8_t *)name, len))
		return false;
	path = path_join(d->src, name);
	diag_set(&diag, DIAG_MOVER_NAME, deep || len > PATH_NAME_MAX ? ENAMETOOLONG : EILSEQ, path,
		"cannot copy '%.4096s'", path);
	tell_failed(m, &diag);
	return true;
}

bool dir_omits(struct mover *m, struct dir *d, const char *name, bool is_dir, uint64_t ino)
{
	if (own_name_is(name, d->meta.ino)) {
		tell_left_out(m, d, name, "is a temporary name of rehost's own, which a killed run to here has left");
		return true;
	}
	if (is_dir && m->skip_count && skipped(m, d, name, ino)) {
		tell_left_out(m, d, name, "is rehost's own or the target itself");
		return true;
	}
	if (is_excluded(m, d, name, is_dir)) {
		measure_left_out(m, d, name, is_dir);
		return true;
	}
	return is_dir && m->mounts[d->mount].btrfs && omits_subvolume(m, d, name);
}
