/* Asking a set. */
#include "rules/set.h"

#define NONE UINT32_MAX

bool rules_empty(const struct rules *r)
{
	if (r->only || r->pattern_count)
		return false;
	for (size_t i = 0; i < r->path_count; i++)
		if (!r->paths[i].outside)
			return false;
	return true;
}

/* The first pattern that speaks of each side; NONE: none does. */
static void find_patterns(const struct rules *r, const struct pattern_subject *s, uint32_t *out_hide,
	uint32_t *out_protect)
{
	uint32_t hide = NONE, protect = NONE;

	for (uint32_t i = r->chains[s->name_hash & (r->chain_count - 1)]; i != NONE && (hide == NONE || protect == NONE);
		i = r->patterns[i].next) {
		const struct pattern *p = &r->patterns[i];

		if (p->last_hash != s->name_hash || !pattern_match(p, s))
			continue;
		if (p->flags & PATTERN_HIDE && hide == NONE)
			hide = i;
		if (p->flags & PATTERN_PROTECT && protect == NONE)
			protect = i;
	}
	/* Of the others those count that stand before what was found. */
	for (size_t k = 0; k < r->other_count; k++) {
		uint32_t i = r->others[k];
		const struct pattern *p = &r->patterns[i];
		bool may_hide = p->flags & PATTERN_HIDE && i < hide;
		bool may_protect = p->flags & PATTERN_PROTECT && i < protect;

		if (i > hide && i > protect)
			break;
		if ((!may_hide && !may_protect) || !pattern_match(p, s))
			continue;
		if (may_hide)
			hide = i;
		if (may_protect)
			protect = i;
	}
	*out_hide = hide;
	*out_protect = protect;
}

static bool excludes(const struct rules *r, uint32_t i)
{
	return i != NONE && !(r->patterns[i].flags & PATTERN_INCLUDE);
}

static void match_patterns(const struct rules *r, const char *dir, const char *name, bool is_dir,
	struct rules_verdict *out)
{
	struct pattern_subject s = {
		.root = r->root,
		.root_len = strlen(r->root),
		.dir = dir,
		.dir_len = strlen(dir),
		.name = name,
		.name_len = strlen(name),
		.is_dir = is_dir,
	};
	uint32_t hide, protect, decided;

	s.name_hash = pattern_hash(name, s.name_len);
	find_patterns(r, &s, &hide, &protect);
	out->hide = excludes(r, hide);
	out->protect = excludes(r, protect);
	/* Of two, the one that leaves something out is the one to name. */
	decided = hide != NONE && (out->hide || !out->protect) ? hide : protect;
	if (decided != NONE && r->pattern_items) {
		out->rule = &r->pattern_items[decided];
		out->list = "filter";
	}
}

/* Which path of sync_only to name when none of them holds the entry: the first. */
static uint32_t first_only(const struct rules *r)
{
	for (uint32_t i = 0; i < r->path_count; i++)
		if (r->paths[i].kind & (PATHS_ONLY | PATHS_ONLY_CONTENTS))
			return i;
	return PATHS_NO_ITEM;
}

void rules_match(const struct rules *r, const char *dir, const char *name, bool is_dir, struct rules_verdict *out)
{
	struct paths_answer a = {.item = PATHS_NO_ITEM};

	*out = (struct rules_verdict){0};
	if (!*name)
		return;
	if (r->path_count || r->only)
		paths_find(&r->tree, dir, name, is_dir, &a);
	out->passage = a.passage;
	if (!a.hidden && r->pattern_count)
		match_patterns(r, dir, name, is_dir, out);
	if (a.hidden)
		out->hide = out->protect = true;
	if (out->rule || !r->path_items)
		return;
	if ((a.hidden || a.passage) && a.item == PATHS_NO_ITEM)
		a.item = first_only(r);
	if (a.item != PATHS_NO_ITEM) {
		out->rule = &r->path_items[a.item];
		out->list = r->paths[a.item].list;
	}
}

void rules_match_path(const struct rules *r, const char *path, bool is_dir, struct rules_verdict *out)
{
	AUTO_FREE char *copy = xstrdup(path);
	char *name = copy;
	const char *dir = "";

	*out = (struct rules_verdict){0};
	for (char *slash = strchr(name, '/'); slash; slash = strchr(name, '/')) {
		*slash = '\0';
		rules_match(r, dir, name, true, out);
		if (out->hide)
			return;
		/* Let dir grow by this component: the slash before it comes back. */
		if (name > copy)
			name[-1] = '/';
		dir = copy;
		name = slash + 1;
	}
	rules_match(r, dir, name, is_dir, out);
}
