/*
 * What a job counts, from the messages of its workers to summaries, records, logs, metrics and JSON: one line a counter.
 * X(name, whose, help): whose is TRANSFER (copy and sync), VERIFY, BOTH, SEEN (of both, but a verify after a transfer sees only
 * once more what that has seen), or PROGRESS: of no summary.
 */
#pragma once

#include <stdint.h>

#define COUNTERS(X)                                                             \
	X(files_examined, SEEN, "Entries of every type examined")               \
	X(files_transferred, TRANSFER, "Files transferred")                     \
	X(files_deleted, TRANSFER, "Entries deleted at the target")             \
	X(files_vanished, BOTH, "Files that vanished while they were read")     \
	X(files_failed, BOTH, "Files that failed")                              \
	X(metadata_updated, TRANSFER, "Entries of which only metadata was set") \
	X(links_made, TRANSFER, "Hard links made")                              \
	X(links_copied, TRANSFER, "Hard links that became copies")              \
	X(dirs_created, TRANSFER, "Directories made")                           \
	X(bytes_total, SEEN, "Bytes of all files examined")                     \
	X(bytes_literal, TRANSFER, "Bytes of contents sent")                    \
	X(bytes_matched, TRANSFER, "Bytes of contents found at the target")     \
	X(bytes_hashed, VERIFY, "Bytes hashed")                                 \
	X(bytes_sent, BOTH, "Bytes sent")                                       \
	X(bytes_received, BOTH, "Bytes received")                               \
	X(bytes_helper, BOTH, "Bytes of the helper sent")                       \
	X(bytes_done, PROGRESS, "Bytes of contents transferred, matched or found equal")

struct counts {
#define X(name, whose, help) uint64_t name;
	COUNTERS(X)
#undef X
};

enum count_whose { COUNT_TRANSFER = 1, COUNT_VERIFY = 2, COUNT_BOTH = 3, COUNT_SEEN = 7, COUNT_PROGRESS = 8 };

struct count_def {
	const char *name, *help;
	unsigned whose; /* enum count_whose */
};
#define X(name, whose, help) +1
enum { COUNTER_COUNT = 0 COUNTERS(X) };
#undef X
/* In their order; struct counts is as an array of so many. */
extern const struct count_def count_defs[COUNTER_COUNT];

static inline uint64_t *counts_at(struct counts *c, unsigned i)
{
	return (uint64_t *)c + i;
}
static inline uint64_t counts_get(const struct counts *c, unsigned i)
{
	return ((const uint64_t *)c)[i];
}
void counts_add(struct counts *to, const struct counts *from);
