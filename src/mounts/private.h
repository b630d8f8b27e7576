/*
 * Private to the room mounts: the mount table as it is, before anything is decided; ways into a mount.
 */
#pragma once

#include "mounts/mounts.h"

#include <libmount/libmount.h>

/* One line of the mount table; the strings belong to the libmount table. */
struct entry {
	int id, parent;
	dev_t dev;
	uint64_t subvolume; /* btrfs: its number, for one device holds many; else 0 */
	const char *root; /* the directory of the file system that is mounted */
	const char *path; /* where */
	const char *type;
	const char *source;
	const struct entry *hidden_by;
};

struct table {
	struct libmnt_table *mnt;
	struct entry *entries;
	size_t count;
};

/* file NULL: /proc/self/mountinfo. False with errno. */
bool table_read(struct table *t, const char *file);
void mount_table_release(struct table *t);
/* The visible mount that holds an absolute path, or NULL. */
const struct entry *table_holder(const struct table *t, const char *path);
/* The visible mount at exactly this path, or NULL. */
const struct entry *table_at(const struct table *t, const char *path);

/* Whether path is dir or beneath it; both absolute and without a trailing slash but for "/". */
bool mount_path_within(const char *dir, const char *path);
/* Beneath it, not itself. */
bool mount_path_beneath(const char *dir, const char *path);
/* What is left of path within dir, without a leading slash; "" for dir itself. */
const char *mount_path_rest(const char *dir, const char *path);
/* Without repeated and trailing slashes. To be freed. */
char *mount_path_plain(const char *path);

/* Of the first n chosen mounts the nearest above a path, or NULL. */
const struct mount *mount_above(const struct mount_plan *p, size_t n, const char *path);
/* Where a path goes: its place within the nearest above it of the first n chosen mounts. To be freed. */
char *mount_place(const struct mount_plan *p, size_t n, const char *path);

/* Why a mount is not walked unless its type is listed. */
const char *type_why(const struct entry *e);
/* look: on this host, not only in the table. */
/* What "local" stands for. */
bool type_is_local(const struct entry *e, bool look);
/* What a user would call his data: what is local, and local storage of other kinds. */
bool type_holds_data(const struct entry *e, bool look);
/* A snapshot of zfs, which shows itself as a mount once somebody has looked at it. */
bool type_is_zfs_snapshot(const struct entry *e);

/*
 * The file of which the loop device of a mount shows something, as the kernel names it, also through a partition or a
 * device that stands on nothing else; NULL when there is none. To be freed.
 */
char *loop_file(const struct entry *e, const char *sysfs);

/*
 * A read-only, no-atime clone of the mount that holds the directory path, without what is mounted beneath, as a
 * descriptor of that directory opened for reading. -1 with errno: ENOSYS before Linux 5.12, EPERM without privilege.
 */
int clone_detached(const char *path);
/*
 * The same for older kernels, all mounts of the plan that have no descriptor yet at once: bind mounts in the mount
 * namespace of a short-lived child. Sets fd of those that succeeded, errs[i] of the others (as many as chosen).
 */
void clone_in_namespace(struct mount_plan *p, int *errs);

/* The ways that mounts_open() tries, in this order; all of them, in tests some. */
enum open_way { OPEN_DETACHED = 1 << 0, OPEN_NAMESPACE = 1 << 1 };
bool mounts_open_by(struct mount_plan *p, unsigned ways, struct buf *warn, struct diag *d);
