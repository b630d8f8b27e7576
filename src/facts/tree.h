/*
 * Private to the room facts: reading below a root. Symbolic links are followed within it: a recorded host's /etc/localtime does not
 * lead to ours. Paths are absolute as the host has them. Errors: NULL, false or -1 with errno.
 */
#pragma once

#include "base/buf.h"

#include <sys/stat.h>

struct tree {
	int root; /* O_PATH */
	bool live; /* it is this host's own */
	const char *target; /* of this host: the directory that a copy goes to; NULL: none */
};

bool tree_open(struct tree *t, const char *root);
void tree_close(struct tree *t);

int tree_fd(const struct tree *t, const char *path, int flags);
bool tree_stat(const struct tree *t, const char *path, struct stat *st); /* of what a link leads to */
bool tree_exists(const struct tree *t, const char *path);
/* At most max bytes of a regular file (or one of /proc, /sys), NUL-terminated, to be freed. */
char *tree_read(const struct tree *t, const char *path, size_t max);
/* The first line, without what is blank at its end; NULL when it cannot be read or is empty. */
char *tree_line(const struct tree *t, const char *path);
bool tree_number(const struct tree *t, const char *path, uint64_t *out);
/* Where a link leads, as it is written. */
char *tree_link(const struct tree *t, const char *path);

struct tree_names {
	char **names; /* in byte order */
	size_t count;
};
/* Of a directory, without "." and "..". What cannot be read has none, with errno. */
bool tree_list(const struct tree *t, const char *path, struct tree_names *out);
void tree_names_release(struct tree_names *n);
