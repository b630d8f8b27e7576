/* The plan as operations. What each does can be typed, too. */
#include "layout/layout.h"

#include <stdarg.h>

#define SECTOR 512

const char *layout_phase_name(enum layout_phase phase)
{
	static const char *const names[] = {
		[LAYOUT_MAKE] = "make", [LAYOUT_ATTACH] = "attach", [LAYOUT_RELEASE] = "release"};

	return names[phase];
}

/* The arguments are copied; the list ends with NULL. */
static struct layout_step *add(struct layout_steps *s, enum layout_phase phase, ...) __attribute__((sentinel));

static struct layout_step *add(struct layout_steps *s, enum layout_phase phase, ...)
{
	struct layout_step *step = &s->all[s->count++];
	const char *arg;
	va_list ap;
	size_t n = 0;

	step->phase = phase;
	va_start(ap, phase);
	while (n < LAYOUT_ARGS_MAX && (arg = va_arg(ap, const char *)))
		step->argv[n++] = xstrdup(arg);
	va_end(ap);
	return step;
}

static char *decimal(uint64_t n)
{
	return xasprintf("%llu", (unsigned long long)n);
}

/* ---- the table ---- */

static char *table_of(const struct layout_plan *p)
{
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "label: gpt\nlabel-id: %s\nunit: sectors\n\n", p->disk_id);
	for (size_t i = 0; i < p->count; i++) {
		const struct layout_partition *part = &p->partitions[i];

		buf_printf(&b, "start=%llu, size=%llu, type=%s, uuid=%s, name=\"%s\"\n",
			(unsigned long long)(part->start / SECTOR), (unsigned long long)(part->size / SECTOR),
			part->type, part->id, part->name);
	}
	return buf_detach(&b);
}

/* ---- partitions and their file systems ---- */

/* A loop device of its own: not every kernel shows the partitions of one. */
static void open_partition(struct layout_steps *s, enum layout_phase phase, const struct layout_plan *p,
	const struct layout_partition *part)
{
	AUTO_FREE char *start = decimal(part->start), *size = decimal(part->size);

	add(s, phase, "losetup", "--find", "--show", "--offset", start, "--sizelimit", size, p->of.image, NULL)
		->answer = layout_role_name(part->role);
}

static void format(struct layout_steps *s, const struct layout_plan *p, const struct layout_partition *part)
{
	AUTO_FREE char *inodes = decimal(p->inodes);
	AUTO_FREE char *serial = NULL;

	if (part->role == LAYOUT_ESP) {
		serial = xasprintf("%.4s%.4s", part->uuid, part->uuid + 5);
		add(s, LAYOUT_MAKE, "mkfs.vfat", "-F", "32", "-n", "ESP", "-i", serial, "$esp", NULL);
	} else if (str_eq(part->filesystem, "btrfs")) {
		add(s, LAYOUT_MAKE, "mkfs.btrfs", "-q", "-L", "root", "-U", part->uuid, "$root", NULL);
	} else if (str_eq(part->filesystem, "xfs")) {
		AUTO_FREE char *uuid = xasprintf("uuid=%s", part->uuid);

		add(s, LAYOUT_MAKE, "mkfs.xfs", "-q", "-L", "root", "-m", uuid, "$root", NULL);
	} else if (p->inodes) {
		add(s, LAYOUT_MAKE, "mkfs.ext4", "-q", "-L", "root", "-U", part->uuid, "-N", inodes, "$root", NULL);
	} else {
		add(s, LAYOUT_MAKE, "mkfs.ext4", "-q", "-L", "root", "-U", part->uuid, "$root", NULL);
	}
}

static void make(struct layout_steps *s, const struct layout_plan *p)
{
	AUTO_FREE char *size = decimal(p->of.size / LAYOUT_ALIGN * LAYOUT_ALIGN);

	add(s, LAYOUT_MAKE, "test", "!", "-e", p->of.image, NULL); /* nothing that is there is lost */
	add(s, LAYOUT_MAKE, "truncate", "--size", size, p->of.image, NULL);
	add(s, LAYOUT_MAKE, "sfdisk", "--quiet", "--no-reread", p->of.image, NULL)->input = table_of(p);
	for (size_t i = 0; i < p->count; i++) {
		const struct layout_partition *part = &p->partitions[i];
		AUTO_FREE char *var = xasprintf("$%s", layout_role_name(part->role));

		if (!part->filesystem)
			continue;
		open_partition(s, LAYOUT_MAKE, p, part);
		format(s, p, part);
		add(s, LAYOUT_MAKE, "losetup", "--detach", var, NULL);
	}
}

void layout_steps_make(const struct layout_plan *p, struct layout_steps *s)
{
	*s = (struct layout_steps){};
	make(s, p);
	/* Of the EFI system partition nothing is copied: what it holds is the loader, which is made. */
	open_partition(s, LAYOUT_ATTACH, p, &p->partitions[p->count - 1]);
	add(s, LAYOUT_ATTACH, "mkdir", "-p", p->of.attach, NULL);
	add(s, LAYOUT_ATTACH, "mount", "-t", p->of.filesystem, "-o", "noatime", "$root", p->of.attach, NULL);
	add(s, LAYOUT_RELEASE, "umount", p->of.attach, NULL);
	add(s, LAYOUT_RELEASE, "losetup", "--detach", "$root", NULL);
}

void layout_steps_release(struct layout_steps *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (char **arg = s->all[i].argv; *arg; arg++)
			free(*arg);
		free(s->all[i].input);
	}
	*s = (struct layout_steps){};
}

/* ---- for people ---- */

static void put_word(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=,:@%!";

	if (*word == '$') {
		buf_printf(out, "\"%s\"", word);
	} else if (*word && !word[strspn(word, plain)]) {
		buf_append_str(out, word);
	} else {
		buf_append_u8(out, '\'');
		for (; *word; word++)
			buf_append_str(out, *word == '\'' ? "'\\''" : (const char[]){*word, '\0'});
		buf_append_u8(out, '\'');
	}
}

void layout_step_print(const struct layout_step *s, struct buf *out)
{
	if (s->answer)
		buf_printf(out, "%s=$(", s->answer);
	for (char *const *arg = s->argv; *arg; arg++) {
		if (arg != s->argv)
			buf_append_u8(out, ' ');
		put_word(out, *arg);
	}
	if (s->answer)
		buf_append_u8(out, ')');
	if (s->input)
		buf_printf(out, " <<'END'\n%sEND", s->input);
	buf_append_u8(out, '\n');
}
