/*
 * Large files that are being written: from FILE to FILE_DONE (file.c has their life).
 *
 * Ownership: the session's. file_close() frees the file it is given; file_find() lends it until the request is done.
 * Errors: the first one is kept in f->failed and told by FILE_DONE; from then on nothing is done to the file.
 */
#pragma once

#include "diag/diag.h"
#include "receiver/tmp.h"
#include "wire/msg.h"

#include <sys/stat.h>

#define FILES_MAX 64

struct session;
struct dir;

struct file {
	uint32_t id;
	uint8_t flags; /* FILE_* */
	struct dir *dir; /* borrowed, see dir.files; NULL with FILE_SEGMENT, or when the directory is not open */
	char *name;
	struct meta want, have; /* have.type META_NONE: nothing was there */
	int fd; /* written to; -1: nothing yet */
	int basis_fd; /* -1: no basis. The same number as fd when in place */
	uint64_t size, basis_size;
	bool inplace, created, cloned, wrote;
	struct tmpname tmp;
	struct stat fresh; /* of what we created */
	struct buf equal; /* uint64_t pairs off, end: basis ranges known to be right, not copied yet */
	struct buf again; /* records of FILE_AGAIN: runs to be sent literally */
	struct diag failed; /* the first failure; nothing is done after it */
};

struct files {
	struct file *all[FILES_MAX];
	size_t n;
};

/* NULL: not open. */
struct file *file_find(struct session *s, uint32_t id);
void file_fail(struct file *f, enum diag_code code, int err, const char *what);
/* The temporary file exists from here on, with what is known to be equal. False: f->failed is set, or it is a dry
 * run. */
bool file_materialise(struct session *s, struct file *f);
/* Copies the ranges noted as equal. False: f->failed is set. */
bool file_copy_equal(struct session *s, struct file *f);
/* Nothing half-written may look finished: a time that would be the source's is taken away. */
void file_spoil_time(struct session *s, const struct file *f);
void file_answer_done(struct session *s, struct file *f, const struct msg_file_done *done);
/* Frees it, and removes its temporary file if that was not renamed. */
void file_close(struct session *s, struct file *f);
/* Frees all: the link is lost. */
void file_abandon_all(struct session *s);
