/* What may change while a job runs. */
#include "conf/change.h"
#include "base/text.h"
#include "conf/ini.h"
#include "conf/origins.h"
#include "conf/values.h"

static const char *text_of(const struct conf *c, const struct conf_option *o)
{
	const struct conf_origin *origin = &c->origins->at[conf_option_index(o)];

	return origin->text ? origin->text : o->default_value;
}

/* Of scalars, which have a default: that is what may change. It was accepted once, so it is again. */
static void take(struct conf *c, const struct conf *from, const struct conf_option *o)
{
	size_t i = conf_option_index(o);
	const struct conf_origin *origin = &from->origins->at[i];
	AUTO_BUF why = BUF_INIT;

	if (!str_eq(text_of(c, o), text_of(from, o)))
		conf_value_assign(c, o, text_of(from, o), "", 0, &why);
	conf_set_origin(&c->origins->at[i], origin->text, origin->file, origin->line);
}

static void take_all(struct conf *c, const struct conf *from, enum conf_change least)
{
	for (size_t i = 0; i < conf_option_count(); i++)
		if (conf_option_at(i)->change >= least)
			take(c, from, conf_option_at(i));
}

void conf_take_limits(struct conf *c, const struct conf *from)
{
	take_all(c, from, CONF_CHANGE_LIMIT);
}

void conf_each_limit(const struct conf *c, void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	for (size_t i = 0; i < conf_option_count(); i++) {
		const struct conf_option *o = conf_option_at(i);

		if (o->change == CONF_CHANGE_LIMIT)
			fn(arg, o->key, text_of(c, o));
	}
}

static const struct conf_option *find_limit(const char *name)
{
	for (size_t i = 0; i < conf_option_count(); i++)
		if (conf_option_at(i)->change == CONF_CHANGE_LIMIT && str_eq(conf_option_at(i)->key, name))
			return conf_option_at(i);
	return NULL;
}

static void unknown_limit(const char *name, struct buf *out_why)
{
	AUTO_FREE const char **names = xcalloc(conf_option_count(), sizeof(*names));
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < conf_option_count(); i++)
		if (conf_option_at(i)->change == CONF_CHANGE_LIMIT)
			names[n++] = conf_option_at(i)->key;
	near = text_nearest(name, names, n);
	buf_append_u8(out_why, '\'');
	text_escape(out_why, name, strlen(name));
	buf_append_str(out_why, "' is no limit that can be changed");
	if (near)
		buf_printf(out_why, ", did you mean '%s'?", near);
	buf_append_u8(out_why, '\n');
}

/* False with a line in out_why. */
static bool change(struct conf *c, const char *name, const char *value, struct buf *out_why)
{
	const struct conf_option *o = find_limit(name);
	AUTO_BUF trimmed = BUF_INIT;
	AUTO_BUF why = BUF_INIT;

	if (!o) {
		unknown_limit(name, out_why);
		return false;
	}
	ini_trim(&trimmed, value);
	if (strchr(value, '\n') || !conf_value_assign(c, o, buf_cstr(&trimmed), "", 0, &why)) {
		buf_printf(out_why, "bad value for '%s': ", name);
		text_escape(out_why, buf_cstr(&why), why.len);
		buf_append_str(out_why, why.len ? "\n" : "it holds a line break\n");
		return false;
	}
	conf_set_origin(&c->origins->at[conf_option_index(o)], buf_cstr(&trimmed), "rehost limits", 0);
	return true;
}

struct conf *conf_change_limits(
	const struct conf *c, const char *const *names, const char *const *values, size_t n, struct buf *out_why)
{
	struct conf *new = conf_new();
	bool ok = true;

	new->limits = c->limits; /* what keeps them, too */
	conf_take_limits(new, c);
	for (size_t i = 0; i < n; i++)
		ok = change(new, names[i], values[i], out_why) && ok;
	if (ok)
		return new;
	conf_free(new);
	return NULL;
}

void conf_take_reloaded(struct conf *c, const struct conf *from, struct buf *out_changed, struct buf *out_kept)
{
	for (size_t i = 0; i < conf_option_count(); i++) {
		const struct conf_option *o = conf_option_at(i);
		AUTO_BUF old = BUF_INIT;
		AUTO_BUF new = BUF_INIT;

		conf_print_option(c, o, &old);
		conf_print_option(from, o, &new);
		if (str_eq(buf_cstr(&old), buf_cstr(&new)))
			continue;
		if (o->change)
			buf_printf(out_changed, "%s.%s", o->section, buf_cstr(&new));
		else
			buf_printf(out_kept, "%s.%s\n", o->section, o->key);
	}
	take_all(c, from, CONF_CHANGE_RELOAD);
}
