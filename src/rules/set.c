/* A set of rules: what is put into it, and what it is looked up by. */
#include "rules/set.h"

struct rules *rules_alloc(const char *root, const char *target_root)
{
	struct rules *r = xcalloc(1, sizeof(*r));

	r->root = xstrdup(root);
	r->target_root = xstrdup(target_root);
	paths_init(&r->tree);
	rules_set_mount(r, "");
	return r;
}

static void item_release(struct conf_item *item)
{
	free(item->value);
	free(item->file);
}

static void release_pattern(struct rules *r, size_t i)
{
	pattern_release(&r->patterns[i]);
	if (r->pattern_items)
		item_release(&r->pattern_items[i]);
}

void rules_clear_patterns(struct rules *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->pattern_count; i++) {
		if (r->patterns[i].mount == r->mounts[r->mount]) {
			release_pattern(r, i);
			continue;
		}
		r->patterns[kept] = r->patterns[i];
		if (r->pattern_items)
			r->pattern_items[kept] = r->pattern_items[i];
		kept++;
	}
	r->pattern_count = kept;
}

bool rules_set_mount(struct rules *r, const char *path)
{
	for (r->mount = 0; r->mount < r->mount_count; r->mount++)
		if (str_eq(r->mounts[r->mount], path))
			return true;
	if (r->mount_count == RULES_MOUNTS_MAX) {
		r->mount = 0;
		return false;
	}
	r->mounts = xrealloc(r->mounts, (r->mount_count + 1) * sizeof(*r->mounts));
	r->mounts[r->mount_count++] = xstrdup(path);
	return true;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->pattern_count; i++)
		release_pattern(r, i);
	for (size_t i = 0; i < r->mount_count; i++)
		free(r->mounts[i]);
	free(r->mounts);
	for (size_t i = 0; i < r->path_count; i++) {
		free(r->paths[i].path);
		if (r->path_items)
			item_release(&r->path_items[i]);
	}
	paths_release(&r->tree);
	free(r->root);
	free(r->target_root);
	free(r->paths);
	free(r->path_items);
	free(r->patterns);
	free(r->pattern_items);
	free(r->chains);
	free(r->others);
	free(r);
}

/* Room for one more of *things and, when there are items, of *items. */
static void grow(size_t count, size_t *cap, void **things, size_t size, struct conf_item **items, bool with_items)
{
	if (count < *cap)
		return;
	*cap = *cap ? *cap * 2 : 8;
	*things = xrealloc(*things, *cap * size);
	if (with_items)
		*items = xrealloc(*items, *cap * sizeof(**items));
}

static struct conf_item item_copy(const struct conf_item *item)
{
	return (struct conf_item){xstrdup(item->value), xstrdup(item->file), item->line};
}

bool rules_add_path(
	struct rules *r, const char *path, uint8_t kind, bool outside, const char *list, const struct conf_item *item)
{
	uint32_t place = item ? (uint32_t)r->path_count : PATHS_NO_ITEM;
	void *paths = r->paths;

	grow(r->path_count, &r->path_cap, &paths, sizeof(*r->paths), &r->path_items, item != NULL);
	r->paths = paths;
	if (item)
		r->path_items[r->path_count] = item_copy(item);
	r->paths[r->path_count++] = (struct rules_path){xstrdup(path), kind, outside, list};
	if (kind & (PATHS_ONLY | PATHS_ONLY_CONTENTS))
		r->only = r->tree.only = true;
	return outside || paths_add(&r->tree, path, kind, place);
}

void rules_add_pattern(struct rules *r, const char *text, size_t n, uint8_t flags, const struct conf_item *item)
{
	void *patterns = r->patterns;
	struct pattern *p;

	grow(r->pattern_count, &r->pattern_cap, &patterns, sizeof(*r->patterns), &r->pattern_items, item != NULL);
	r->patterns = patterns;
	if (item)
		r->pattern_items[r->pattern_count] = item_copy(item);
	p = &r->patterns[r->pattern_count++];
	pattern_init(p, text, n, flags);
	p->mount = r->mounts[r->mount];
	p->mount_len = strlen(p->mount);
}

void rules_index(struct rules *r)
{
	for (r->chain_count = 16; r->chain_count < r->pattern_count * 2; r->chain_count *= 2)
		;
	r->chains = xmalloc(r->chain_count * sizeof(*r->chains));
	memset(r->chains, 0xff, r->chain_count * sizeof(*r->chains));
	r->others = xmalloc(r->pattern_count * sizeof(*r->others));
	r->other_count = 0;
	for (size_t i = 0; i < r->pattern_count; i++)
		if (!pattern_is_literal(&r->patterns[i]))
			r->others[r->other_count++] = (uint32_t)i;
	/* From the last on, so that each chain begins with its first. */
	for (size_t i = r->pattern_count; i-- > 0;) {
		struct pattern *p = &r->patterns[i];
		uint32_t *chain = &r->chains[p->last_hash & (r->chain_count - 1)];

		if (!pattern_is_literal(p))
			continue;
		p->next = *chain;
		*chain = (uint32_t)i;
	}
}

void rules_each_path(const struct rules *r, void (*fn)(void *arg, const struct conf_item *item), void *arg)
{
	for (size_t i = 0; r->path_items && i < r->path_count; i++)
		fn(arg, &r->path_items[i]);
}
