#include "verify/table.h"

void verify_table_release(struct table *t)
{
	buf_release(&t->data);
	buf_release(&t->entries);
	free(t->slots);
	*t = (struct table){};
}

bool verify_table_add(struct table *t, struct bytes record, bool own_allowed, uint64_t seed)
{
	/* The directory's own record comes first or not at all. */
	bool own = own_allowed && !t->has_own && table_count(t) == 0;
	struct verify_node node;
	struct bytes name;
	struct table_entry e = {.at = (uint32_t)t->data.len, .len = (uint32_t)record.len};

	if (t->data.len + record.len > VERIFY_SLICE_BYTES + VERIFY_RECORD_MAX ||
		table_count(t) >= VERIFY_SLICE_ENTRIES || !verify_record_get(record, own, &name, &node))
		return false;
	buf_append(&t->data, record.p, record.len);
	if (own) {
		if (node.type != VERIFY_T_DIR)
			return false;
		t->has_own = true;
		t->own = e;
		return true;
	}
	e.hash = verify_name_hash(seed, name.p, name.len);
	buf_append(&t->entries, &e, sizeof(e));
	return true;
}

void verify_table_node(
	const struct table *t, const struct table_entry *e, struct bytes *out_name, struct verify_node *out)
{
	struct bytes record = {.p = t->data.data + e->at, .len = e->len};

	/* It was valid when it was added. */
	if (!verify_record_get(record, e == &t->own, out_name, out))
		abort();
}

static bool has_name(const struct table *t, const struct table_entry *e, const char *name, size_t n)
{
	struct rd r = rd_init(t->data.data + e->at, e->len);
	struct bytes b = rd_bytes(&r, VERIFY_NAME_MAX);

	return b.len == n && memcmp(b.p, name, n) == 0;
}

void verify_table_build(struct table *t)
{
	size_t slots = 16;

	while (slots < 2 * table_count(t))
		slots *= 2;
	free(t->slots);
	t->slots = xcalloc(slots, sizeof(*t->slots));
	t->slot_mask = slots - 1;
	for (size_t i = 0; i < table_count(t); i++) {
		size_t at = table_at(t, i)->hash & t->slot_mask;

		while (t->slots[at])
			at = (at + 1) & t->slot_mask;
		t->slots[at] = (uint32_t)i + 1;
	}
}

/* A name that came twice (a directory that changed while it was read) is one: the first; the other is marked too. */
struct table_entry *verify_table_find(struct table *t, const char *name, uint64_t seed)
{
	size_t n = strlen(name);
	uint64_t hash = verify_name_hash(seed, name, n);
	struct table_entry *found = NULL;

	for (size_t at = hash & t->slot_mask; t->slots[at]; at = (at + 1) & t->slot_mask) {
		struct table_entry *e = table_at(t, t->slots[at] - 1);

		if (e->hash != hash || !has_name(t, e, name, n))
			continue;
		if (found)
			e->seen = true;
		else
			found = e;
	}
	return found;
}
