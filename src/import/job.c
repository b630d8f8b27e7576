#include "import/job.h"
#include "base/text.h"
#include "conf/conf.h"
#include "conf/ini.h"

#include <stdarg.h>
#include <stdio.h>

#define NAME_SHOWN 80

void import_job_release(struct import_job *j)
{
	for (size_t i = 0; i < j->count; i++) {
		free(j->settings[i].section);
		free(j->settings[i].key);
		free(j->settings[i].value);
	}
	for (size_t i = 0; i < j->filter_count; i++) {
		free(j->filters[i].mount);
		buf_release(&j->filters[i].rules);
	}
	for (size_t i = 0; i < j->mount_count; i++)
		free(j->mounts[i]);
	for (size_t i = 0; i < j->disk_count; i++)
		free(j->disks[i].path);
	free(j->settings);
	free(j->filters);
	free(j->mounts);
	buf_release(&j->remarks);
}

bool import_malformed(const struct import_at *at, const char *why, struct diag *d)
{
	diag_set(d, DIAG_IMPORT_MALFORMED, 0, at->file, "%s:%u: %s", at->file, at->line, why);
	return false;
}

void import_remark(struct import_job *j, const struct import_at *at, const char *what, const char *fmt, ...)
{
	AUTO_FREE char *why = NULL;
	size_t n = strlen(what);
	va_list ap;

	va_start(ap, fmt);
	why = xvasprintf(fmt, ap);
	va_end(ap);
	buf_append_str(&j->remarks, "# ");
	text_escape(&j->remarks, at->file, strlen(at->file));
	buf_printf(&j->remarks, ":%u: ", at->line);
	text_escape(&j->remarks, what, n < NAME_SHOWN ? n : NAME_SHOWN);
	buf_append_str(&j->remarks, ": ");
	text_escape(&j->remarks, why, strlen(why));
	buf_append_u8(&j->remarks, '\n');
}

/* Does this version have the key, with such a value? */
static bool is_accepted(const char *key, const char *value)
{
	AUTO_FREE char *set = xasprintf("%s=%s", key, value);
	const char *const sets[] = {set};
	struct conf_sources from = {.no_files = true, .sets = sets, .set_count = 1};
	struct conf_errors errors = {0};
	struct conf *c = conf_load(&from, &errors);
	bool good = c != NULL;

	conf_free(c);
	conf_errors_release(&errors);
	return good;
}

static bool is_list(const char *key)
{
	static const char *const lists[] = {"rules.exclude", "rules.copy_exclude", "rules.sync_exclude",
		"source.mounts", "target.identity", "check.threshold", "source.filesystems"};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (str_eq(lists[i], key))
			return true;
	return false;
}

static void put_setting(struct import_job *j, const char *key, const char *value)
{
	size_t section = strcspn(key, ".");
	struct import_setting s = {xmemdup(key, section), xstrdup(key + section + 1), xstrdup(value)};

	for (size_t i = 0; i < j->count; i++) {
		struct import_setting *old = &j->settings[i];
		bool same = str_eq(old->section, s.section) && str_eq(old->key, s.key);

		if (!same || (is_list(key) && !str_eq(old->value, s.value)))
			continue;
		free(old->value);
		old->value = s.value;
		free(s.section);
		free(s.key);
		return;
	}
	/* As in lists.c of conf: a power of two. */
	if ((j->count & (j->count - 1)) == 0)
		j->settings = xrealloc(j->settings, (j->count ? j->count * 2 : 1) * sizeof(s));
	j->settings[j->count++] = s;
}

void import_set(struct import_job *j, const struct import_at *at, const char *key, const char *value)
{
	size_t n = strlen(value);
	AUTO_BUF quoted = BUF_INIT;

	if (is_list(key) && *value == '/')
		ini_list_quote(&quoted, value);
	else
		buf_append_str(&quoted, value);
	/* A blank at the end would be lost; a path may well end in a slash. */
	if (n && *value == '/' && strchr(" \t\r\v\f", value[n - 1]))
		buf_append_u8(&quoted, '/');
	if (strpbrk(value, "\r\n"))
		import_remark(j, at, key, "a value of it would hold a line break, which no configuration can");
	else if (is_accepted(key, buf_cstr(&quoted)))
		put_setting(j, key, buf_cstr(&quoted));
	else
		import_remark(j, at, key, "would be '%s', which this version does not take", value);
}

void import_set_fmt(struct import_job *j, const struct import_at *at, const char *key, const char *fmt, ...)
{
	AUTO_FREE char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	import_set(j, at, key, value);
}

void import_mount(struct import_job *j, const char *path)
{
	j->mounts = xrealloc(j->mounts, (j->mount_count + 1) * sizeof(*j->mounts));
	j->mounts[j->mount_count++] = xstrdup(path);
}

/* ---- exclusions ---- */

bool import_is_pseudo(const char *pattern)
{
	static const char *const trees[] = {"/proc", "/sys", "/dev", "/var/lib/lxcfs", "/var/lib/ntp/proc"};

	for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
		size_t n = strlen(trees[i]);

		if (strncmp(pattern, trees[i], n) == 0 &&
			(!pattern[n] || str_eq(pattern + n, "/") || str_eq(pattern + n, "/*")))
			return true;
	}
	return false;
}

bool import_is_path(const char *pattern)
{
	size_t n = strlen(pattern);

	if (*pattern != '/')
		return false;
	if (n >= 2 && str_eq(pattern + n - 2, "/*"))
		n -= 2;
	return n && strcspn(pattern, "*?[\\") >= n;
}

/* Does a file system that is to be copied lie at the path or below it? */
static bool holds_mount(const struct import_job *j, const char *path)
{
	size_t n = strlen(path);

	if (n >= 2 && str_eq(path + n - 2, "/*"))
		n -= 2;
	for (size_t i = 0; i < j->mount_count; i++)
		if (strncmp(j->mounts[i], path, n) == 0 && (j->mounts[i][n] == '/' || !j->mounts[i][n]))
			return true;
	return false;
}

void import_rule(struct import_job *j, const struct import_at *at, const char *mount, const char *rule)
{
	struct import_filter *f = NULL;

	if (strpbrk(rule, "\r\n")) {
		import_remark(j, at, "a pattern", "it holds a line break, which no file of rules can");
		return;
	}
	for (size_t i = 0; i < j->filter_count && !f; i++)
		if (str_eq(j->filters[i].mount, mount))
			f = &j->filters[i];
	if (!f) {
		j->filters = xrealloc(j->filters, (j->filter_count + 1) * sizeof(*f));
		f = &j->filters[j->filter_count++];
		*f = (struct import_filter){.mount = xstrdup(mount)};
	}
	buf_printf(&f->rules, "%s\n", rule);
}

void import_exclude(struct import_job *j, const struct import_at *at, const char *mount, const char *pattern)
{
	const char *base = str_eq(mount, "/") ? "" : mount;
	AUTO_FREE char *path = xasprintf("%s%s", base, pattern);
	size_t n = strlen(path);

	if (!*base && import_is_pseudo(pattern))
		return;
	if (import_is_path(pattern)) {
		if (n > 1 && path[n - 1] == '/')
			path[n - 1] = '\0';
		if (!holds_mount(j, path)) {
			import_set(j, at, "rules.exclude", path);
			return;
		}
	}
	AUTO_FREE char *rule = xasprintf("- %s", pattern);
	import_rule(j, at, mount, rule);
}

/* ---- the text ---- */

static bool has_setting(const struct import_job *j, const char *section, const char *key)
{
	for (size_t i = 0; i < j->count; i++)
		if (str_eq(j->settings[i].section, section) && str_eq(j->settings[i].key, key))
			return true;
	return false;
}

static void print_filters(const struct import_job *j, struct buf *out)
{
	if (j->filter_count)
		buf_append_str(out,
			"# Put these rules into files, one each, write its name for FILE, and take the '#' away:\n");
	for (size_t i = 0; i < j->filter_count; i++) {
		AUTO_FREE char *copy = xmemdup(j->filters[i].rules.data, j->filters[i].rules.len);
		char *save = NULL;

		buf_append_str(out, "#filter_file = ");
		text_escape(out, j->filters[i].mount, strlen(j->filters[i].mount));
		buf_append_str(out, "=FILE\n");
		for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			buf_printf(out, "#     %s\n", line);
	}
}

static void print_rules_notes(const struct import_job *j, struct buf *out)
{
	print_filters(j, out);
	if (has_setting(j, "rules", "exclude"))
		buf_append_str(out,
			"# 'exclude' goes through all file systems, theirs was of one alone: is one that you want "
			"mounted below?\n");
}

struct printing {
	const struct import_job *j;
	struct buf *out;
	const char *section; /* the last */
};

/* One key of our table: its settings, and what only the user knows. */
static void print_key(
	void *arg, const char *section, const char *key, const char *form, const char *fallback, const char *help)
{
	struct printing *p = arg;

	if (!str_eq(p->section, section)) {
		buf_printf(p->out, "\n[%s]\n", section);
		p->section = section;
		if (str_eq(section, "rules"))
			print_rules_notes(p->j, p->out);
	}
	for (size_t i = 0; i < p->j->count; i++)
		if (str_eq(p->j->settings[i].section, section) && str_eq(p->j->settings[i].key, key))
			buf_printf(p->out, "%s = %s\n", key, p->j->settings[i].value);
	if (str_eq(section, "target") && (str_eq(key, "address") || str_eq(key, "root")) &&
		!has_setting(p->j, section, key))
		buf_printf(p->out, "# %s =\n", key);
}

void import_print(struct import_job *j, struct buf *out)
{
	struct printing p = {j, out, ""};

	buf_append(out, j->remarks.data, j->remarks.len);
	conf_each_option(print_key, &p);
}
