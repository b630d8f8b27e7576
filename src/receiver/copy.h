/*
 * Copying between our own files, at the pace of the session.
 *
 * Ownership: descriptors are borrowed. Errors: -1 with errno.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct session;

int copy_clone(int from, int to);
/* Into what is a hole so far: holes stay holes. */
int copy_sparse(struct session *s, int from, int to, uint64_t off, uint64_t len);
/* The whole file with its holes. */
int copy_whole(struct session *s, int from, int to, uint64_t size);
/* Nothing is stored there (past the end too). */
/* Or as good as one: parts of blocks at its ends may be zeros. */
bool copy_is_hole(int fd, uint64_t off, uint64_t len);
int copy_zero(int fd, uint64_t off, uint64_t len); /* a hole, or zeros; within the file's size only */
