/* Asking a set. */
#include "base/path.h"
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

/* Where in dir what lies beneath the mount begins, or NULL when dir is neither the mount nor beneath it. */
static const char *beneath_mount(const struct pattern *p, const char *dir)
{
	if (!p->mount_len)
		return dir;
	if (strncmp(dir, p->mount, p->mount_len) != 0)
		return NULL;
	dir += p->mount_len;
	return *dir == '/' ? dir + 1 : *dir ? NULL : dir;
}

/* The same of a pattern that is no absolute one: matched against what stands behind the mount. */
static bool matches_beneath(const struct pattern *p, struct pattern_subject *s, const char *rest)
{
	struct pattern_subject below = *s;

	below.dir = rest;
	below.dir_len = s->dir_len - (size_t)(rest - s->dir);
	return pattern_match(p, &below);
}

/* Which of the wanted sides a pattern decides: what is absolute is matched against each side's own path. */
static uint8_t decides(const struct rules *r, const struct pattern *p, struct pattern_subject *s, uint8_t wanted)
{
	uint8_t sides = p->flags & wanted;
	const char *rest = sides ? beneath_mount(p, s->dir) : NULL;

	if (!rest || (s->dying && p->flags & PATTERN_PERISHABLE))
		return 0;
	if (!(p->flags & PATTERN_ABSOLUTE))
		return matches_beneath(p, s, rest) ? sides : 0;
	s->root = r->root;
	s->root_len = strlen(s->root);
	if (sides & PATTERN_HIDE && !pattern_match(p, s))
		sides &= (uint8_t)~PATTERN_HIDE;
	s->root = r->target_root;
	s->root_len = strlen(s->root);
	if (sides & PATTERN_PROTECT && !pattern_match(p, s))
		sides &= (uint8_t)~PATTERN_PROTECT;
	return sides;
}

/* The first pattern that decides each side; NONE: none does. */
struct found {
	uint32_t hide, protect;
};

static void note(struct found *f, uint8_t sides, uint32_t i)
{
	if (sides & PATTERN_HIDE)
		f->hide = i;
	if (sides & PATTERN_PROTECT)
		f->protect = i;
}

/* The sides that a pattern at place i could still decide. */
static uint8_t open_sides(const struct found *f, uint32_t i)
{
	return (uint8_t)((i < f->hide ? PATTERN_HIDE : 0) | (i < f->protect ? PATTERN_PROTECT : 0));
}

static void find_patterns(const struct rules *r, struct pattern_subject *s, struct found *out)
{
	uint32_t i = r->chains[s->name_hash & (r->chain_count - 1)];

	*out = (struct found){NONE, NONE};
	for (; i != NONE && open_sides(out, i); i = r->patterns[i].next)
		if (r->patterns[i].last_hash == s->name_hash)
			note(out, decides(r, &r->patterns[i], s, open_sides(out, i)), i);
	/* Of the others those count that stand before what was found. */
	for (size_t k = 0; k < r->other_count && open_sides(out, r->others[k]); k++)
		note(out, decides(r, &r->patterns[r->others[k]], s, open_sides(out, r->others[k])), r->others[k]);
}

static bool excludes(const struct rules *r, uint32_t i)
{
	return i != NONE && !(r->patterns[i].flags & PATTERN_INCLUDE);
}

static void match_patterns(
	const struct rules *r, const char *dir, const char *name, bool is_dir, bool dying, struct rules_verdict *out)
{
	struct pattern_subject s = {
		.dir = dir,
		.dir_len = strlen(dir),
		.name = name,
		.name_len = strlen(name),
		.is_dir = is_dir,
		.dying = dying,
	};
	struct found f;
	uint32_t decided;

	s.name_hash = pattern_hash(name, s.name_len);
	find_patterns(r, &s, &f);
	out->hide = excludes(r, f.hide);
	out->protect = excludes(r, f.protect);
	/* Of two, the one that leaves something out is the one to name. */
	decided = f.hide != NONE && (out->hide || !out->protect) ? f.hide : f.protect;
	if (decided != NONE && r->pattern_items) {
		out->rule = &r->pattern_items[decided];
		out->list = "filter";
	}
}

/* Which path of sync_only to name when none of them holds the entry: the first; of a passage the first beneath it. */
static uint32_t first_only(const struct rules *r, const char *dir, const char *name, bool beneath)
{
	AUTO_FREE char *path = beneath ? path_join(dir, name) : NULL;
	const char *rest;

	for (uint32_t i = 0; i < r->path_count; i++)
		if (r->paths[i].kind & (PATHS_ONLY | PATHS_ONLY_CONTENTS) &&
			(!beneath || path_within(path, r->paths[i].path, &rest)))
			return i;
	return PATHS_NO_ITEM;
}

static void match(
	const struct rules *r, const char *dir, const char *name, bool is_dir, bool dying, struct rules_verdict *out)
{
	struct paths_answer a = {.item = PATHS_NO_ITEM};

	*out = (struct rules_verdict){0};
	if (!*name)
		return;
	if (r->path_count || r->only)
		paths_find(&r->tree, dir, name, is_dir, &a);
	out->passage = a.passage;
	if (!a.hidden && r->pattern_count)
		match_patterns(r, dir, name, is_dir, dying, out);
	if (a.hidden)
		out->hide = out->protect = true;
	if (out->rule || !r->path_items)
		return;
	if ((a.hidden || a.passage) && a.item == PATHS_NO_ITEM)
		a.item = first_only(r, dir, name, a.passage);
	if (a.item != PATHS_NO_ITEM) {
		out->rule = &r->path_items[a.item];
		out->list = r->paths[a.item].list;
	}
}

void rules_match(const struct rules *r, const char *dir, const char *name, bool is_dir, struct rules_verdict *out)
{
	match(r, dir, name, is_dir, false, out);
}

bool rules_protect_dying(const struct rules *r, const char *dir, const char *name, bool is_dir)
{
	struct rules_verdict v;

	match(r, dir, name, is_dir, true, &v);
	return v.protect;
}

bool rules_protect_beneath(const struct rules *r, const char *path)
{
	return paths_protect_beneath(&r->tree, path);
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
