/* Which names are this session's business: not rehost's own, not other units', not those that rules protect. */
#include "base/ownname.h"
#include "receiver/scope.h"
#include "receiver/state.h"

void scope_release(struct scope *scope)
{
	path_set_release(&scope->hidden);
	path_set_release(&scope->kept);
	rules_free(scope->rules);
}

bool scope_reserved(const struct place *at, const char *name)
{
	return own_name_is(name, at->ino);
}

bool scope_lost_found(const struct place *at, const char *name, bool is_dir)
{
	return is_dir && name_is_lost_found(name, at->ino);
}

bool scope_hidden(const struct session *s, const char *dst, const char *name)
{
	return path_set_has(&s->scope.hidden, dst, name);
}

bool scope_kept(const struct session *s, const char *dst, const char *name)
{
	return path_set_has(&s->scope.kept, dst, name);
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

bool scope_foreign(const struct session *s, const struct place *at, const char *name)
{
	return scope_reserved(at, name) || scope_hidden(s, at->dst, name);
}

bool scope_invisible(const struct session *s, const struct place *at, const char *name, bool is_dir)
{
	struct rules_verdict v;

	if (!s->scope.has_rules)
		return false;
	rules_match(s->scope.rules, at->src, name, is_dir, &v);
	return v.hide && v.protect;
}
