/* import: the configuration of another service as one of ours. */
#include "cli/commands.h"
#include "cli/work.h"
#include "base/fd.h"
#include "import/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

struct import_texts {
	struct import_file *at;
	size_t count;
};

static bool unreadable(const char *name, struct diag *d)
{
	diag_set(d, DIAG_IMPORT_FILE, errno, name, "cannot read '%s'", name);
	return false;
}

static bool add_file(struct import_texts *t, const char *name, struct diag *d)
{
	struct import_file f = {0};

	if (fd_read_file(AT_FDCWD, str_eq(name, "-") ? "/dev/stdin" : name, IMPORT_FILE_MAX, &f.text, &f.len) < 0)
		return unreadable(name, d);
	f.name = xstrdup(name);
	t->at = xrealloc(t->at, (t->count + 1) * sizeof(f));
	t->at[t->count++] = f;
	return true;
}

static int is_list_of_exclusions(const struct dirent *e)
{
	return strncmp(e->d_name, "rsync_excludes_linux", 20) == 0;
}

/* Of a directory such as Excludes/ its lists. */
static bool add(struct import_texts *t, const char *name, struct diag *d)
{
	struct dirent **entries = NULL;
	int n = scandir(name, &entries, is_list_of_exclusions, alphasort);
	bool ok = true;

	if (n < 0)
		return errno == ENOTDIR || str_eq(name, "-") ? add_file(t, name, d) : unreadable(name, d);
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", name, entries[i]->d_name);

		ok = ok && add_file(t, path, d);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

static void release(struct import_texts *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free((char *)t->at[i].name);
		free(t->at[i].text);
	}
	free(t->at);
}

int cmd_import(const struct options *o)
{
	struct import_texts texts = {0};
	struct usage_error e = {0};
	AUTO_BUF out = BUF_INIT;
	bool ok = o->operand_count;
	int code = EXIT_DONE;

	if (!ok)
		usage_set(&e, DIAG_CLI_OPERANDS,
			xstrdup("name what is to be imported; rehost-import(7) lists what can be"),
			"'import' needs a file");
	for (size_t i = 0; ok && i < o->operand_count; i++)
		ok = add(&texts, o->operands[i], &e.diag);
	ok = ok && import_files(texts.at, texts.count, &out, &e.diag);
	if (ok)
		fwrite(out.data, 1, out.len, stdout);
	else
		code = work_refuse(o, &e);
	release(&texts);
	usage_release(&e);
	return code;
}
