/*
 * Mounts: which file systems of this host are walked, and read-only ways into them.
 *
 * mounts_select() reads the mount table (libmount) and decides; it opens nothing. mounts_open() gives each
 * chosen mount a directory descriptor: as root a detached, non-recursive, read-only, no-atime clone
 * (open_tree and mount_setattr; bind mounts in a private namespace of a short-lived child on older kernels,
 * whose descriptors are passed over a socket); without the privilege the real directory, and that is said.
 *
 * Process: the coordinator. Ownership: the plan owns its strings and descriptors.
 */
#pragma once

#include "conf/conf.h"
#include "diag/diag.h"

struct mount {
	/* Where it is mounted on the host, absolute; of the one that holds the source root, that root. */
	char *path;
	char *rel; /* relative to the source root, "" for the root's own */
	char *target_rel; /* where it goes, relative to the target root (differs from rel by map) */
	char *fstype;
	char *source; /* "/dev/sda1" */
	char *within; /* the directory of the file system that is walked: "/", or what is bound or lies below its root */
	char *id; /* mounts_identify(): what it is, whatever its place; NULL before */
	/* What stat says of its entries. A btrfs subvolume has its own: a subvolume met in a walk whose st_dev is that
	 * of another chosen mount is walked there. */
	dev_t dev;
	uint64_t used_bytes, used_inodes; /* from statvfs, for the forecast of totals */
	int fd; /* the way in: the directory path, open for reading; -1 until mounts_open() */
};

/* What it is to the user that a mount is left out. */
enum mount_concern {
	MOUNT_MISSED, /* he would call it his data, and nothing says that this is meant */
	MOUNT_MEANT, /* his data, and the configuration or -x says so */
	MOUNT_ELSEWHERE, /* no data of this host's disks, or copied at another place */
};

struct mount_left_out {
	char *path;
	char *fstype;
	char *source;
	char *why; /* "network file system", "pseudo file system", "overlay", "repeats '/srv'", "skip_mounts" ... */
	enum mount_concern concern;
	bool file; /* mounted over a file: without clones the walk comes upon it nonetheless */
	bool covered; /* another mount hides it: its path leads elsewhere */
	bool failed; /* it would have been chosen, but for what is said in why */
	uint64_t used_bytes; /* of data; 0: not known */
};

/*
 * A directory that stands for what is mounted there and is not walked, or was mounted there and is not: nothing in it is
 * compared, and nothing that the target has beneath it is deleted.
 */
struct mount_fence {
	char *rel, *target_rel; /* of the source root, of the target root */
	bool lost; /* nor is the directory itself touched: what belongs there is not there */
};

struct mount_plan {
	/* [0] holds the source root (unless mounts or skip_mounts leave it out: then no rel is ""); then by rel in byte
	 * order. At least one. */
	struct mount *chosen;
	size_t chosen_count;
	struct mount_left_out *left_out; /* by path; several at one path are possible */
	size_t left_out_count;
	struct mount_fence *fences; /* by rel, once mounts_fence_left_out() is done */
	size_t fence_count;
	char *root; /* the source root, as its path is in the mount table */
	bool clones; /* set by mounts_open(): the descriptors are read-only clones */
};

struct mounts_options {
	bool one_file_system; /* -x: only the file system that holds the root */
	bool root_always; /* SRC DST: the root's file system is walked whatever its type */
	/* Whether the rules leave out what lies at this path, relative to the source root; may be NULL. */
	bool (*excluded)(void *arg, const char *rel, bool is_dir);
	void *arg;
	const char *mountinfo; /* NULL: /proc/self/mountinfo; a file in tests */
	const char *sysfs; /* NULL: /sys, and with a file as mountinfo none; a directory in tests */
};

/*
 * Decides. Beneath the source root those mounts are chosen that can be reached by their path, are of a type
 * listed in filesystems (a listed type is taken whatever it is; "local" stands for what lies on a local block device, zfs
 * and fuseblk, but for read-only images and what a loop device shows of a file that is copied itself, unless mounts names
 * it), are no snapshot of zfs, are named in mounts when that is not empty
 * and not in skip_mounts (exact mount points each), and show nothing that another chosen one shows: of mounts
 * of one file system (of btrfs: of one subvolume) whose directories lie inside one another the one that shows
 * most, then the one nearest the root. The source root itself always comes before what repeats or holds it.
 * target_rel is what map says, else the place within the nearest chosen mount above.
 * With a table of its own (mountinfo) nothing on this host is looked at: dev is the table's, used_* are 0.
 */
bool mounts_select(const struct conf *c, const struct mounts_options *o, struct mount_plan *out, struct diag *d);
/* Whether a directory is all of its file system, so that used_* say what it holds. */
bool mounts_whole(const char *dir);

/* More are refused: each takes a descriptor in every worker, and all their paths go into one message. */
#define MOUNTS_MAX 4096
#define MOUNTS_PATHS_MAX (3u << 20)

/* What a btrfs subvolume is that a walk has come to. */
enum subvolume {
	SUBVOLUME_OTHER, /* no subvolume, a writable one, or a read-only one that was made by itself */
	SUBVOLUME_SNAPSHOT, /* read-only, of another subvolume of this file system */
	SUBVOLUME_UNSURE, /* read-only, and received from elsewhere, or Linux before 4.18 */
};

/* fd: a directory, opened for reading. */
enum subvolume mounts_subvolume(int fd);
/* What is left of a path beneath the source root, without a leading slash. */
const char *mounts_rel(const struct mount_plan *p, const char *path);
/* Fences each mount that was left out, where a walk of a chosen one would meet its mount point. */
void mounts_fence_left_out(struct mount_plan *p);
/* Fences a path beneath the source root, or the root. */
void mounts_fence(struct mount_plan *p, const char *path, bool lost);
/* Takes a chosen mount out of the plan, before mounts_open(), and fences its place as lost. */
void mounts_lose(struct mount_plan *p, size_t i);
struct mount *mounts_at(const struct mount_plan *p, const char *path); /* the chosen one at a path, or NULL */
/* Sets the id of each chosen mount: what its file system is known by, by its UUID where it has one. */
void mounts_identify(struct mount_plan *p);
/* Of two such ids; what one of them lacks, for its device could not be read, does not tell them apart. */
bool mounts_id_same(const char *a, const char *b);
/* What lies hidden beneath a mount point, in the clone of the chosen mount above it. */
struct mount_hidden {
	uint64_t files, bytes; /* regular files */
	uint64_t space; /* that all of it takes on the disk */
	size_t mount; /* of the chosen ones: in which it lies */
	bool more; /* there is more than was counted */
};
/* False: nothing, or it cannot be seen. */
bool mounts_hidden(const struct mount_plan *p, const char *path, struct mount_hidden *out);
/*
 * allow_clones false: the real directories. A mount that cannot be cloned is opened as it is, said in warn (a
 * list of lines appended, one per mount). False when one cannot be opened at all, or is not the one of the
 * table any more. In a clone, what is mounted beneath is not seen, but what lies under it; in the real
 * directory the mounts are there, left-out ones too. Clones keep a file system busy until their descriptors
 * are closed, but not its mount point. Forks (and waits) on kernels before 5.12: call it while the process
 * has one thread.
 */
bool mounts_open(struct mount_plan *p, bool allow_clones, struct buf *warn, struct diag *d);
void mount_plan_release(struct mount_plan *p);
