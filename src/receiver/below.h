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
/* Brings the root's file system and all that are mounted beneath it to the disk; err is set when one fails. False:
 * which those are is not known. */
bool below_sync(const struct below *b, int root_fd, int *err);
