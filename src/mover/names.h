/*
 * Names of a directory of the source, a getdents buffer at a time, and how a directory is opened.
 *
 * Ownership: struct names and struct way are storage of the caller's; names_release() and way_release() empty them.
 * Errors: -1 with errno; of reading names it stands in `error`, and then the directory counts as ended.
 */
#pragma once

#include "base/buf.h"

struct name {
	uint32_t off; /* into names->arena; NUL-terminated */
	uint8_t dtype;
	uint64_t ino;
};

struct names {
	struct buf arena;
	struct name *names;
	uint32_t len, cap, next;
	bool eof;
	int error; /* of getdents */
};

/*
 * The way to the directory that was opened last: some of its ancestors stay open for a moment, so that depth first a deep
 * tree costs each directory a few opens, not its depth.
 */
#define WAY_MAX 64
struct way {
	char *path;
	int rootfd;
	int64_t since_ns;
	struct {
		size_t len; /* of the path */
		int fd; /* O_PATH */
	} kept[WAY_MAX];
	size_t n;
};

/* Opens a path below a mount, component by component, following no link. -1 with errno. */
int names_open_path(struct way *w, int rootfd, const char *path);
void way_release(struct way *w);
/* Reads names until `max` are there or the directory ends. Sorted by inode. */
void names_read(struct names *n, int fd, uint32_t max);
/* After ESTALE: fd becomes what the name is now, if that is the same inode. False, with errno ESTALE, if it is not. */
bool names_reopen(int dirfd, const char *name, uint64_t ino, int fd);
/* Adds one to what was read. */
void names_add(struct names *n, const char *name, uint8_t dtype, uint64_t ino);
void names_release(struct names *n);
