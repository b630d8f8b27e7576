#include "mover/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

int listing_open_path(int rootfd, const char *path)
{
	int fd = openat(rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && *path) {
		const char *slash = strchrnul(path, '/');
		char name[META_NAME_MAX + 1];
		size_t len = (size_t)(slash - path);
		int next;

		if (len > META_NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		/* O_NOATIME first: without clones a walk must not leave traces in the source. */
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
		if (next < 0 && errno == EPERM)
			next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int keep = errno;
		close(fd);
		errno = keep;
		fd = next;
		path = *slash ? slash + 1 : slash;
	}
	return fd;
}

static int by_ino(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

static void add_name(struct names *n, const struct kernel_dirent *e)
{
	size_t len = strlen(e->name);

	if (n->len == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->names = xrealloc(n->names, n->cap * sizeof(*n->names));
	}
	n->names[n->len++] = (struct name){.off = (uint32_t)n->arena.len, .dtype = e->type, .ino = e->ino};
	buf_append(&n->arena, e->name, len + 1);
}

void names_read(struct names *n, int fd, uint32_t max)
{
	char data[32768] __attribute__((aligned(8)));

	n->len = n->next = 0;
	buf_clear(&n->arena);
	while (!n->eof && n->len < max) {
		long r = syscall(SYS_getdents64, fd, data, sizeof(data));
		if (r < 0) {
			n->error = errno;
			n->eof = true;
		}
		if (r == 0)
			n->eof = true;
		for (long pos = 0; pos < r;) {
			const struct kernel_dirent *e = (const void *)(data + pos);
			if (!str_eq(e->name, ".") && !str_eq(e->name, ".."))
				add_name(n, e);
			pos += e->reclen;
		}
	}
	/* In inode order the disk's inode tables are read once, forwards. */
	if (n->len > 1)
		qsort(n->names, n->len, sizeof(*n->names), by_ino);
}

void names_release(struct names *n)
{
	buf_release(&n->arena);
	free(n->names);
	*n = (struct names){};
}

bool listing_skipped(const struct mover *m, const struct dir *d, const char *name, uint64_t ino)
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

#define BTRFS_SUBVOLUME_INO 256
#define BTRFS_GET_FLAGS _IOR(0x94, 25, uint64_t)
#define BTRFS_READ_ONLY (1u << 1)

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

bool listing_walked_elsewhere(const struct mover *m, const struct dir *d, const char *name)
{
	struct stat st;

	if (!m->mounts[d->mount].btrfs || fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev == d->dev)
		return false;
	for (uint32_t i = 0; i < m->mount_count; i++)
		if (i != d->mount && m->mounts[i].dev == st.st_dev)
			return true;
	return false;
}

bool listing_hides(const struct dir *d, const char *name)
{
	AUTO_CLOSE int fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct names n = {};
	bool any;

	if (fd < 0)
		return false;
	names_read(&n, fd, 1);
	any = n.len > 0;
	names_release(&n);
	return any;
}

int32_t listing_mount_at(const struct mover *m, const struct dir *d, const char *name)
{
	size_t dir_len = strlen(d->src), name_len = strlen(name);

	for (uint32_t i = 0; i < m->mount_count; i++) {
		const char *rel = m->mounts[i].rel;
		if (i == d->mount || strlen(rel) != dir_len + (dir_len > 0) + name_len)
			continue;
		if (memcmp(rel, d->src, dir_len) == 0 && (!dir_len || rel[dir_len] == '/') &&
			str_eq(rel + dir_len + (dir_len > 0), name))
			return (int32_t)i;
	}
	return -1;
}

static void tell_left_out(struct mover *m, const struct dir *d, const char *name, const char *why)
{
	AUTO_FREE char *path = mover_path(d->src, name);

	tell_note(m, "left out: '%s' %s", path, why);
}

bool listing_left_out(struct mover *m, const struct dir *d, const char *name, bool is_dir, uint64_t ino)
{
	struct rules_verdict v;

	if (!*d->dst && str_eq(name, ".rehost.tmp"))
		return true; /* the receiver's own directory: never a file of the user's */
	if (is_dir && m->skip_count && listing_skipped(m, d, name, ino)) {
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

void listing_count(struct mover *m, struct dir *d, uint64_t size)
{
	if (d->counted)
		return;
	d->files++;
	d->bytes += size;
	m->count.examined++;
	m->count.examined_bytes += size;
}

struct listed *listing_add(struct mover *m, struct listing *l, const char *name, size_t len, const struct meta *meta)
{
	struct listed *e;
	size_t before = l->arena.len;

	if (l->len == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->entries = xrealloc(l->entries, l->cap * sizeof(*l->entries));
	}
	e = &l->entries[l->len++];
	*e = (struct listed){.type = meta->type, .mount = -1, .name_len = (uint16_t)len};
	e->name = (uint32_t)l->arena.len;
	buf_append(&l->arena, name, len + 1);
	e->meta = (uint32_t)l->arena.len;
	if (meta->type == META_DIR)
		buf_append_u8(&l->arena, META_DIR);
	else
		meta_pack(&l->arena, meta, m->fields);
	e->meta_len = (uint32_t)(l->arena.len - e->meta);
	e->size = meta->type == META_REG ? meta->size : 0;
	e->dev = meta->dev;
	e->ino = meta->ino;
	e->nlink = meta->nlink;
	e->linked = meta->type != META_DIR && meta->nlink > 1;
	l->charged += l->arena.len - before + sizeof(*e);
	m->listing_bytes += l->arena.len - before + sizeof(*e);
	return e;
}

void listing_release(struct mover *m, struct listing *l)
{
	m->listing_bytes -= l->charged;
	buf_release(&l->arena);
	free(l->entries);
	*l = (struct listing){};
}

void listing_add_up(struct mover *m, struct dir *d)
{
	free(d->scan.bucket_sums);
	d->scan.buckets = MAX(1u, MIN(d->scan.listing.len / 16, 4096u));
	d->scan.bucket_sums = xcalloc(d->scan.buckets, sizeof(*d->scan.bucket_sums));
	d->scan.digest = (struct digest){};
	for (uint32_t i = 0; i < d->scan.listing.len; i++) {
		struct listed *e = &d->scan.listing.entries[i];
		const char *name = listed_name(&d->scan.listing, e);
		enum digest_kind kind = e->type == META_DIR ? DIGEST_DIR : e->linked ? DIGEST_LINKED : DIGEST_PLAIN;
		struct digest h = digest_entry(
			&m->digest_key, kind, name, e->name_len, d->scan.listing.arena.data + e->meta, e->meta_len);
		e->bucket = digest_bucket(digest_name(&m->digest_key, name, e->name_len), d->scan.buckets);
		d->scan.bucket_sums[e->bucket] += h.lo;
		digest_add(&d->scan.digest, &h);
	}
}
