#include "mover/listing.h"
#include "mover/state.h"

/* Where the name's index is, or would go. */
static uint32_t *slot_of(const struct listing *l, uint64_t hash, const char *name, size_t len)
{
	uint32_t i = (uint32_t)(hash >> 16) & (l->slots - 1);

	for (; l->table[i]; i = (i + 1) & (l->slots - 1)) {
		const struct listed *e = &l->entries[l->table[i] - 1];
		if (e->hash == hash && e->name_len == len && memcmp(listed_name(l, e), name, len) == 0)
			break;
	}
	return &l->table[i];
}

bool listing_has(const struct listing *l, uint64_t hash, const char *name, size_t len)
{
	return l->slots && *slot_of(l, hash, name, len);
}

static void index_last(struct mover *m, struct listing *l)
{
	uint32_t first = l->len - 1, bytes;

	if (l->len * 2 > l->slots) {
		l->slots = l->slots ? l->slots * 2 : 64;
		bytes = l->slots * (uint32_t)sizeof(*l->table);
		free(l->table);
		l->table = xcalloc(l->slots, sizeof(*l->table));
		l->charged += bytes / 2;
		m->listing_bytes += bytes / 2;
		first = 0;
	}
	for (uint32_t i = first; i < l->len; i++)
		*slot_of(l, l->entries[i].hash, listed_name(l, &l->entries[i]), l->entries[i].name_len) = i + 1;
}

struct listed *listing_add(
	struct mover *m, struct listing *l, uint64_t hash, const char *name, size_t len, const struct meta *meta)
{
	struct listed *e;
	size_t before = l->arena.len;

	if (l->len == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->entries = xrealloc(l->entries, l->cap * sizeof(*l->entries));
	}
	e = &l->entries[l->len++];
	*e = (struct listed){.type = meta->type, .mount = -1, .name_len = (uint16_t)len, .hash = hash};
	e->name = (uint32_t)l->arena.len;
	buf_append(&l->arena, name, len + 1);
	e->meta = (uint32_t)l->arena.len;
	if (meta->type == META_DIR)
		buf_append_u8(&l->arena, META_DIR);
	else
		meta_pack(&l->arena, meta, m->fields);
	e->meta_len = (uint32_t)(l->arena.len - e->meta);
	e->size = meta->type == META_REG ? meta->size : 0;
	e->dev = meta->dev;
	e->ino = meta->ino;
	e->nlink = meta->nlink;
	e->linked = meta->type != META_DIR && meta->nlink > 1;
	l->charged += l->arena.len - before + sizeof(*e);
	m->listing_bytes += l->arena.len - before + sizeof(*e);
	index_last(m, l);
	return e;
}

void listing_release(struct mover *m, struct listing *l)
{
	m->listing_bytes -= l->charged;
	buf_release(&l->arena);
	free(l->entries);
	free(l->table);
	*l = (struct listing){};
}
