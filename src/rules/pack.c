/*
 * The set as bytes: version, flags, lengths and counts, both roots, paths, patterns; before patterns of another mount than
 * those before them a record that names it. Numbers are little-endian, 32 bits. What is left out is where each rule was written: the other end has no use for it.
 */
#include "rules/set.h"

#define VERSION 1
#define FLAG_ONLY 1
#define HEADER (1 + 1 + 4 + 4 + 4 + 4)
#define RECORD_MOUNT 0x80
#define RECORD (1 + 4) /* kind or flags, length */
#define KINDS (PATHS_EXCLUDE | PATHS_EXCLUDE_CONTENTS | PATHS_ONLY | PATHS_ONLY_CONTENTS)

static void put_u32(struct buf *out, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	buf_append(out, b, 4);
}

static void put_record(struct buf *out, uint8_t kind, const char *text)
{
	size_t n = strlen(text);

	buf_append_u8(out, kind);
	put_u32(out, (uint32_t)n);
	buf_append(out, text, n);
}

/* Does the pattern at this place begin those of another mount? The first ones are of the whole source. */
static bool mount_changes(const struct rules *r, size_t i)
{
	return r->patterns[i].mount != (i ? r->patterns[i - 1].mount : r->mounts[0]);
}

static size_t mount_changes_count(const struct rules *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->pattern_count; i++)
		n += mount_changes(r, i);
	return n;
}

size_t rules_packed_size(const struct rules *r)
{
	size_t n = HEADER + strlen(r->root) + strlen(r->target_root);

	for (size_t i = 0; i < r->path_count; i++)
		n += RECORD + strlen(r->paths[i].path);
	for (size_t i = 0; i < r->pattern_count; i++) {
		n += RECORD + strlen(r->patterns[i].text);
		if (mount_changes(r, i))
			n += RECORD + r->patterns[i].mount_len;
	}
	return n;
}

void rules_pack(const struct rules *r, struct buf *out)
{
	uint32_t paths = 0;

	for (size_t i = 0; i < r->path_count; i++)
		paths += !r->paths[i].outside;
	buf_append_u8(out, VERSION);
	buf_append_u8(out, r->only ? FLAG_ONLY : 0);
	put_u32(out, (uint32_t)strlen(r->root));
	put_u32(out, (uint32_t)strlen(r->target_root));
	put_u32(out, paths);
	put_u32(out, (uint32_t)(r->pattern_count + mount_changes_count(r)));
	buf_append_str(out, r->root);
	buf_append_str(out, r->target_root);
	for (size_t i = 0; i < r->path_count; i++)
		if (!r->paths[i].outside)
			put_record(out, r->paths[i].kind, r->paths[i].path);
	for (size_t i = 0; i < r->pattern_count; i++) {
		if (mount_changes(r, i))
			put_record(out, RECORD_MOUNT, r->patterns[i].mount);
		put_record(out, r->patterns[i].flags, r->patterns[i].text);
	}
}

struct reader {
	const uint8_t *p;
	size_t n;
};

static bool get_bytes(struct reader *in, size_t n, const char **out)
{
	if (n > in->n)
		return false;
	*out = (const char *)in->p;
	in->p += n;
	in->n -= n;
	return true;
}

static bool get_u8(struct reader *in, uint8_t *out)
{
	const char *p;

	if (!get_bytes(in, 1, &p))
		return false;
	*out = (uint8_t)*p;
	return true;
}

static bool get_u32(struct reader *in, uint32_t *out)
{
	const uint8_t *p = in->p;
	const char *skip;

	if (!get_bytes(in, 4, &skip))
		return false;
	*out = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return true;
}

/* A text of n bytes without NUL, as a new string. */
static bool get_text(struct reader *in, size_t n, char **out)
{
	const char *p;

	if (!get_bytes(in, n, &p) || memchr(p, '\0', n))
		return false;
	*out = xmemdup(p, n);
	return true;
}

static bool get_record(struct reader *in, uint8_t *out_kind, char **out_text)
{
	uint32_t n;

	return get_u8(in, out_kind) && get_u32(in, &n) && get_text(in, n, out_text);
}

/* Components with one slash between, none of them "." or "..", or nothing at all. */
static bool is_relative_path(const char *path)
{
	if (!*path)
		return true;
	for (;;) {
		size_t n = strcspn(path, "/");

		if (!n || (n == 1 && *path == '.') || (n == 2 && memcmp(path, "..", 2) == 0))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

static bool unpack_path(struct reader *in, struct rules *r)
{
	AUTO_FREE char *path = NULL;
	uint8_t kind;

	if (!get_record(in, &kind, &path) || !is_relative_path(path))
		return false;
	if (!kind || kind & ~KINDS || kind & (kind - 1))
		return false;
	if (!*path && kind & (PATHS_EXCLUDE | PATHS_ONLY))
		return false;
	if (!r->only && kind & (PATHS_ONLY | PATHS_ONLY_CONTENTS))
		return false;
	return rules_add_path(r, path, kind, false, NULL, NULL);
}

/* Another than the one before. */
static bool unpack_mount(struct rules *r, const char *path)
{
	size_t before = r->mount;

	return is_relative_path(path) && rules_set_mount(r, path) && r->mount != before;
}

/* A pattern, or the mount of those that follow. */
static bool unpack_pattern(struct reader *in, struct rules *r, bool last)
{
	AUTO_FREE char *text = NULL;
	uint8_t flags;
	size_t n;

	if (!get_record(in, &flags, &text))
		return false;
	if (flags == RECORD_MOUNT)
		return !last && in->n && *in->p != RECORD_MOUNT && unpack_mount(r, text);
	n = strlen(text);
	if (!n || n > GLOB_LENGTH_MAX || flags & ~PATTERN_FLAGS || !(flags & (PATTERN_HIDE | PATTERN_PROTECT)))
		return false;
	/* pattern_init() takes one slash off the end; put it back so that it finds the text it was made from. */
	if (flags & PATTERN_DIRECTORY) {
		AUTO_FREE char *whole = xasprintf("%s/", text);
		rules_add_pattern(r, whole, n + 1, flags, NULL);
		return true;
	}
	if (n > 1 && text[n - 1] == '/')
		return false;
	rules_add_pattern(r, text, n, flags, NULL);
	return true;
}

static bool unpack(struct reader *in, struct rules **out)
{
	AUTO_FREE char *root = NULL;
	AUTO_FREE char *target_root = NULL;
	uint8_t version, flags;
	uint32_t root_len, target_root_len, paths, patterns;

	if (!get_u8(in, &version) || version != VERSION || !get_u8(in, &flags) || flags & ~FLAG_ONLY)
		return false;
	if (!get_u32(in, &root_len) || !get_u32(in, &target_root_len) || !get_u32(in, &paths) ||
		!get_u32(in, &patterns))
		return false;
	if (!get_text(in, root_len, &root) || !is_relative_path(root))
		return false;
	if (!get_text(in, target_root_len, &target_root) || !is_relative_path(target_root))
		return false;
	*out = rules_alloc(root, target_root);
	(*out)->only = (*out)->tree.only = flags & FLAG_ONLY;
	/* Each record takes bytes: counts that promise more than there is end soon. */
	for (uint32_t i = 0; i < paths; i++)
		if (!unpack_path(in, *out))
			return false;
	for (uint32_t i = 0; i < patterns; i++)
		if (!unpack_pattern(in, *out, i + 1 == patterns))
			return false;
	return in->n == 0;
}

bool rules_unpack(const void *p, size_t n, struct rules **out)
{
	struct reader in = {p, n};
	struct rules *r = NULL;

	if (n > RULES_PACK_MAX || !unpack(&in, &r)) {
		rules_free(r);
		return false;
	}
	rules_index(r);
	*out = r;
	return true;
}
