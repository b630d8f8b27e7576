/* rsync_excludes_linux.txt, and those of single disks. */
#include "import/job.h"
#include "import/lines.h"

#include <stdlib.h>

/* Does the order of its lines count? */
static bool has_order(const struct import_file *f)
{
	AUTO_BUF line = BUF_INIT;
	struct lines l;

	lines_init(&l, f->text, f->len);
	while (lines_next(&l, &line)) {
		const char *s = buf_cstr(&line);

		if (str_eq(s, "!") || ((*s == '+' || *s == '-') && s[1] == ' '))
			return true;
	}
	return false;
}

static void put_rule(struct import_job *j, const struct import_at *at, const char *mount, const char *s)
{
	AUTO_FREE char *rule =
		str_eq(s, "!") || ((*s == '+' || *s == '-') && s[1] == ' ') ? xstrdup(s) : xasprintf("- %s", s);

	import_rule(j, at, mount, rule);
}

/* The mount that the file's name says; NULL with d set. */
static const char *mount_of(const struct import_job *j, const struct import_file *f, struct diag *d)
{
	const char *number = strstr(f->name, "_disk");
	struct import_at at = {f->name, 1};
	size_t index = number ? strtoul(number + 5, NULL, 10) : 0;

	if (!index)
		return "/";
	for (size_t i = 0; i < j->disk_count; i++)
		if (j->disks[i].index == index)
			return j->disks[i].path;
	import_malformed(&at,
		j->has_config ? "no disk of this number has a directory in user_config.json"
			      : "give user_config.json as well: it says which directory is on this disk",
		d);
	return NULL;
}

bool import_excludes(struct import_job *j, const struct import_file *f, struct diag *d)
{
	const char *mount = mount_of(j, f, d);
	bool ordered = has_order(f);
	struct import_at at = {f->name, 0};
	AUTO_BUF line = BUF_INIT;
	struct lines l;

	if (!mount)
		return false;
	lines_init(&l, f->text, f->len);
	while (lines_next(&l, &line)) {
		const char *s = buf_cstr(&line);
		size_t n = strlen(mount);

		at.line = l.line;
		if (!*s || *s == '#' || *s == ';')
			continue;
		/* Some write what is on a disk with its directory. */
		if (n > 1 && strncmp(s, mount, n) == 0 && s[n] == '/')
			s += n;
		if (ordered)
			put_rule(j, &at, mount, s);
		else
			import_exclude(j, &at, mount, s);
	}
	return true;
}
