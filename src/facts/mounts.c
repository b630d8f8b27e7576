/* What is mounted and how full it is; what should be (fstab); swap. */
#include "facts/fields.h"
#include "facts/mountinfo.h"
#include "facts/probes.h"
#include "facts/usage.h"

#include <errno.h>
#include <stdlib.h>

/* What a dead server or disk is known by. */
static const char *errno_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {{ETIMEDOUT, "ETIMEDOUT"}, {EIO, "EIO"}, {ESTALE, "ESTALE"}, {ESHUTDOWN, "ESHUTDOWN"},
		{EHOSTDOWN, "EHOSTDOWN"}, {EACCES, "EACCES"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].err == err)
			return names[i].name;
	return "error";
}

/* Those that are triggered by a look are not looked at. */
static void put_usage(const struct tree *t, struct value *m, const char *path, const char *type)
{
	struct statvfs v;
	int err;

	if (!t->live || str_eq(type, "autofs")) {
		put_null(m, "size");
		return;
	}
	err = usage_of(path, &v);
	if (err) {
		put_null(m, "size");
		put_text(m, "error", errno_name(err));
		put_unknown(m, "size", NULL, err);
		return;
	}
	put_u64(m, "size", (uint64_t)v.f_blocks * v.f_frsize);
	put_u64(m, "used", (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize);
	put_u64(m, "available", (uint64_t)v.f_bavail * v.f_frsize);
	put_u64(m, "inodes", v.f_files);
	put_u64(m, "inodes_free", v.f_ffree);
	put_bool(m, "read_only", v.f_flag & ST_RDONLY);
}

static void put_mounted(const struct tree *t, struct value *s)
{
	struct value *list = put_array(s, "mounted");
	struct mountinfo info;
	struct mounted m;

	if (!mountinfo_open(&info, t))
		put_unknown(s, "mounted", "/proc/self/mountinfo", errno);
	while (mountinfo_next(&info, &m)) {
		struct value *o = add_object(list);

		put_text(o, "path", m.path);
		put_text(o, "root", m.root);
		put_text(o, "dev", m.dev);
		put_text(o, "type", m.type);
		put_text(o, "source", m.source);
		put_text(o, "options", m.options);
		put_usage(t, o, m.path, m.type);
	}
	mountinfo_release(&info);
}

/* "SOURCE PATH TYPE [OPTIONS [FREQ [PASS]]]"; lines that are not so are passed over, as mount(8) does. */
static void put_fstab(const struct tree *t, struct value *s)
{
	AUTO_FREE char *text = tree_read(t, "/etc/fstab", 1 << 20);
	struct value *list = put_array(s, "fstab");
	char *at = text, *line;

	if (!text)
		put_unknown(s, "fstab", NULL, errno);
	while ((line = fields_line(&at))) {
		char *words[6] = {NULL};
		struct value *o;

		if (line[strspn(line, " \t\r")] == '#')
			continue;
		for (size_t i = 0; i < ARRAY_LEN(words) && (words[i] = fields_word(&line)); i++)
			;
		if (!words[2])
			continue;
		o = add_object(list);
		put_text(o, "path", words[1]);
		put_text(o, "type", words[2]);
		put_text(o, "source", words[0]);
		put_text(o, "options", words[3]);
		put_u64(o, "pass", words[5] ? strtoul(words[5], NULL, 10) : 0);
	}
}

/* "Filename Type Size Used Priority", sizes in KiB, and a line each. */
static void put_swaps(const struct tree *t, struct value *s)
{
	AUTO_FREE char *text = tree_read(t, "/proc/swaps", 1 << 20);
	struct value *list = put_array(s, "swaps");
	char *at = text, *line;

	if (!text)
		put_unknown(s, "swaps", "/proc/swaps", errno);
	fields_line(&at);
	while ((line = fields_line(&at))) {
		char *name = fields_word(&line), *type = name ? fields_word(&line) : NULL;
		char *size = type ? fields_word(&line) : NULL;
		struct value *o;

		if (!size)
			continue;
		o = add_object(list);
		put_text(o, "path", name);
		put_text(o, "type", type);
		put_u64(o, "size", strtoull(size, NULL, 10) * 1024);
	}
}

void probe_mounts(const struct tree *t, struct value *s)
{
	put_mounted(t, s);
	put_fstab(t, s);
	put_swaps(t, s);
}
