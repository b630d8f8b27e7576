/*
 * The file systems mounted beneath the target root: what a receiver that was lost can have written to. Opened before
 * the receiver is confined, read when it is needed.
 *
 * Ownership: below_close() closes and frees what below_open() has set up. Errors: without a table below_sync() is
 * false.
 */
#pragma once

#include <stdbool.h>

struct below {
	int fd; /* the table of mounts; -1: there is none */
	char *root; /* the path of the target root in it, without a slash at the end */
};

void below_open(struct below *b, int root_fd);
void below_close(struct below *b);
/* path is relative to the target root; device: a disk is behind it. */
typedef void (*below_fn)(void *arg, const char *path, const char *type, bool device);
/* Each file system that is mounted beneath the root. False: which those are is not known. */
bool below_each(const struct below *b, below_fn fn, void *arg);
/* Brings the root's file system and all that are mounted beneath it to the disk; err is set when one fails. False:
 * which those are is not known. */
bool below_sync(const struct below *b, int root_fd, int *err);
