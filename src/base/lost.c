#include "base/clock.h"
#include "base/lost.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* ---- times ---- */

/* Of those that tell nanoseconds, as f_type of statfs. */
#define EXT_MAGIC 0xef53u
#define TMP_MAGIC 0x01021994u

/* The last seconds of 32 bits and of ext4's 34, and the first of both. */
static const int64_t ends[] = {INT32_MAX, INT64_C(0x37fffffff), INT32_MIN};

/* An inode of ext4 has room for nanoseconds where it has room for its birth. -1: the kernel cannot say. */
static int has_birth(int fd)
{
	enum { BTIME = 0x800 }; /* of statx(), which headers may not know */
	uint64_t words[32] = {0};
	uint32_t mask;

#ifdef SYS_statx
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, BTIME, words) < 0)
		return -1;
	memcpy(&mask, words, sizeof(mask));
	return (mask & BTIME) != 0;
#else
	(void)fd, (void)words, (void)mask;
	return -1;
#endif
}

enum lost_times lost_times_of(int fd, uint64_t fs_type)
{
	int birth;

	if (fs_type == LOST_BTRFS_MAGIC || fs_type == TMP_MAGIC)
		return LOST_TIMES_LONG;
	if (fs_type == LOST_XFS_MAGIC)
		return LOST_TIMES_EXACT;
	if (fs_type != EXT_MAGIC)
		return LOST_TIMES_UNSURE;
	birth = has_birth(fd);
	return birth < 0 ? LOST_TIMES_UNSURE : birth ? LOST_TIMES_LONG : LOST_TIMES_SECONDS;
}

/* Cut off at a step of so many nanoseconds, by a file system whose own times have no others. */
static bool cut(uint32_t step, uint32_t given_ns, uint32_t has_ns, uint32_t ctime_ns)
{
	return ctime_ns % step == 0 && has_ns == given_ns - given_ns % step;
}

static bool at_end(size_t end, int64_t given_s, int64_t has_s, uint32_t has_ns)
{
	return has_s == ends[end] && has_ns == 0 && (ends[end] < 0 ? given_s < has_s : given_s > has_s);
}

bool lost_time_held(
	int64_t given_s, uint32_t given_ns, int64_t has_s, uint32_t has_ns, uint32_t ctime_ns, enum lost_times known)
{
	/* NTFS has 100 ns, many a server in between 1 us or 1 ms. */
	static const uint32_t steps[] = {100, 1000, 1000000, 10000000, 1000000000};
	const bool exact = known == LOST_TIMES_EXACT || known == LOST_TIMES_LONG;

	for (size_t i = known == LOST_TIMES_SECONDS ? ARRAY_LEN(steps) - 1 : 0;
		i < ARRAY_LEN(steps) && has_s == given_s && !exact; i++)
		if (cut(steps[i], given_ns, has_ns, ctime_ns))
			return true;
	/* FAT: even seconds; its ctime is of 10 ms at best. */
	if (known == LOST_TIMES_UNSURE && ctime_ns % 10000000 == 0 && has_ns == 0 && (given_s & 1) &&
		has_s == given_s - 1)
		return true;
	for (size_t i = known == LOST_TIMES_LONG; i < ARRAY_LEN(ends); i++)
		if (at_end(i, given_s, has_s, has_ns))
			return true;
	return false;
}

static bool give(int fd, int64_t s, long ns, struct stat *st)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)s, .tv_nsec = ns}};

	return futimens(fd, times) == 0 && fstat(fd, st) == 0;
}

void lost_times_ask(int fd, struct lost_grain *out)
{
	enum { ODD = 1000000001, LAST_NS = 999999999 };
	struct stat st;
	int64_t missing;

	*out = (struct lost_grain){};
	if (!give(fd, ODD, LAST_NS, &st))
		return;
	missing = (ODD - (int64_t)st.st_mtim.tv_sec) * NS_PER_S + LAST_NS - st.st_mtim.tv_nsec;
	if (missing < 0 || missing >= 2 * NS_PER_S)
		return; /* that is no cutting off */
	out->step = (uint64_t)missing + 1;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		out->ends[i] = give(fd, ends[i] + (ends[i] < 0 ? -2 : 2), 0, &st) && st.st_mtim.tv_sec == ends[i] &&
			st.st_mtim.tv_nsec == 0;
}

bool lost_time_given(const struct lost_grain *g, int64_t given_s, uint32_t given_ns, int64_t has_s, uint32_t has_ns)
{
	const uint64_t in_step = (uint64_t)(given_s & 1) * (uint64_t)NS_PER_S + given_ns;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (g->ends[i] && at_end(i, given_s, has_s, has_ns))
			return true;
	if (g->step <= 1 || has_s > given_s || has_s < given_s - 1)
		return false;
	return (uint64_t)(given_s - has_s) * (uint64_t)NS_PER_S + given_ns - has_ns == in_step % g->step;
}

uint32_t lost_flags_of(uint64_t fs_type)
{
	static const struct {
		uint32_t type, has;
	} known[] = {
		{EXT_MAGIC, 0x2203c0ff}, /* ext: s u c S i a d A j t D T x P */
		{LOST_XFS_MAGIC, 0x220000f8}, /* xfs: S i a d A x P */
		{LOST_BTRFS_MAGIC, 0x008100fc}, /* c S i a d A D C */
		{0xf2f52010, 0x208100fc}, /* f2fs: c S i a d A D C P */
		{TMP_MAGIC, 0xf0}, /* tmpfs: i a d A, from Linux 6.6 on */
		{0x4d44, 0}, /* FAT */
		{0x2011bab0, 0}, /* exFAT */
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].type == fs_type)
			return ~known[i].has;
	return 0; /* whatever is missing there might be set */
}
