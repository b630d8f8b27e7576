#include "cli/adhoc.h"
#include "cli/target_spec.h"
#include "rules/rules.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static void replace(char **where, char *value)
{
	free(*where);
	*where = value;
}

/* Absolute and free of links, so that one directory has one name. */
static bool set_source(struct conf *c, const char *source, struct usage_error *e)
{
	AUTO_FREE char *real = realpath(source, NULL);
	struct stat st;

	if (!real || stat(real, &st) < 0) {
		diag_set(&e->diag, DIAG_CLI_SOURCE, errno, NULL, "cannot use '%s' as source", source);
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		diag_set(&e->diag, DIAG_CLI_SOURCE, ENOTDIR, NULL, "cannot use '%s' as source", source);
		return false;
	}
	replace(&c->source.root, STEAL(real));
	return true;
}

static void set_target(struct conf *c, const struct target_spec *t)
{
	if (t->local)
		replace(&c->target.address, xstrdup("local:"));
	else if (strchr(t->host, ':'))
		replace(&c->target.address, xasprintf("[%s]", t->host));
	else
		replace(&c->target.address, xstrdup(t->host));
	if (t->user)
		replace(&c->target.user, xstrdup(t->user));
	if (t->port)
		c->target.port = t->port;
	replace(&c->target.root, xstrdup(t->dir));
}

/* The name must stay the same for the same SRC and DST in all versions: state is found by it. */
static char *job_name(const char *source, const struct target_spec *t)
{
	AUTO_BUF b = BUF_INIT;

	buf_append_str(&b, source);
	buf_append_u8(&b, 0);
	target_spec_format(&b, t);
	return xasprintf("adhoc-%016llx", (unsigned long long)XXH64(b.data, b.len, 0));
}

static bool add_filters(struct conf *c, const struct options *o, struct diag *d)
{
	for (size_t i = 0; i < o->filter_count; i++) {
		const struct filter_arg *f = &o->filters[i];

		switch (f->id) {
		case OPT_FILTER:
			conf_add_filter(c, f->value, "--filter");
			break;
		case OPT_EXCLUDE_FROM:
		case OPT_INCLUDE_FROM:
			if (!rules_read_patterns(f->value, f->id == OPT_INCLUDE_FROM, c, d))
				return false;
			break;
		default:
			conf_add_pattern(
				c, f->value, f->id == OPT_INCLUDE, f->id == OPT_INCLUDE ? "--include" : "--exclude", 0);
		}
	}
	return true;
}

/* Deletion only when asked for. --set rules.delete=after says when, not whether. */
static void set_delete(struct conf *c, bool wanted)
{
	if (!wanted)
		c->rules.delete_when = CONF_DELETE_NO;
	else if (!c->rules.delete_set || c->rules.delete_when == CONF_DELETE_NO)
		c->rules.delete_when = CONF_DELETE_DURING;
}

bool adhoc_apply(struct work *w, const char *source, const char *target, struct usage_error *e)
{
	struct conf *c = w->conf;
	struct target_spec spec;
	bool ok = false;

	if (target_spec_parse(target, &spec, &e->diag, &e->hint) && set_source(c, source, e) &&
		add_filters(c, w->o, &e->diag)) {
		set_target(c, &spec);
		set_delete(c, w->o->given[OPT_DELETE]);
		w->job.name = c->job.name ? xstrdup(c->job.name) : job_name(c->source.root, &spec);
		ok = true;
	}
	target_spec_release(&spec);
	return ok;
}
