/* Private to the room verify: the verifier, as its parts see it. */
#pragma once

#include "base/lost.h"
#include "ipc/chan.h"
#include "pace/pacer.h"
#include "verify/hash.h"
#include "verify/inode.h"
#include "verify/verifier.h"

/* When an inode of the source was changed. */
enum verify_when {
	WHEN_BEFORE, /* the last sync */
	WHEN_SINCE,
	WHEN_FUTURE, /* so it says */
};

struct pending;
struct request;
struct unit;

struct verifier {
	struct verifier_options o; /* arrays are our own */
	uint32_t fields;
	bool metadata;
	int64_t since_ns;
	bool greeted;
	uint32_t prover_uid;
	uint32_t next_id;
	struct chan wire; /* the descriptor is the caller's */
	struct unit *units, *units_tail;
	size_t unit_count, lists;
	struct request *requests, *requests_tail; /* sent, in order: answers come in the same */
	struct pending *files, *files_tail; /* to be hashed here */
	size_t pending_count;
	struct verify_hasher hasher; /* of files' first */
	struct verify_reader reader;
	verify_crc_fn crc;
	void *buffer;
	struct verifier_counts counts;
	struct lost lost; /* not told yet */
	uint64_t allowed; /* bytes of contents a step may read */
	bool said_subvolume; /* entry.c */
	struct pacer pacer;
};
