/* Walking one directory of the source against the target's records. */
#include "verify/walk.h"
#include "verify/entry.h"
#include "verify/report.h"
#include "verify/slices.h"

#include <errno.h>
#include <sys/stat.h>

#define CHUNK_NAMES 1024u /* read from a directory at once, and sorted by inode */
#define STEP_ENTRIES 128u

static bool is_passage(const struct verifier *v, const char *src)
{
	const char *name;
	AUTO_FREE char *dir = NULL;
	struct rules_verdict verdict;

	if (!v->o.rules || !*src)
		return false;
	dir = path_split(src, &name);
	rules_match(v->o.rules, dir, name, true, &verdict);
	return verdict.passage;
}

/* The directory's own metadata. */
static void compare_own(struct verifier *v, struct unit *u)
{
	struct findings found = {};
	struct verify_node s, t;
	struct bytes name;
	struct stat st;

	v->counts.files_examined++;
	if (fstat(u->fd, &st) < 0) {
		verify_report_failure(v, false, (uint32_t)errno, u->src, "metadata");
		return;
	}
	if (!u->table.has_own) {
		verify_report_failure(v, true, EIO, u->src, "metadata");
		return;
	}
	verify_table_node(&u->table, &u->table.own, &name, &t);
	u->target_ino = t.ino;
	if (is_passage(v, u->src))
		return;
	verify_node_read_fd(&v->reader, u->fd, &st, &s);
	if (s.err || t.err)
		verify_report_failure(v, !s.err, s.err ? s.err : t.err, u->src, "metadata");
	verify_compare(&s, &t, v->o.mode, v->fields, v->metadata, &found);
	verify_report_held(v, u->src, &s, &found.held);
	verify_report_findings(v, verify_changed(v, u->src, &s), u->src, &found);
	verify_findings_release(&found);
}

/* The next names of the slice, in the order of their inodes: true when there are some. */
static bool fill_chunk(struct verifier *v, struct unit *u)
{
	const struct slice_level *l = &u->levels[u->level];
	struct dirent *e;
	size_t count = 0;
	int more = 0;

	buf_clear(&u->chunk);
	buf_clear(&u->text);
	u->chunk_at = 0;
	while (count < CHUNK_NAMES && (more = verify_names_next(&u->names, &e)) > 0) {
		size_t len = strlen(e->d_name);
		struct verify_name n = {.ino = e->d_ino, .at = (uint32_t)u->text.len, .len = (uint16_t)len};

		if (!verify_in_slice(verify_name_hash(v->o.seed, e->d_name, len), unit_slice(u), l->stride * l->count))
			continue;
		buf_append(&u->chunk, &n, sizeof(n));
		buf_append(&u->text, e->d_name, len + 1);
		count++;
	}
	if (more < 0) {
		verify_report_failure(v, false, (uint32_t)errno, u->src, "directory");
		u->incomplete = true;
	}
	if (count > 1)
		qsort(u->chunk.data, count, sizeof(struct verify_name), verify_name_by_ino);
	return count > 0;
}

static void walk_only(struct verifier *v, struct unit *u)
{
	bool enter = verify_entry_compare(v, u, u->only);

	if (!enter)
		verify_entry_extras(v, u);
	verify_unit_slice_done(v, u, enter);
}

void verify_walk_step(struct verifier *v, struct unit *u)
{
	if (u->only) {
		walk_only(v, u);
		return;
	}
	if (u->own) {
		u->own = false;
		compare_own(v, u);
	}
	if (u->source_missing) {
		verify_entry_extras(v, u);
		verify_unit_slice_done(v, u, false);
		return;
	}
	for (unsigned i = 0; u->entries && i < STEP_ENTRIES; i++) {
		const struct verify_name *n;

		if (u->chunk_at == u->chunk.len / sizeof(*n) && !fill_chunk(v, u)) {
			if (!u->incomplete)
				verify_entry_extras(v, u);
			verify_unit_slice_done(v, u, false);
			return;
		}
		n = (const struct verify_name *)(const void *)u->chunk.data + u->chunk_at++;
		verify_entry_compare(v, u, (const char *)u->text.data + n->at);
	}
	if (!u->entries)
		verify_unit_slice_done(v, u, false);
}
