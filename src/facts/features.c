#include "facts/features.h"
#include "base/fd.h"

/* Where the words of flags stand, and which of them matter to a move. */
struct flag {
	unsigned at;
	uint32_t bit;
	const char *name;
};

static const struct flag ext_flags[] = {
	{0x5c, 0x4, "has_journal"},
	{0x5c, 0x1000, "orphan_file"},
	{0x60, 0x80, "64bit"},
	{0x60, 0x2000, "metadata_csum_seed"},
	{0x60, 0x8000, "inline_data"},
	{0x60, 0x10000, "encrypt"},
	{0x60, 0x20000, "casefold"},
	{0x64, 0x100, "quota"},
	{0x64, 0x400, "metadata_csum"},
	{0x64, 0x2000, "project"},
	{0x64, 0x8000, "verity"},
};

static const struct flag xfs_flags[] = {
	{0xd4, 0x1, "finobt"},
	{0xd4, 0x4, "reflink"},
	{0xd4, 0x8, "inobtcount"},
	{0xd8, 0x1, "ftype"},
	{0xd8, 0x8, "bigtime"},
	{0xd8, 0x20, "nrext64"},
	{0xd8, 0x40, "exchange"},
	{0xd8, 0x80, "parent"},
};

#define EXT_SUPERBLOCK 1024
#define EXT_MAGIC_AT 0x38
#define XFS_VERSION_AT 100

static uint32_t little(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t big(const uint8_t *p)
{
	return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static void add(struct buf *out, const char *name)
{
	buf_printf(out, "%s%s", out->len ? " " : "", name);
}

bool features_of(const uint8_t *first, struct buf *out)
{
	const uint8_t *ext = first + EXT_SUPERBLOCK;

	if (ext[EXT_MAGIC_AT] == 0x53 && ext[EXT_MAGIC_AT + 1] == 0xef) {
		for (size_t i = 0; i < ARRAY_LEN(ext_flags); i++)
			if (little(ext + ext_flags[i].at) & ext_flags[i].bit)
				add(out, ext_flags[i].name);
		return true;
	}
	if (memcmp(first, "XFSB", 4) != 0)
		return false;
	if ((first[XFS_VERSION_AT + 1] & 15) < 5)
		return true; /* version 4 has none of them */
	add(out, "v5");
	for (size_t i = 0; i < ARRAY_LEN(xfs_flags); i++)
		if (big(first + xfs_flags[i].at) & xfs_flags[i].bit)
			add(out, xfs_flags[i].name);
	return true;
}

bool features_read(int fd, struct buf *out)
{
	uint8_t first[FEATURES_BYTES];

	return fd_pread_full(fd, first, sizeof(first), 0) == (ssize_t)sizeof(first) && features_of(first, out);
}
