/* Which names are this session's business: not rehost's own, not other units', not those that rules protect. */
#include "receiver/root.h"
#include "receiver/scope.h"
#include "receiver/state.h"

bool scope_hide(struct session *s, const struct bytes *records)
{
	struct rd r = rd_init(records->p, records->len);

	while (rd_left(&r)) {
		char *path = rd_path(&r, WIRE_PATH_MAX);

		if (!path || s->scope.hidden_n == SCOPE_HIDDEN_MAX) {
			free(path);
			return false;
		}
		s->scope.hidden = xrealloc(s->scope.hidden, (s->scope.hidden_n + 1) * sizeof(*s->scope.hidden));
		s->scope.hidden[s->scope.hidden_n++] = path;
	}
	return true;
}

void scope_release(struct scope *scope)
{
	for (size_t i = 0; i < scope->hidden_n; i++)
		free(scope->hidden[i]);
	free(scope->hidden);
	rules_free(scope->rules);
}

bool scope_reserved(const struct place *at, const char *name)
{
	return !*at->dst && str_eq(name, TMP_DIR);
}

bool scope_hidden(const struct session *s, const char *dst, const char *name)
{
	const size_t n = strlen(dst);

	for (size_t i = 0; i < s->scope.hidden_n; i++) {
		const char *h = s->scope.hidden[i];
		if (strncmp(h, dst, n) == 0 && (!n || h[n] == '/') && str_eq(h + n + (n > 0), name))
			return true;
	}
	return false;
}

bool scope_protected(const struct session *s, const char *src, const char *name, bool is_dir)
{
	struct rules_verdict v;

	if (!s->scope.has_rules)
		return false;
	rules_match(s->scope.rules, src, name, is_dir, &v);
	return v.protect;
}

bool scope_passage(const struct session *s, const char *src, const char *name)
{
	struct rules_verdict v;

	if (!s->scope.has_rules)
		return false;
	rules_match(s->scope.rules, src, name, true, &v);
	return v.passage;
}

bool scope_protected_dying(const struct session *s, const char *src, const char *name, bool is_dir)
{
	return s->scope.has_rules && rules_protect_dying(s->scope.rules, src, name, is_dir);
}

/* Neither compared nor deleted. */
bool scope_invisible(const struct session *s, const struct place *at, const char *name, bool is_dir)
{
	struct rules_verdict v;

	if (scope_reserved(at, name) || (s->scope.hidden_n && scope_hidden(s, at->dst, name)))
		return true;
	if (!s->scope.has_rules)
		return false;
	rules_match(s->scope.rules, at->src, name, is_dir, &v);
	return v.hide && v.protect;
}
