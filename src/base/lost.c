#include "base/lost.h"
#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct lost_kind *kind_of(struct lost *l, enum lost_why why, const char *what)
{
	struct lost_kind *k;

	for (size_t i = 0; i < l->n; i++)
		if (l->all[i].why == why && str_eq(l->all[i].what, what))
			return &l->all[i];
	if (l->n == LOST_KINDS_MAX)
		return &l->all[LOST_KINDS_MAX - 1];
	k = &l->all[l->n++];
	*k = (struct lost_kind){.why = why};
	snprintf(k->what, sizeof(k->what), "%s", what);
	return k;
}

void lost_add(struct lost *l, enum lost_why why, const char *what, uint64_t files, const char *dir, const char *name)
{
	struct lost_kind *k = kind_of(l, why, what);

	k->files += MIN(files, UINT64_MAX - k->files);
	if (!k->first)
		k->first = path_join(dir, name);
}

static const struct {
	uint32_t flag;
	char letter;
} letters[] = {
	{0x1, 's'},
	{0x2, 'u'},
	{0x4, 'c'},
	{0x8, 'S'},
	{0x10, 'i'},
	{0x20, 'a'},
	{0x40, 'd'},
	{0x80, 'A'},
	{0x400, 'm'},
	{0x800, 'E'},
	{0x4000, 'j'},
	{0x8000, 't'},
	{0x10000, 'D'},
	{0x20000, 'T'},
	{0x100000, 'V'},
	{0x800000, 'C'},
	{0x2000000, 'x'},
	{0x20000000, 'P'},
	{0x40000000, 'F'},
};

char lost_flag_letter(uint32_t flag)
{
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (letters[i].flag == flag)
			return letters[i].letter;
	return '?';
}

void lost_add_flags(struct lost *l, enum lost_why why, uint32_t flags, const char *dir, const char *name)
{
	for (uint32_t bit = 1; bit; bit <<= 1) {
		char what[] = "the flag ?";

		if (!(flags & bit))
			continue;
		what[sizeof(what) - 2] = lost_flag_letter(bit);
		lost_add(l, why, what, 1, dir, name);
	}
}

void lost_clear(struct lost *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->all[i].first);
	l->n = 0;
}

/* Cut off at a step of so many nanoseconds, by a file system whose own times have no others. */
static bool cut(uint32_t step, uint32_t given_ns, uint32_t has_ns, uint32_t ctime_ns)
{
	return ctime_ns % step == 0 && has_ns == given_ns - given_ns % step;
}

bool lost_time_held(int64_t given_s, uint32_t given_ns, int64_t has_s, uint32_t has_ns, uint32_t ctime_ns)
{
	/* NTFS has 100 ns, many a server in between 1 us or 1 ms. */
	static const uint32_t steps[] = {100, 1000, 1000000, 10000000, 1000000000};
	/* The last seconds of 32 bits, and of ext4's 34. */
	static const int64_t ends[] = {INT32_MAX, INT64_C(0x37fffffff)};

	for (size_t i = 0; i < ARRAY_LEN(steps) && has_s == given_s; i++)
		if (cut(steps[i], given_ns, has_ns, ctime_ns))
			return true;
	/* FAT: even seconds; its ctime is of 10 ms at best. */
	if (ctime_ns % 10000000 == 0 && has_ns == 0 && (given_s & 1) && has_s == given_s - 1)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (has_s == ends[i] && given_s > has_s && has_ns == 0)
			return true;
	return has_s == INT32_MIN && given_s < has_s && has_ns == 0;
}

uint32_t lost_flags_of(uint64_t fs_type)
{
	static const struct {
		uint32_t type, has;
	} known[] = {
		{0xef53, 0x2203c0ff}, /* ext: s u c S i a d A j t D T x P */
		{0x58465342, 0x220000f8}, /* xfs: S i a d A x P */
		{LOST_BTRFS_MAGIC, 0x008100fc}, /* c S i a d A D C */
		{0xf2f52010, 0x208100fc}, /* f2fs: c S i a d A D C P */
		{0x01021994, 0xf0}, /* tmpfs: i a d A, from Linux 6.6 on */
		{0x4d44, 0}, /* FAT */
		{0x2011bab0, 0}, /* exFAT */
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].type == fs_type)
			return ~known[i].has;
	return 0; /* whatever is missing there might be set */
}
