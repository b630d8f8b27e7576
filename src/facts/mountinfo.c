#include "facts/mountinfo.h"
#include "facts/fields.h"

bool mountinfo_open(struct mountinfo *m, const struct tree *t)
{
	*m = (struct mountinfo){.tree = t};
	m->text = m->at = tree_read(t, "/proc/self/mountinfo", 16 << 20);
	return m->text;
}

void mountinfo_release(struct mountinfo *m)
{
	free(m->text);
	buf_release(&m->options);
	buf_release(&m->source);
}

/* All but rw and ro. True: ro was among them. */
static bool add_options(struct buf *out, char *list)
{
	char *save = NULL;
	bool ro = false;

	for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		ro = ro || str_eq(w, "ro");
		if (!str_eq(w, "ro") && !str_eq(w, "rw"))
			buf_printf(out, ",%s", w);
	}
	return ro;
}

/* Of the mount and of its file system, as they would be written in fstab. */
static const char *merged(struct buf *out, char *mount, char *fs)
{
	bool ro;

	buf_clear(out);
	buf_append_str(out, "rw");
	ro = add_options(out, mount);
	ro = add_options(out, fs) || ro;
	if (ro)
		memcpy(out->data, "ro", 2);
	return buf_cstr(out);
}

/* A kernel that mounted the root by itself calls it /dev/root, which nobody knows. */
static const char *named(struct mountinfo *m, const char *source, const char *dev)
{
	AUTO_FREE char *path = xasprintf("/sys/dev/block/%s", dev);
	AUTO_FREE char *to = str_eq(source, "/dev/root") ? tree_link(m->tree, path) : NULL;
	const char *slash = to ? strrchr(to, '/') : NULL;

	if (!slash)
		return source;
	buf_clear(&m->source);
	buf_printf(&m->source, "/dev/%s", slash + 1);
	return buf_cstr(&m->source);
}

static void strip_deleted(char *path)
{
	static const char mark[] = " (deleted)";
	size_t n = strlen(path), k = sizeof(mark) - 1;

	if (n > k && str_eq(path + n - k, mark))
		path[n - k] = '\0';
}

/* "ID PARENT DEV ROOT PATH OPTIONS [TAG...] - TYPE SOURCE OPTIONS" */
static bool parse(struct mountinfo *m, char *line, struct mounted *out)
{
	char *cells[6], *tag, *type, *source, *fs;

	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		if (!(cells[i] = fields_cell(&line)))
			return false;
	while ((tag = fields_cell(&line)) && !str_eq(tag, "-"))
		;
	type = fields_cell(&line);
	source = type ? fields_cell(&line) : NULL;
	fs = source ? fields_cell(&line) : NULL;
	if (!source)
		return false;
	strip_deleted(cells[4]);
	*out = (struct mounted){.path = cells[4], .root = cells[3], .dev = cells[2], .type = type};
	out->source = named(m, source, out->dev);
	out->options = merged(&m->options, cells[5], fs ? fs : strchr(source, '\0'));
	return true;
}

bool mountinfo_next(struct mountinfo *m, struct mounted *out)
{
	char *line;

	while ((line = fields_line(&m->at)))
		if (parse(m, line, out))
			return true;
	return false;
}
