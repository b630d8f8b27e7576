#include "mover/listing.h"
#include "mover/state.h"

struct listed *listing_add(struct mover *m, struct listing *l, const char *name, size_t len, const struct meta *meta)
{
	struct listed *e;
	size_t before = l->arena.len;

	if (l->len == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->entries = xrealloc(l->entries, l->cap * sizeof(*l->entries));
	}
	e = &l->entries[l->len++];
	*e = (struct listed){.type = meta->type, .mount = -1, .name_len = (uint16_t)len};
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
	return e;
}

void listing_release(struct mover *m, struct listing *l)
{
	m->listing_bytes -= l->charged;
	buf_release(&l->arena);
	free(l->entries);
	*l = (struct listing){};
}
