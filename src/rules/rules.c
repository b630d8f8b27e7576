/* Making a set from the configuration. */
#include "rules/filter.h"

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

static bool outside_root(const struct conf_item *item, const char *mount, struct conf_errors *errors, struct diag *d)
{
	AUTO_FREE char *at = item->line ? xasprintf("%s:%u", item->file, item->line) : xstrdup(item->file);
	AUTO_FREE char *message = xasprintf("'%s' of filter_file is not the source root nor below it", mount);

	if (errors)
		conf_errors_add(errors, at, message);
	else
		diag_set(d, DIAG_RULES_FILTER, 0, NULL, "%s: %s", at, message);
	return false;
}

/* errors: see filter_add_file(). */
static bool add_filter_files(struct rules *r, const struct conf *c, struct conf_errors *errors, struct diag *d)
{
	for (size_t i = 0; i < c->rules.filter_files.len; i++) {
		const struct conf_item *item = &c->rules.filter_files.items[i];
		AUTO_FREE char *mount = NULL;
		const char *file = conf_filter_file(item->value, &mount), *rest;
		bool above = false, ok;

		rest = mount ? below_root(mount, r->root, &above) : "";
		if (!rest || above)
			ok = outside_root(item, mount, errors, d);
		else if (!rules_set_mount(r, rest))
			return too_large(d);
		else
			ok = filter_add_file(r, file, item, errors, d);
		if (!ok && !errors)
			return false;
	}
	rules_set_mount(r, "");
	return true;
}

bool rules_check_files(const struct conf *c, struct conf_errors *out_errors, struct diag *d)
{
	AUTO_FREE char *root = NULL;
	const char *why = "";
	struct rules *r;
	bool ok;

	if (!conf_normalize_path(c->source.root, &root, &why))
		return true;
	r = rules_alloc(root + 1, "");
	ok = add_filter_files(r, c, out_errors, d);
	rules_free(r);
	return ok;
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
	if (!add_filter_files(r, c, NULL, d))
		goto fail;
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
