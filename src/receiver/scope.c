/* Which names are this session's business: not rehost's own, not other units', not those that rules protect. */
#include "receiver/private.h"

bool scope_hide(struct session *s, const struct bytes *records)
{
	struct rd r = rd_init(records->p, records->len);

	while (rd_left(&r)) {
		char *path = rd_path(&r, WIRE_PATH_MAX);

		if (!path || s->hidden_n == SCOPE_HIDDEN_MAX) {
			free(path);
			return false;
		}
		s->hidden = xrealloc(s->hidden, (s->hidden_n + 1) * sizeof(*s->hidden));
		s->hidden[s->hidden_n++] = path;
	}
	return true;
}

bool scope_reserved(const struct place *at, const char *name)
{
	return !*at->dst && str_eq(name, TMP_DIR);
}

bool scope_hidden(const struct session *s, const char *dst, const char *name)
{
	const size_t n = strlen(dst);

	for (size_t i = 0; i < s->hidden_n; i++) {
		const char *h = s->hidden[i];
		if (strncmp(h, dst, n) == 0 && (!n || h[n] == '/') && str_eq(h + n + (n > 0), name))
			return true;
	}
	return false;
}

bool scope_protected(const struct session *s, const char *src, const char *name, bool is_dir)
{
	struct rules_verdict v;

	if (!s->has_rules)
		return false;
	rules_match(s->rules, src, name, is_dir, &v);
	return v.protect;
}

bool scope_protected_dying(const struct session *s, const char *src, const char *name, bool is_dir)
{
	return s->has_rules && rules_protect_dying(s->rules, src, name, is_dir);
}

/* Neither compared nor deleted. */
bool scope_invisible(const struct session *s, const struct place *at, const char *name, bool is_dir)
{
	struct rules_verdict v;

	if (scope_reserved(at, name) || (s->hidden_n && scope_hidden(s, at->dst, name)))
		return true;
	if (!s->has_rules)
		return false;
	rules_match(s->rules, at->src, name, is_dir, &v);
	return v.hide && v.protect;
}
