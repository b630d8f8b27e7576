/* The mount table, and which of its mounts can be reached by their path. */
#include "mounts/private.h"

#include <errno.h>

bool mount_path_within(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	if (n == 1)
		return true;
	return strncmp(dir, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

bool mount_path_beneath(const char *dir, const char *path)
{
	return mount_path_within(dir, path) && !str_eq(dir, path);
}

const char *mount_path_rest(const char *dir, const char *path)
{
	const char *rest = path + (strlen(dir) == 1 ? 0 : strlen(dir));

	return *rest == '/' ? rest + 1 : rest;
}

char *mount_path_plain(const char *path)
{
	struct buf out = BUF_INIT;

	for (const char *p = path; *p; p++) {
		if (*p != '/' || (p[1] != '/' && p[1] != '\0'))
			buf_append_u8(&out, (uint8_t)*p);
	}
	if (!out.len)
		buf_append_u8(&out, '/');
	return buf_detach(&out);
}

static uint64_t subvolume_of(struct libmnt_fs *fs)
{
	const char *options = mnt_fs_get_fs_options(fs);
	char *value;
	size_t n;

	if (!options || mnt_optstr_get_option(options, "subvolid", &value, &n) != 0 || n == 0)
		return 0;
	return strtoull(value, NULL, 10);
}

static const struct entry *by_id(const struct table *t, int id)
{
	for (size_t k = 0; k < t->count; k++) {
		if (t->entries[k].id == id)
			return &t->entries[k];
	}
	return NULL;
}

/*
 * What hides a mount from its path: a mount on top of it; or, on its way up to the root, a mount that was
 * made on the same parent at a directory above it.
 */
static const struct entry *find_cover(const struct table *t, const struct entry *e)
{
	const struct entry *child = e;

	for (size_t k = 0; k < t->count; k++) {
		const struct entry *on = &t->entries[k];
		if (on != e && on->parent == e->id && str_eq(on->path, e->path))
			return on;
	}
	/* Bounded by the number of mounts: a table that makes a circle is no reason to hang. */
	for (size_t hops = 0; child && hops < t->count; hops++) {
		for (size_t k = 0; k < t->count; k++) {
			const struct entry *other = &t->entries[k];
			if (other != child && other->parent == child->parent && other->id != other->parent &&
				mount_path_beneath(other->path, child->path))
				return other;
		}
		child = child->id == child->parent ? NULL : by_id(t, child->parent);
	}
	return NULL;
}

static void fill(struct entry *e, struct libmnt_fs *fs)
{
	const char *root = mnt_fs_get_root(fs), *type = mnt_fs_get_fstype(fs), *source = mnt_fs_get_source(fs);

	e->id = mnt_fs_get_id(fs);
	e->parent = mnt_fs_get_parent_id(fs);
	e->dev = mnt_fs_get_devno(fs);
	e->root = root ? root : "/";
	e->path = mnt_fs_get_target(fs);
	e->type = type ? type : "";
	e->source = source ? source : "none";
	e->subvolume = str_eq(e->type, "btrfs") ? subvolume_of(fs) : 0;
}

bool table_read(struct table *t, const char *file)
{
	struct libmnt_iter *it;
	struct libmnt_fs *fs;

	*t = (struct table){};
	errno = 0;
	t->mnt = mnt_new_table_from_file(file ? file : "/proc/self/mountinfo");
	if (!t->mnt) {
		if (!errno)
			errno = EINVAL;
		return false;
	}
	t->entries = xcalloc((size_t)mnt_table_get_nents(t->mnt) + 1, sizeof(*t->entries));
	it = mnt_new_iter(MNT_ITER_FORWARD);
	if (!it) {
		mount_table_release(t);
		errno = ENOMEM;
		return false;
	}
	while (mnt_table_next_fs(t->mnt, it, &fs) == 0) {
		const char *path = mnt_fs_get_target(fs);
		if (path && path[0] == '/')
			fill(&t->entries[t->count++], fs);
	}
	mnt_free_iter(it);
	for (size_t k = 0; k < t->count; k++)
		t->entries[k].hidden_by = find_cover(t, &t->entries[k]);
	return true;
}

void mount_table_release(struct table *t)
{
	free(t->entries);
	mnt_unref_table(t->mnt);
	*t = (struct table){};
}

const struct entry *table_holder(const struct table *t, const char *path)
{
	const struct entry *best = NULL;

	for (size_t k = 0; k < t->count; k++) {
		const struct entry *e = &t->entries[k];
		if (!e->hidden_by && mount_path_within(e->path, path) &&
			(!best || strlen(e->path) >= strlen(best->path)))
			best = e;
	}
	return best;
}

const struct entry *table_at(const struct table *t, const char *path)
{
	const struct entry *e = table_holder(t, path);

	return e && str_eq(e->path, path) ? e : NULL;
}
