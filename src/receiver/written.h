/*
 * The file systems that the session writes to: what has to be brought to the disk.
 *
 * Ownership: a descriptor for each, until written_release(). Errors: kept in err, and told by SYNC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRITTEN_MAX 32

struct session;

struct written {
	bool dirty; /* something may have been written since the last epoch began */
	int err; /* errno of a file system that had to be synced early */
	struct written_fs {
		uint64_t dev;
		int fd;
	} fs[WRITTEN_MAX];
	size_t fs_n;
};

/* Remembers that the file system is written to. fd is borrowed: anything on it. */
void written_note(struct session *s, int fd, uint64_t dev);
void written_release(struct written *w);
