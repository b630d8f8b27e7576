/* Ways into a tree, beneath a directory descriptor and through no symbolic link, whatever the length of the path. */
#pragma once

#include "base/buf.h"

#include <dirent.h>

/*
 * The directory at path ("" is root_fd itself) for reading; -1 with errno. ELOOP, ENOTDIR: something on the
 * way is no directory. Any component may be replaced meanwhile: never followed out of the tree.
 */
int verify_tree_open(int root_fd, const char *path, bool noatime);

/* Reading one directory, as often as wanted. */
struct verify_names {
	DIR *dir; /* owned */
	bool end;
};
struct verify_name {
	uint64_t ino;
	uint32_t at; /* of the NUL-terminated name, in the text */
	uint16_t len;
};
/* Takes fd over, also on failure (false, errno). */
bool verify_names_open(struct verify_names *n, int fd);
void verify_names_close(struct verify_names *n);
void verify_names_rewind(struct verify_names *n);
/*
 * The next name but "." and "..": 1, 0 at the end, -1 with errno. The entry is valid until the next call.
 */
int verify_names_next(struct verify_names *n, struct dirent **out);
/* By inode number: the order disks like. */
int verify_name_by_ino(const void *a, const void *b);
