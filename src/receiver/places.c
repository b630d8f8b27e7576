#include "receiver/places.h"
#include "base/ownname.h"
#include "receiver/below.h"
#include "receiver/dents.h"
#include "receiver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LOOK_MAX 20000u /* entries, and levels, that are looked at for a file: who has more has files */
#define DEPTH_MAX 64
#define ZFS_MAGIC 0x2fc12fc1

/* ---- is there a file ---- */

struct look {
	struct session *s;
	unsigned seen;
};

static bool holds_file(struct look *k, int fd, int depth);

static bool entry_is_file(struct look *k, int fd, const struct stat *in, const char *name, int depth)
{
	AUTO_CLOSE int sub = -1;
	struct stat st;

	/* What fsck has found is nobody's file. */
	if (name_is_lost_found(name, in->st_ino))
		return false;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno != ENOENT;
	if (!S_ISDIR(st.st_mode) || ++k->seen > LOOK_MAX || depth == DEPTH_MAX)
		return true;
	sub = openat(fd, name, DIR_FLAGS);
	return sub < 0 || holds_file(k, sub, depth + 1);
}

static bool holds_file(struct look *k, int fd, int depth)
{
	char raw[1024] __attribute__((aligned(8)));
	struct stat in;
	ssize_t n;

	if (fstat(fd, &in) < 0)
		return true;
	while ((n = dents_read(fd, raw, sizeof(raw))) > 0) {
		for (ssize_t pos = 0; pos < n;) {
			const struct dent *e = (const void *)(raw + pos);

			pos += e->reclen;
			if (!str_eq(e->name, ".") && !str_eq(e->name, "..") && !own_name_is(e->name, in.st_ino) &&
				entry_is_file(k, fd, &in, e->name, depth))
				return true;
		}
	}
	return n < 0;
}

/* ---- what it is ---- */

/* When the directory was made, ns; 0: the kernel or the file system does not say. */
static int64_t born_at(int fd)
{
	enum { BTIME = 0x800, WORD_BTIME = 10 }; /* of statx(), which headers may not know */
	uint64_t words[32] = {0};
	uint32_t mask = 0;

#ifdef SYS_statx
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, BTIME, words) == 0)
		memcpy(&mask, words, sizeof(mask));
#endif
	if (!(mask & BTIME))
		return 0;
	return (int64_t)words[WORD_BTIME] * 1000000000 + (int64_t)(words[WORD_BTIME + 1] & UINT32_MAX);
}

/* Others make their number of that of the device, which is another after the next start. */
static bool number_stays(uint64_t type)
{
	return type == EXT4_SUPER_MAGIC || type == BTRFS_SUPER_MAGIC || type == ZFS_MAGIC || type == TMPFS_MAGIC;
}

static void put_place(struct session *s, struct buf *out, int fd, const char *path)
{
	struct msg_place p = {.path = {(const uint8_t *)path, strlen(path)}, .born = born_at(fd)};
	struct look k = {.s = s};
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	p.dev = st.st_dev;
	p.ino = st.st_ino;
	if (fstatfs(fd, &fs) == 0) {
		p.type = (uint64_t)fs.f_type;
		if (number_stays(p.type))
			memcpy(&p.number, &fs.f_fsid, MIN(sizeof(p.number), sizeof(fs.f_fsid)));
	}
	p.empty = !holds_file(&k, fd, 0);
	msg_place_put(out, &p);
}

struct putting {
	struct session *s;
	struct buf *out;
	unsigned n;
};

/* Nothing of ours is on it, nor will be. */
static bool is_read_only(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY;
}

/* Those on disks, and what stands for one; none that comes and goes by itself, or may not answer. */
static void put_mount(void *arg, const char *path, const char *type, bool device)
{
	struct putting *p = arg;
	AUTO_CLOSE int fd = -1;

	if (!device && !str_eq(type, "btrfs") && !str_eq(type, "zfs") && (!str_eq(type, "tmpfs") || p->s->root.live))
		return;
	if (p->n + 1 >= WIRE_PLACES_MAX || !path_valid((const uint8_t *)path, strlen(path)))
		return;
	fd = openat(p->s->root.fd, path, DIR_FLAGS);
	if (fd < 0 || is_read_only(fd))
		return;
	put_place(p->s, p->out, fd, path);
	p->n++;
}

void places_put(struct session *s, struct buf *out)
{
	struct putting p = {.s = s, .out = out};
	AUTO_CLOSE int fd = s->root.fd < 0 ? -1 : openat(s->root.fd, ".", DIR_FLAGS);

	if (fd < 0)
		return;
	put_place(s, out, fd, "");
	below_each(s->below, put_mount, &p);
}
