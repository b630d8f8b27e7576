/* Units of work, and the queue of those that wait. */
#pragma once

#include "engine/region.h"
#include "engine/spill.h"
#include "wire/digest.h"

struct share;

struct unit {
	uint32_t id;
	uint8_t kind, flags;
	uint32_t mount;
	char *src, *dst;
	struct unit *next; /* in the queue, or in its worker's list */
	/* hashes of the names it has handed on, so that a second run of it hands on no directory twice */
	struct given {
		struct buf few;
		struct region many; /* all further ones; not mapped when there are none */
		size_t few_before, many_before; /* of them: handed on by earlier runs, in order */
	} given;
	bool again; /* it is being done a second time */
	bool deferred;
	bool listed; /* all it holds is known */
	/* UNIT_SEGMENT */
	struct share *share;
	char *path, *basis_path;
	uint64_t size, off, len, basis, ino, mtime_ns;
};

struct unit *queue_unit_new(uint8_t kind, uint8_t flags, uint32_t mount, const char *src, const char *dst);
void queue_unit_free(struct unit *u);
/* True when the unit has handed on this name before (and notes it, in dir when there are many). */
bool queue_unit_gave(struct unit *u, const struct digest_key *k, const void *name, size_t n, const char *dir);
/* It is going to be done once more. */
void queue_unit_redo(struct unit *u);

struct queue { /* last in, first out: depth first keeps it short */
	struct unit *head; /* segments, and what is done again: comes first */
	struct spill packed;
	size_t len;
};
void queue_init(struct queue *q, const char *dir);
void queue_push(struct queue *q, struct unit *u); /* takes u */
void queue_add(struct queue *q, uint8_t kind, uint8_t flags, uint32_t mount, const char *src, const char *dst);
struct unit *queue_pop(struct queue *q); /* the caller's. NULL: there is none, or packed.err is set */
void queue_release(struct queue *q); /* leaves it empty */
