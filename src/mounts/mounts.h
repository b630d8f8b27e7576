/*
 * Mounts: which file systems of this host are walked, and read-only ways into them.
 *
 * mounts_select() reads the mount table (libmount) and decides; it opens nothing. mounts_open() gives each chosen
 * mount a directory descriptor: as root a detached, non-recursive, read-only, no-atime clone (open_tree and
 * mount_setattr; bind mounts in a private namespace of a short-lived child on older kernels, whose descriptors are
 * passed over a socket); without the privilege the real directory, and that is said.
 *
 * Process: the coordinator. Ownership: the plan owns its strings and descriptors.
 */
#pragma once

#include "conf/conf.h"
#include "diag/diag.h"

struct mount {
	char *path;	  /* where it is mounted on the host, absolute */
	char *rel;	  /* relative to the source root, "" for the root's own */
	char *target_rel; /* where it goes, relative to the target root (differs from rel by map) */
	char *fstype;
	char *source; /* "/dev/sda1" */
	dev_t dev;
	uint64_t used_bytes, used_inodes; /* from statvfs, for the forecast of totals */
	int fd; /* the way in; -1 until mounts_open() */
};

struct mount_left_out {
	char *path;
	char *fstype;
	const char *why; /* "network file system", "pseudo file system", "overlay", "repeats '/srv'", "skip_mounts" ... */
};

struct mount_plan {
	struct mount *chosen; /* [0] holds the source root; then by path in byte order */
	size_t chosen_count;
	struct mount_left_out *left_out;
	size_t left_out_count;
	bool clones; /* set by mounts_open(): the descriptors are read-only clones */
};

struct mounts_options {
	bool one_file_system; /* -x: only the file system that holds the root */
	bool root_always;     /* SRC DST: the root's file system is walked whatever its type */
	const char *mountinfo; /* NULL: /proc/self/mountinfo; a file in tests */
};

bool mounts_select(const struct conf *c, const struct mounts_options *o, struct mount_plan *out, struct diag *d);
/* allow_clones false: the real directories. A mount that cannot be cloned is opened as it is, said in warn (a list of
 * lines appended, one per mount). */
bool mounts_open(struct mount_plan *p, bool allow_clones, struct buf *warn, struct diag *d);
void mount_plan_release(struct mount_plan *p);
