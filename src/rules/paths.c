#include "rules/paths.h"

struct paths_node {
	uint32_t parent;
	uint32_t hash;
	uint32_t name; /* place in names */
	uint32_t name_len;
	uint32_t exclude_item, only_item;
	uint8_t kind;
};

static uint32_t hash_of(uint32_t parent, const char *name, size_t n)
{
	uint32_t h = 2166136261u ^ (parent * 0x9e3779b1u);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t new_node(struct paths *p, uint32_t parent, uint32_t hash, const char *name, size_t n)
{
	if (p->count == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->nodes = xrealloc(p->nodes, p->cap * sizeof(*p->nodes));
	}
	p->nodes[p->count] = (struct paths_node){
		.parent = parent,
		.hash = hash,
		.name = (uint32_t)p->names.len,
		.name_len = (uint32_t)n,
		.exclude_item = PATHS_NO_ITEM,
		.only_item = PATHS_NO_ITEM,
	};
	buf_append(&p->names, name, n);
	return (uint32_t)p->count++;
}

void paths_init(struct paths *p)
{
	*p = (struct paths){0};
	new_node(p, 0, 0, "", 0);
}

void paths_release(struct paths *p)
{
	free(p->nodes);
	free(p->slots);
	buf_release(&p->names);
}

static void put_slot(struct paths *p, uint32_t node)
{
	size_t i = p->nodes[node].hash & (p->slot_count - 1);

	while (p->slots[i])
		i = (i + 1) & (p->slot_count - 1);
	p->slots[i] = node;
}

/* At most half full: a search for what is not there ends soon. */
static void make_room(struct paths *p)
{
	if ((p->count + 1) * 2 <= p->slot_count)
		return;
	p->slot_count = p->slot_count ? p->slot_count * 2 : 16;
	free(p->slots);
	p->slots = xcalloc(p->slot_count, sizeof(*p->slots));
	for (uint32_t i = 1; i < p->count; i++)
		put_slot(p, i);
}

/* The child of that name, or 0. */
static uint32_t child(const struct paths *p, uint32_t parent, uint32_t hash, const char *name, size_t n)
{
	if (!p->slot_count)
		return 0;
	for (size_t i = hash & (p->slot_count - 1); p->slots[i]; i = (i + 1) & (p->slot_count - 1)) {
		const struct paths_node *node = &p->nodes[p->slots[i]];

		if (node->hash == hash && node->parent == parent && node->name_len == n &&
			memcmp(p->names.data + node->name, name, n) == 0)
			return p->slots[i];
	}
	return 0;
}

bool paths_add(struct paths *p, const char *path, uint8_t kind, uint32_t item)
{
	bool only = kind & (PATHS_ONLY | PATHS_ONLY_CONTENTS);
	uint32_t at = 0;
	uint32_t *at_item;

	while (*path) {
		size_t n = strcspn(path, "/");
		uint32_t hash = hash_of(at, path, n);
		uint32_t next = child(p, at, hash, path, n);

		p->nodes[at].kind |= only ? PATHS_ABOVE_ONLY : PATHS_ABOVE_EXCLUDE;
		if (!next) {
			if (p->count > PATHS_NODES_MAX)
				return false;
			make_room(p);
			next = new_node(p, at, hash, path, n);
			put_slot(p, next);
		}
		at = next;
		path += n + (path[n] == '/');
	}
	p->nodes[at].kind |= kind;
	p->only |= only;
	at_item = only ? &p->nodes[at].only_item : &p->nodes[at].exclude_item;
	if (*at_item == PATHS_NO_ITEM)
		*at_item = item;
	return true;
}

struct descent {
	uint32_t at;
	bool lost; /* below what the tree knows */
	bool covered; /* beneath a path of the only list */
	bool hidden;
	uint32_t item;
};

/* One component down: what the node being left says of everything beneath it, then the child. */
static void descend(const struct paths *p, struct descent *d, const char *name, size_t n)
{
	const struct paths_node *node = &p->nodes[d->at];

	if (d->lost || d->hidden)
		return;
	if (node->kind & (PATHS_ONLY | PATHS_ONLY_CONTENTS)) {
		d->covered = true;
		d->item = node->only_item;
	}
	if (node->kind & (PATHS_EXCLUDE | PATHS_EXCLUDE_CONTENTS)) {
		d->hidden = true;
		d->item = node->exclude_item;
		return;
	}
	d->at = child(p, d->at, hash_of(d->at, name, n), name, n);
	d->lost = !d->at;
}

void paths_find(const struct paths *p, const char *dir, const char *name, bool is_dir, struct paths_answer *out)
{
	struct descent d = {.item = PATHS_NO_ITEM};
	const struct paths_node *node;

	while (*dir && !d.lost && !d.hidden) {
		size_t n = strcspn(dir, "/");
		descend(p, &d, dir, n);
		dir += n + (dir[n] == '/');
	}
	if (*name)
		descend(p, &d, name, strlen(name));
	*out = (struct paths_answer){.hidden = d.hidden, .item = d.item};
	if (d.hidden)
		return;
	node = &p->nodes[d.at];
	if (!d.lost && node->kind & PATHS_EXCLUDE) {
		out->hidden = true;
		out->item = node->exclude_item;
		return;
	}
	if (!p->only || d.covered)
		return;
	if (!d.lost && node->kind & PATHS_ONLY) {
		out->item = node->only_item;
		return;
	}
	if (!d.lost && is_dir && node->kind & (PATHS_ABOVE_ONLY | PATHS_ONLY_CONTENTS)) {
		out->passage = true;
		return;
	}
	out->hidden = true;
}

bool paths_protect_beneath(const struct paths *p, const char *path)
{
	struct descent d = {.item = PATHS_NO_ITEM};
	uint8_t kind;

	while (*path) {
		size_t n = strcspn(path, "/");
		descend(p, &d, path, n);
		path += n + (path[n] == '/');
	}
	if (d.hidden || d.lost)
		return false;
	kind = p->nodes[d.at].kind;
	if (kind & PATHS_EXCLUDE)
		return false;
	if (p->only && !d.covered && !(kind & (PATHS_ONLY | PATHS_ONLY_CONTENTS)))
		/* A passage to what only is wanted, or the root: all else in it is protected. Others are so themselves. */
		return kind & PATHS_ABOVE_ONLY || !d.at;
	return kind & (PATHS_EXCLUDE_CONTENTS | PATHS_ABOVE_EXCLUDE);
}
