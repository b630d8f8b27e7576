/* No loop device and no mount: each file system is made in a file of its own, whose contents go to their place in the image. So
 * there is nothing to be undone but two files, which the next one replaces. */
#include "operator/image.h"
#include "base/fd.h"
#include "base/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SECTOR 512
#define GUID_AT (SECTOR + 56) /* in the header of the table */
#define LIMIT_S 600
#define BLOCK (64u << 10)

struct making {
	const struct operator_image *m;
	int dir, image, peer;
	bool held; /* the lock of the part, and with it its name */
	char *name; /* of the image, in dir */
	char *part, *fs; /* what it is while it is made; one file system */
};

static bool fail(struct diag *d, const struct operator_image *m, const char *what)
{
	diag_set(d, DIAG_LAYOUT_IMAGE, errno, m->file, "cannot %s", what);
	return false;
}

/* ---- what is there ---- */

/* As the table has it: the first three groups with their bytes turned. */
static void guid_of(const uint8_t *p, char out[OPERATOR_ID_SIZE])
{
	snprintf(out, OPERATOR_ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", p[3],
		p[2], p[1], p[0], p[5], p[4], p[7], p[6], p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
}

static bool is_made(int fd, const struct operator_image *m)
{
	char guid[OPERATOR_ID_SIZE];
	uint8_t head[GUID_AT + 16];
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != m->size ||
		fd_pread_full(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		memcmp(head + SECTOR, "EFI PART", 8) != 0)
		return false;
	guid_of(head + GUID_AT, guid);
	return strcasecmp(guid, m->disk) == 0;
}

/* RES_OK: it is there. RES_RETRY: nothing is. */
static enum result look(const struct making *k, struct diag *d)
{
	AUTO_CLOSE int fd = openat(k->dir, k->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return RES_RETRY;
	if (fd >= 0 && is_made(fd, k->m))
		return RES_OK;
	diag_set(d, DIAG_LAYOUT_FOREIGN, fd < 0 ? errno : 0, k->m->file,
		"it is there, and is not the image of this plan");
	return RES_FATAL;
}

static bool has_room(const struct making *k, struct diag *d)
{
	struct statvfs fs;

	if (fstatvfs(k->dir, &fs) < 0 || (uint64_t)fs.f_bavail >= k->m->room / fs.f_frsize)
		return true;
	diag_set(d, DIAG_LAYOUT_IMAGE, 0, k->m->file, "%llu MiB are left where it would lie, %llu MiB are needed",
		(unsigned long long)fs.f_bavail * fs.f_frsize >> 20, (unsigned long long)k->m->room >> 20);
	return false;
}

/* ---- it is made ---- */

static bool put_table(struct making *k, struct diag *d)
{
	const char *const argv[] = {"sfdisk", "--quiet", "--no-reread", k->part, NULL};
	AUTO_BUF table = BUF_INIT;

	buf_printf(&table, "label: gpt\nlabel-id: %s\nunit: sectors\n\n", k->m->disk);
	for (size_t i = 0; i < k->m->count; i++) {
		const struct operator_partition *p = &k->m->partitions[i];

		buf_printf(&table, "start=%llu, size=%llu, type=%s, uuid=%s, name=\"%s\"\n",
			(unsigned long long)p->start / SECTOR, (unsigned long long)p->size / SECTOR, p->type, p->id,
			p->name);
	}
	return program_run(k->dir, k->peer, argv, &table, LIMIT_S, d);
}

static bool format(struct making *k, const struct operator_partition *p, struct diag *d)
{
	AUTO_FREE char *inodes = xasprintf("%llu", (unsigned long long)p->inodes);
	AUTO_FREE char *serial = xasprintf("%.4s%.4s", p->uuid, p->uuid + 5);
	AUTO_FREE char *meta = xasprintf("uuid=%s", p->uuid);
	const char *const vfat[] = {"mkfs.vfat", "-F", "32", "-n", "ESP", "-i", serial, k->fs, NULL};
	const char *const ext4[] = {"mkfs.ext4", "-q", "-F", "-L", "root", "-U", p->uuid, k->fs, NULL};
	const char *const many[] = {"mkfs.ext4", "-q", "-F", "-L", "root", "-U", p->uuid, "-N", inodes, k->fs, NULL};
	const char *const xfs[] = {"mkfs.xfs", "-q", "-L", "root", "-m", meta, k->fs, NULL};
	const char *const btrfs[] = {"mkfs.btrfs", "-q", "-L", "root", "-U", p->uuid, k->fs, NULL};
	const char *const *const all[] = {[OPERATOR_FS_VFAT] = vfat,
		[OPERATOR_FS_EXT4] = p->inodes ? many : ext4,
		[OPERATOR_FS_XFS] = xfs,
		[OPERATOR_FS_BTRFS] = btrfs};
	const struct buf nothing = BUF_INIT;

	return program_run(k->dir, k->peer, all[p->filesystem], &nothing, LIMIT_S, d);
}

/* What is not zero of it: the image is all zeros so far. */
static bool insert(struct making *k, int from, const struct operator_partition *p, struct diag *d)
{
	static const uint8_t zeros[BLOCK];
	AUTO_FREE uint8_t *block = xmalloc(BLOCK);
	off_t at = 0;

	while ((uint64_t)at < p->size && (at = lseek(from, at, SEEK_DATA)) >= 0) {
		const ssize_t n = fd_pread_full(from, block, BLOCK, at);

		if (n < 0 ||
			(memcmp(block, zeros, (size_t)n) != 0 &&
				fd_pwrite_full(k->image, block, (size_t)n, (off_t)p->start + at) < 0))
			return fail(d, k->m, "write a file system into the image");
		if (n == 0)
			break;
		at += n;
	}
	return at >= 0 || errno == ENXIO ? true : fail(d, k->m, "read a file system that was made");
}

static bool put_filesystem(struct making *k, const struct operator_partition *p, struct diag *d)
{
	AUTO_CLOSE int fd = -1;
	bool ok;

	unlinkat(k->dir, k->fs, 0);
	fd = openat(k->dir, k->fs, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ok = (fd >= 0 && ftruncate(fd, (off_t)p->size) == 0) || fail(d, k->m, "make a file beside it");
	ok = ok && format(k, p, d) && insert(k, fd, p, d);
	unlinkat(k->dir, k->fs, 0);
	return ok;
}

/* Whether the name is still that of what is open and locked: only who holds the lock may take the name away. */
static bool is_named(const struct making *k, struct stat *st)
{
	struct stat named;

	return fstat(k->image, st) == 0 && S_ISREG(st->st_mode) &&
		fstatat(k->dir, k->part, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == st->st_dev &&
		named.st_ino == st->st_ino;
}

/* RES_RETRY: something was left of an earlier one, and has been removed. The lock is held as long as it is open. */
static enum result open_part(struct making *k, struct diag *d)
{
	struct stat st;

	k->image = openat(k->dir, k->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (k->image < 0)
		return fail(d, k->m, "make it") ? RES_OK : RES_FATAL;
	if (flock(k->image, LOCK_EX | LOCK_NB) < 0 || !is_named(k, &st)) {
		diag_set(d, DIAG_LAYOUT_BUSY, 0, k->m->file, "another process is making it");
		return RES_FATAL;
	}
	if (!st.st_size && st.st_nlink == 1)
		return RES_OK;
	unlinkat(k->dir, k->part, 0);
	close(k->image);
	k->image = -1;
	return RES_RETRY;
}

static bool begin(struct making *k, struct diag *d)
{
	enum result r = open_part(k, d);

	if (r == RES_RETRY)
		r = open_part(k, d);
	if (r == RES_RETRY)
		diag_set(d, DIAG_LAYOUT_BUSY, 0, k->m->file, "another process is making it");
	k->held = r == RES_OK;
	return k->held && (ftruncate(k->image, (off_t)k->m->size) == 0 || fail(d, k->m, "give it its size"));
}

/* No other of the name is replaced, should one have come meanwhile. */
static bool finish(struct making *k, struct diag *d)
{
	if (fsync(k->image) < 0)
		return fail(d, k->m, "write it to the disk");
	if (linkat(k->dir, k->part, k->dir, k->name, 0) < 0)
		return fail(d, k->m, "give it its name");
	unlinkat(k->dir, k->part, 0);
	return fsync(k->dir) == 0 || fail(d, k->m, "write its name to the disk");
}

static bool make(struct making *k, struct diag *d)
{
	bool ok = begin(k, d);

	ok = ok && put_table(k, d);
	for (size_t i = 0; ok && i < k->m->count; i++)
		if (k->m->partitions[i].filesystem != OPERATOR_FS_NONE)
			ok = put_filesystem(k, &k->m->partitions[i], d);
	ok = ok && finish(k, d);
	if (!ok && k->held)
		unlinkat(k->dir, k->part, 0);
	return ok;
}

bool image_make(const struct operator_image *m, int peer, bool *out_made, struct diag *d)
{
	const char *slash = strrchr(m->file, '/');
	AUTO_FREE char *dir = xmemdup(m->file, (size_t)(slash - m->file) + 1);
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct making k = {.m = m, .dir = fd, .image = -1, .peer = peer, .name = (char *)slash + 1};
	enum result there;
	bool ok;

	*out_made = false;
	if (peer_gone(peer)) {
		diag_set(d, DIAG_LAYOUT_IMAGE, 0, m->file, "nobody waits for it any more");
		return false;
	}
	if (fd < 0)
		return fail(d, m, "open the directory that it would lie in");
	k.part = xasprintf("./%s.rehost-part", k.name);
	k.fs = xasprintf("./%s.rehost-fs", k.name);
	there = look(&k, d);
	*out_made = there == RES_RETRY;
	ok = there == RES_OK || (there == RES_RETRY && has_room(&k, d) && make(&k, d));
	if (k.image >= 0)
		close(k.image);
	free(k.part);
	free(k.fs);
	return ok;
}
