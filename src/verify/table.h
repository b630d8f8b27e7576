/* Private to the room verify: the target's records of one slice. */
#pragma once

#include "verify/proto.h"

struct table_entry {
	uint32_t at, len; /* in data */
	uint64_t hash;
	bool seen;
};
struct table {
	struct buf data;
	struct buf entries; /* struct table_entry */
	uint32_t *slots; /* index + 1, 0 free; made by verify_table_build() */
	size_t slot_mask;
	bool has_own;
	struct table_entry own;
};
void verify_table_release(struct table *t);
/* False: malformed, or beyond the bounds of a slice. */
bool verify_table_add(struct table *t, struct bytes record, bool own_allowed, uint64_t seed);
void verify_table_build(struct table *t);
struct table_entry *verify_table_find(struct table *t, const char *name, uint64_t seed);
static inline size_t table_count(const struct table *t)
{
	return t->entries.len / sizeof(struct table_entry);
}
static inline struct table_entry *table_at(struct table *t, size_t i)
{
	return (struct table_entry *)(void *)t->entries.data + i;
}
/* What it says; points into the table. */
void verify_table_node(
	const struct table *t, const struct table_entry *e, struct bytes *out_name, struct verify_node *out);
