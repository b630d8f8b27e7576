/*
 * The life of a unit.
 *
 *	WAITING -> LISTING	the source's directory is opened, the target's listing (of one slice) asked for
 *	LISTING -> WALKING	the listing is complete; too large: WAITING again with more slices
 *	WALKING -> WAITING	there is a further slice, or a single path has turned out to be a directory
 *	WALKING -> HASHING	everything was looked at
 *	HASHING -> done		both sides' hashes of its files have come
 */
#include "verify/slices.h"
#include "base/fscrypt.h"
#include "verify/contents.h"
#include "verify/report.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTS_MAX 8u /* listings asked for and not yet complete */
#define HELD_MAX (16u << 20) /* no further listing is asked for above so many bytes of records */
#define OUT_MAX (1u << 20) /* no further listing is asked for above so many unsent bytes */

static bool vanished(int err)
{
	return err == ENOENT || err == ENOTDIR || err == ELOOP;
}

/* The source's directory. False: there is nothing to compare, and the unit is gone. */
static bool open_source(struct verifier *v, struct unit *u)
{
	const struct verifier_mount *m = &v->o.mounts[u->mount];
	const char *rest = NULL;
	struct stat st;
	int fd = -1;

	if (u->fd >= 0)
		return true;
	errno = ENOENT;
	if (path_within(m->rel, u->src, &rest))
		fd = verify_tree_open(m->fd, rest, v->o.noatime);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		u->fd = fd;
		u->dev = st.st_dev;
		u->ino = st.st_ino;
		/* Its names are others without the key, as is what the target has then. */
		if (fscrypt_is_locked(fd)) {
			u->fd = -1;
			errno = ENOKEY;
		} else if (!u->entries || u->only || verify_names_open(&u->names, fd)) {
			return true;
		} else {
			u->fd = fd = -1; /* verify_names_open() has closed it */
		}
	}
	/* Only at the target, but what the rules protect may lie in it: is all else extra? */
	if (vanished(errno) && (u->only || (v->o.rules && rules_protect_beneath(v->o.rules, u->src)))) {
		u->own = u->only && u->own;
		u->source_missing = true;
		return true;
	}
	if (vanished(errno))
		v->counts.files_vanished++;
	else
		verify_report_failure(v, false, (uint32_t)errno, u->src, "directory");
	if (fd >= 0)
		close(fd);
	u->fd = -1;
	u->state = UNIT_HASHING;
	verify_unit_check_done(v, u);
	return false;
}

static void ask(struct verifier *v, struct unit *u)
{
	struct request *q = xcalloc(1, sizeof(*q));
	const struct slice_level *l = &u->levels[u->level];
	struct verify_list m = {.path = u->dst, .slice = unit_slice(u), .slices = l->stride * l->count};

	if (u->only) {
		m.flags = VERIFY_LIST_NAME;
		m.name = (struct bytes){.p = (const uint8_t *)u->only_dst, .len = strlen(u->only_dst)};
	} else {
		m.flags = (u->own ? VERIFY_LIST_OWN : 0) | (u->entries ? VERIFY_LIST_ENTRIES : 0);
	}
	q->unit = u;
	verify_request_add(v, q);
	verify_list_put(&v->wire.out, q->id, &m);
	v->lists++;
	u->state = UNIT_LISTING;
}

static size_t held(const struct verifier *v)
{
	size_t n = 0;

	for (const struct unit *u = v->units; u; u = u->next)
		n += u->table.data.len;
	return n;
}

static struct unit *next_waiting(const struct verifier *v)
{
	struct unit *u = v->units;

	while (u && u->state != UNIT_WAITING)
		u = u->next;
	return u;
}

bool verify_unit_may_start(const struct verifier *v)
{
	return v->lists < LISTS_MAX && chan_unsent(&v->wire) < OUT_MAX && next_waiting(v) && held(v) < HELD_MAX;
}

void verify_unit_start_some(struct verifier *v)
{
	while (verify_unit_may_start(v)) {
		struct unit *u = next_waiting(v);

		if (open_source(v, u))
			ask(v, u);
	}
}

static void too_large(struct verifier *v, struct unit *u)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_VERIFY_DIR_TOO_LARGE, 0, u->src, "the directory has too many names at the target");
	v->counts.files_failed++;
	v->o.callbacks.diag(v->o.callbacks.arg, &d);
	u->state = UNIT_HASHING;
	verify_unit_check_done(v, u);
}

/* Divides the present slice, so that each part is about half full. */
static void split(struct verifier *v, struct unit *u, uint64_t count)
{
	struct slice_level *now = &u->levels[u->level];
	uint64_t factor = count / (VERIFY_SLICE_ENTRIES / 2) + 1;
	uint32_t slices = now->stride * now->count;

	verify_table_release(&u->table);
	factor = MAX(factor, (uint64_t)4);
	factor = MIN(factor, (uint64_t)(VERIFY_SLICES_MAX / slices));
	if (factor < 2 || u->level + 1 == SLICE_LEVELS) {
		too_large(v, u);
		return;
	}
	u->levels[++u->level] =
		(struct slice_level){.base = unit_slice(u), .stride = slices, .count = (uint32_t)factor};
	u->state = UNIT_WAITING;
}

/* Goes on to the next slice; false when that was the last. */
static bool next_slice(struct unit *u)
{
	while (++u->levels[u->level].index == u->levels[u->level].count) {
		if (u->level == 0)
			return false;
		u->level--;
	}
	return true;
}

/* A single path that is a directory on both sides goes on as one. */
static void enter_path(struct unit *u)
{
	char *src = path_join(u->src, u->only), *dst = path_join(u->dst, u->only_dst);

	verify_unit_close(u);
	free(u->src);
	free(u->dst);
	u->src = src;
	u->dst = dst;
	free(STEAL(u->only));
	free(STEAL(u->only_dst));
	u->own = true;
	u->entries = u->recurse;
}

void verify_unit_slice_done(struct verifier *v, struct unit *u, bool enter)
{
	verify_table_release(&u->table);
	verify_unit_forget_chunk(u);
	if (enter) {
		enter_path(u);
		u->state = UNIT_WAITING;
		return;
	}
	u->own = false;
	if (u->entries && !u->only && !u->incomplete && next_slice(u)) {
		if (!u->source_missing)
			verify_names_rewind(&u->names);
		u->state = UNIT_WAITING;
		return;
	}
	verify_contents_send(v, u);
	u->state = UNIT_HASHING;
	verify_unit_check_done(v, u);
}

/* The target has no such directory. */
static void target_failed(struct verifier *v, struct unit *u, uint32_t err)
{
	struct verify_node s;
	struct stat st;

	if (u->source_missing) {
		if (!vanished((int)err))
			verify_report_failure(v, true, err, u->src, "directory");
	} else if (fstat(u->fd, &st) < 0) {
		verify_report_failure(v, false, (uint32_t)errno, u->src, "directory");
	} else {
		verify_node_stat(&st, &s);
		v->counts.files_examined++;
		if (err == ENOENT)
			verify_report_missing(v, verify_changed(v, u->src, &s), u->src, &s);
		else if (err == ENOTDIR || err == ELOOP)
			verify_report_type(v, verify_changed(v, u->src, &s), u->src, VERIFY_T_DIR, VERIFY_T_NONE);
		else
			verify_report_failure(v, true, err, u->src, "directory");
	}
	u->state = UNIT_HASHING;
	verify_unit_check_done(v, u);
}

void verify_unit_listed(struct verifier *v, struct unit *u, const struct verify_list_end *end)
{
	v->lists--;
	if (end->status == VERIFY_LIST_SPLIT && !u->only) {
		split(v, u, end->count);
		return;
	}
	if (end->status == VERIFY_LIST_FAIL && !(u->only && vanished((int)end->err))) {
		if (u->only) {
			verify_report_failure(v, true, end->err, u->src, "directory");
			u->state = UNIT_HASHING;
			verify_unit_check_done(v, u);
		} else {
			target_failed(v, u, end->err);
		}
		return;
	}
	verify_table_build(&u->table);
	u->state = UNIT_WALKING;
}
