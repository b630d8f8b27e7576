/* Loading: the files, then --set; every error of them all. */
#include "conf/conf.h"
#include "base/fd.h"
#include "base/text.h"
#include "conf/ini.h"
#include "conf/origins.h"
#include "conf/values.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#define ETC_DIR "/etc/rehost"
#define FILE_MAX (64u << 20)
#define DEFAULT_FILE "default"

struct loader {
	struct conf *c;
	struct conf_errors *errors;
	bool name_bad; /* the value that was given last */
	bool name_unsure; /* when none was given: an error may be what hides it */
};

/* Where an assignment stands. line 0: a --set. */
struct place {
	const char *file;
	unsigned line;
};

static PRINTF_LIKE(3, 4) void fail(struct loader *l, const struct place *at, const char *fmt, ...)
{
	AUTO_FREE char *message = NULL;
	AUTO_FREE char *where = at->line ? xasprintf("%s:%u", at->file, at->line) : xstrdup(at->file);
	va_list ap;

	va_start(ap, fmt);
	message = xvasprintf(fmt, ap);
	va_end(ap);
	conf_errors_add(l->errors, where, message);
	l->name_unsure = true;
}

static bool is_name(const struct conf_option *o)
{
	return str_eq(o->section, "job") && str_eq(o->key, "name");
}

static struct conf_origin *origin_of(struct loader *l, const struct conf_option *o)
{
	return &l->c->origins->at[conf_option_index(o)];
}

void conf_set_origin(struct conf_origin *origin, const char *text, const char *file, unsigned line)
{
	free(origin->text);
	free(origin->file);
	*origin = (struct conf_origin){text ? xstrdup(text) : NULL, file ? xstrdup(file) : NULL, line};
}

static void assign(
	struct loader *l, const struct conf_option *o, const char *value, const struct place *at, const char *item_file)
{
	struct conf_origin *origin = origin_of(l, o);
	AUTO_BUF why = BUF_INIT;
	bool unsure = l->name_unsure, good;

	/* What a file lists takes the place of the default; --set adds to what is in force. */
	if (conf_option_is_list(o) && !origin->file && at->line)
		conf_value_clear(l->c, o);
	good = conf_value_assign(l->c, o, value, item_file, at->line, &why);
	if (!good)
		fail(l, at, "bad value for '%s' in [%s]: %s", o->key, o->section, buf_cstr(&why));
	l->name_unsure = unsure; /* a known key hides no other */
	l->name_bad = is_name(o) ? !good : l->name_bad;
	/* A bad value counts as given too: a second one is then told to be the second. */
	conf_set_origin(origin, conf_option_is_list(o) ? NULL : value, item_file, at->line);
}

static void assign_from_file(
	struct loader *l, const char *section, const char *key, const char *value, const struct place *at)
{
	const struct conf_option *o = conf_option_find(section, key);
	const struct conf_origin *origin;
	bool unsure = l->name_unsure;
	AUTO_BUF hint = BUF_INIT;

	if (!o) {
		unsure = unsure || str_eq(section, "job") || str_eq(key, "name");
		conf_option_suggest(&hint, section, key);
		fail(l, at, "unknown key '%s' in [%s]%s", key, section, buf_cstr(&hint));
		l->name_unsure = unsure;
		return;
	}
	origin = origin_of(l, o);
	if (origin->file && !conf_option_is_list(o)) {
		fail(l, at, "'%s' in [%s] is given again, the first is at %s:%u", key, section, origin->file,
			origin->line);
		l->name_bad = l->name_bad || is_name(o);
		return;
	}
	assign(l, o, value, at, at->file);
}

static void load_text(struct loader *l, const char *file, const char *text, size_t n)
{
	AUTO_BUF name = BUF_INIT;
	AUTO_BUF value = BUF_INIT;
	AUTO_BUF section = BUF_INIT;
	bool inside = false, known = false;
	struct ini p;

	ini_init(&p, text, n);
	for (;;) {
		enum ini_kind kind = ini_next(&p, &name, &value);
		struct place at = {file, p.line};

		if (kind == INI_END)
			return;
		if (kind == INI_ERROR) {
			fail(l, &at, "%s", buf_cstr(&name));
		} else if (kind == INI_SECTION) {
			inside = true;
			known = conf_section_known(buf_cstr(&name));
			buf_clear(&section);
			buf_append(&section, name.data, name.len);
			if (!known) {
				AUTO_BUF hint = BUF_INIT;
				conf_section_suggest(&hint, buf_cstr(&section));
				fail(l, &at, "unknown section [%s]%s", buf_cstr(&section), buf_cstr(&hint));
			}
		} else if (!inside) {
			fail(l, &at, "'%s' stands before any [section]", buf_cstr(&name));
		} else if (known) {
			assign_from_file(l, buf_cstr(&section), buf_cstr(&name), buf_cstr(&value), &at);
		}
	}
}

/* missing_ok: the file is one of the defaults. */
static void load_file(struct loader *l, const char *file, bool missing_ok)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (fd_read_file(AT_FDCWD, file, FILE_MAX, &text, &n) < 0) {
		if (errno != ENOENT || !missing_ok)
			fail(l, &(struct place){file, 0}, "cannot open: %s", strerror(errno));
		return;
	}
	load_text(l, file, text, n);
}

static int is_conf_file(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && str_eq(e->d_name + n - 5, ".conf");
}

/* Byte order, whatever the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_directory(struct loader *l, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_conf_file, by_bytes);

	if (n < 0) {
		if (errno != ENOENT)
			fail(l, &(struct place){dir, 0}, "cannot read the directory: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *file = xasprintf("%s/%s", dir, entries[i]->d_name);
		load_file(l, file, false);
		free(entries[i]);
	}
	free(entries);
}

static void load_files(struct loader *l, const struct conf_sources *from)
{
	const char *etc = from->etc_dir ? from->etc_dir : ETC_DIR;
	AUTO_FREE char *file = xasprintf("%s/rehost.conf", etc);
	AUTO_FREE char *dir = xasprintf("%s/conf.d", etc);

	if (from->path) {
		load_file(l, from->path, false);
		return;
	}
	load_file(l, file, true);
	load_directory(l, dir);
}

/* "SECTION.KEY=VALUE" */
static void apply_set(struct loader *l, const char *set)
{
	AUTO_FREE char *label = xasprintf("--set %s", set);
	struct place at = {label, 0};
	const char *eq = strchr(set, '=');
	const char *dot = eq ? memchr(set, '.', (size_t)(eq - set)) : NULL;
	AUTO_FREE char *section = dot ? xmemdup(set, (size_t)(dot - set)) : NULL;
	AUTO_FREE char *key = dot ? xmemdup(dot + 1, (size_t)(eq - dot - 1)) : NULL;
	const struct conf_option *o;
	AUTO_BUF hint = BUF_INIT;
	AUTO_BUF value = BUF_INIT;

	if (!dot) {
		fail(l, &at, "not SECTION.KEY=VALUE");
		return;
	}
	if (strchr(eq, '\n')) {
		fail(l, &at, "a value holds no line break");
		return;
	}
	if (!conf_section_known(section)) {
		conf_section_suggest(&hint, section);
		fail(l, &at, "unknown section [%s]%s", section, buf_cstr(&hint));
		return;
	}
	o = conf_option_find(section, key);
	if (!o) {
		conf_option_suggest(&hint, section, key);
		fail(l, &at, "unknown key '%s' in [%s]%s", key, section, buf_cstr(&hint));
		return;
	}
	ini_trim(&value, eq + 1);
	assign(l, o, buf_cstr(&value), &at, "--set");
}

struct conf *conf_new(void)
{
	struct conf *c = xcalloc(1, sizeof(*c));
	size_t n = conf_option_count();

	c->origins = xcalloc(1, sizeof(*c->origins) + n * sizeof(c->origins->at[0]));
	c->origins->count = n;
	c->rules.max_delete = -1;
	for (size_t i = 0; i < n; i++) {
		const struct conf_option *o = conf_option_at(i);
		AUTO_BUF why = BUF_INIT;

		if (o->default_value)
			conf_value_assign(c, o, o->default_value, DEFAULT_FILE, 0, &why);
	}
	return c;
}

/* A port that stands in the address as well as in 'port': the same, or one of them comes by --set and holds. */
static bool port_holds(struct loader *l, const struct conf_origin *address, const struct conf_origin *port,
	const struct conf_address *parts)
{
	struct place at = {port->file, port->line};

	if (!port->file || parts->port == l->c->target.port)
		return true;
	if (!port->line != !address->line)
		return !address->line;
	fail(l, &at, "bad value for 'port' in [target]: %u, where 'address' says %u", l->c->target.port, parts->port);
	return false;
}

/* User and port of the address go where everybody looks for them; 'user' goes before the address. */
static void spread_address(struct loader *l)
{
	struct conf *c = l->c;
	struct conf_origin *address = origin_of(l, conf_option_find("target", "address"));
	struct conf_origin *user = origin_of(l, conf_option_find("target", "user"));
	struct conf_origin *port = origin_of(l, conf_option_find("target", "port"));
	AUTO_FREE char *whole = STEAL(c->target.address);
	struct conf_address parts;
	const char *why;

	if (!whole || !conf_address_split(whole, &parts, &why))
		return;
	c->target.address = xmemdup(parts.host, parts.host_len);
	if (parts.user_len && !c->target.user) {
		c->target.user = xmemdup(whole, parts.user_len);
		conf_set_origin(user, c->target.user, address->file, address->line);
	}
	if (parts.port && port_holds(l, address, port, &parts)) {
		AUTO_FREE char *text = xasprintf("%u", parts.port);

		c->target.port = parts.port;
		conf_set_origin(port, text, address->file, address->line);
	}
	free(address->text);
	address->text = xstrdup(c->target.address);
}

/* What is told by more than one field. */
static struct conf *finish(struct loader *l, bool no_files, bool only_name, const char *const *sets, size_t set_count)
{
	unsigned in_files = l->errors->count;

	for (size_t i = 0; i < set_count; i++)
		apply_set(l, sets[i]);
	l->c->rules.delete_set = origin_of(l, conf_option_find("rules", "delete"))->file != NULL;
	/* DST says it itself otherwise, and must not inherit a port. */
	if (!no_files)
		spread_address(l);
	if (l->errors->count == 0)
		return l->c;
	/* Mistakes in --set are always those of whoever typed them. */
	if (only_name && l->errors->count == in_files && !l->name_bad && (l->c->job.name || !l->name_unsure))
		return l->c;
	conf_free(l->c);
	return NULL;
}

struct conf *conf_load(const struct conf_sources *from, struct conf_errors *out_errors)
{
	struct loader l = {.c = conf_new(), .errors = out_errors};

	if (!from->no_files)
		load_files(&l, from);
	return finish(&l, from->no_files, from->only_name, from->sets, from->set_count);
}

struct conf *conf_load_text(const char *text, size_t n, const char *name, const char *const *sets, size_t set_count,
	struct conf_errors *out_errors)
{
	struct loader l = {.c = conf_new(), .errors = out_errors};

	load_text(&l, name, text, n);
	return finish(&l, false, false, sets, set_count);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->origins->count; i++) {
		conf_value_release(c, conf_option_at(i));
		free(c->origins->at[i].text);
		free(c->origins->at[i].file);
	}
	conf_list_clear(&c->rules.filters);
	free(c->origins);
	free(c);
}

void conf_errors_release(struct conf_errors *e)
{
	buf_release(&e->text);
	e->count = 0;
}

void conf_errors_add(struct conf_errors *e, const char *at, const char *message)
{
	text_escape(&e->text, at, strlen(at));
	buf_append_str(&e->text, ": ");
	text_escape(&e->text, message, strlen(message));
	buf_append_u8(&e->text, '\n');
	e->count++;
}

void conf_errors_diag(const struct conf_errors *e, struct diag *d)
{
	diag_set(d, DIAG_CONF_INVALID, 0, NULL, "%u error%s in the configuration", e->count, e->count == 1 ? "" : "s");
}
