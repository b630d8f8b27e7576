/* Making a set from the configuration. */
#include "rules/filter.h"

#include <stdio.h>

struct rules *rules_alloc(const char *root, const char *target_root)
{
	struct rules *r = xcalloc(1, sizeof(*r));

	r->root = xstrdup(root);
	r->target_root = xstrdup(target_root);
	paths_init(&r->tree);
	return r;
}

static void item_release(struct conf_item *item)
{
	free(item->value);
	free(item->file);
}

void rules_clear_patterns(struct rules *r)
{
	for (size_t i = 0; i < r->pattern_count; i++) {
		pattern_release(&r->patterns[i]);
		if (r->pattern_items)
			item_release(&r->pattern_items[i]);
	}
	r->pattern_count = 0;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	rules_clear_patterns(r);
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

	grow(r->pattern_count, &r->pattern_cap, &patterns, sizeof(*r->patterns), &r->pattern_items, item != NULL);
	r->patterns = patterns;
	if (item)
		r->pattern_items[r->pattern_count] = item_copy(item);
	pattern_init(&r->patterns[r->pattern_count++], text, n, flags);
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

/*
 * path as the configuration has it, absolute, against the root: the rest below the root ("" is the root itself), or
 * NULL when it lies elsewhere. A directory above the root, listed with what lies beneath it, is the root's contents.
 */
static const char *below_root(const char *path, const char *root, bool *out_above)
{
	size_t n = strlen(root);

	*out_above = false;
	path++;
	if (!n)
		return path;
	if (strncmp(path, root, n) == 0 && (path[n] == '/' || !path[n]))
		return path + n + (path[n] == '/');
	n = strlen(path);
	*out_above = !n || (strncmp(path, root, n) == 0 && root[n] == '/');
	return *out_above ? "" : NULL;
}

static bool add_list(struct rules *r, const struct conf_list *list, const char *name, uint8_t whole)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct conf_item *item = &list->items[i];
		AUTO_FREE char *path = xstrdup(item->value);
		size_t n = strlen(path);
		bool contents = n >= 2 && str_eq(path + n - 2, "/*");
		const char *rest;
		bool above;

		if (contents)
			path[n == 2 ? 1 : n - 2] = '\0';
		rest = below_root(path, r->root, &above);
		/* The root itself cannot be left out: what is meant is all that it holds. */
		if (rest && !*rest)
			contents = true;
		if (!rules_add_path(r, rest ? rest : "", contents ? whole << 1 : whole, !rest, name, item))
			return false;
	}
	return true;
}

static bool too_large(struct diag *d)
{
	diag_set(d, DIAG_RULES_TOO_LARGE, 0, NULL, "the rules are too many or too long");
	return false;
}

static bool add_lists(struct rules *r, const struct conf *c, enum rules_phase phase)
{
	if (!add_list(r, &c->rules.exclude, "exclude", PATHS_EXCLUDE))
		return false;
	if (phase == RULES_COPY)
		return add_list(r, &c->rules.copy_exclude, "copy_exclude", PATHS_EXCLUDE);
	return add_list(r, &c->rules.sync_exclude, "sync_exclude", PATHS_EXCLUDE) &&
		add_list(r, &c->rules.sync_only, "sync_only", PATHS_ONLY);
}

bool rules_new(const struct conf *c, enum rules_phase phase, struct rules **out, struct diag *d)
{
	AUTO_FREE char *root = NULL;
	AUTO_FREE char *target_root = NULL;
	const char *why = "";
	struct rules *r;

	if (!conf_normalize_path(c->source.root, &root, &why)) {
		diag_set(d, DIAG_INTERNAL, 0, NULL, "the source root '%s' %s", c->source.root, why);
		return false;
	}
	/* Below the login's home only the target knows its root: then the source's stands for it, which protects more. */
	if (!c->target.root || !conf_normalize_path(c->target.root, &target_root, &why))
		target_root = xstrdup(root);
	r = rules_alloc(root + 1, target_root + 1);
	if (!add_lists(r, c, phase)) {
		too_large(d);
		goto fail;
	}
	for (size_t i = 0; i < c->rules.filters.len; i++)
		if (!filter_add(r, &c->rules.filters.items[i], 0, d))
			goto fail;
	if (rules_packed_size(r) > RULES_PACK_MAX) {
		too_large(d);
		goto fail;
	}
	rules_index(r);
	*out = r;
	return true;
fail:
	rules_free(r);
	return false;
}

void rules_each_path(const struct rules *r, void (*fn)(void *arg, const struct conf_item *item), void *arg)
{
	for (size_t i = 0; r->path_items && i < r->path_count; i++)
		fn(arg, &r->path_items[i]);
}
