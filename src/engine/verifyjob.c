#include "base/fd.h"
#include "engine/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* A verify: which units it begins with, and what its differences amount to. */

#define RECHECK_MAX (1u << 30)
#define FIELDS_MAX 256

static char *recheck_path(const struct job *job)
{
	return xasprintf("%s/%s/verify-differences", job->state_dir, job->name);
}

/* The mount that holds a path relative to the source root: the one with the longest rel. */
static size_t mount_of(const struct engine *e, const char *path)
{
	size_t best = 0, best_len = 0;

	for (size_t i = 0; i < e->plan.chosen_count; i++) {
		const char *rel = e->plan.chosen[i].rel;
		size_t n = strlen(rel);
		if (n >= best_len && strncmp(path, rel, n) == 0 && (n == 0 || path[n] == '/' || path[n] == '\0')) {
			best = i;
			best_len = n;
		}
	}
	return best;
}

static void add_path(struct engine *e, const char *path, bool recurse)
{
	size_t i = mount_of(e, path);
	const struct mount *m = &e->plan.chosen[i];
	size_t n = strlen(m->rel);
	const char *below = path + n + (path[n] == '/' && n > 0);
	AUTO_FREE char *dst = *below && *m->target_rel ? xasprintf("%s/%s", m->target_rel, below)
						       : xstrdup(*below ? below : m->target_rel);

	queue_add(&e->queue, UNIT_PATH, recurse ? UNIT_RECURSE : 0, (uint32_t)i, path, dst);
}

/* "/srv/./www/" below source.root becomes "www"; NULL when it lies outside. */
static char *relative(const struct engine *e, const char *path)
{
	const char *root = e->job->conf->source.root;
	size_t n = strlen(root);
	AUTO_BUF out = BUF_INIT;

	if (*path == '/') {
		if (n > 1) {
			if (strncmp(path, root, n) != 0 || (path[n] && path[n] != '/'))
				return NULL;
			path += n;
		}
	}
	while (*path) {
		const char *end = strchrnul(path, '/');
		size_t len = (size_t)(end - path);
		if (len == 2 && memcmp(path, "..", 2) == 0)
			return NULL;
		if (len && !(len == 1 && *path == '.')) {
			if (out.len)
				buf_append_u8(&out, '/');
			buf_append(&out, path, len);
		}
		path = *end ? end + 1 : end;
	}
	return buf_detach(&out);
}

static void warn_path(struct engine *e, const char *path, const char *why)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_NO_PATH, 0, path, "'%s' %s", path, why);
	engine_diag(e, &d);
}

/* A path that a user named. */
static void add_asked(struct engine *e, struct recheck *r, const char *path)
{
	AUTO_FREE char *rel = relative(e, path);
	AUTO_CLOSE int root = open(e->job->conf->source.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (!rel)
		warn_path(e, path, "is not below the source root");
	else if (fstatat(root, *rel ? rel : ".", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		warn_path(e, path, "does not exist on the source");
	else
		recheck_want(r, rel, true);
}

/* The paths of r and, with all, what a verify looks at otherwise: the paths that are named, or everything. */
static void add_units(struct engine *e, struct recheck *r, bool all)
{
	const struct job *job = e->job;
	const struct conf_list *listed = &job->conf->verify.paths;

	for (size_t i = 0; all && i < job->path_count; i++)
		add_asked(e, r, job->paths[i]);
	for (size_t i = 0; all && !job->path_count && i < listed->len; i++)
		add_asked(e, r, listed->items[i].value);
	if (all && !job->path_count && !listed->len) {
		e->verify_whole = true;
		engine_enqueue_mount(e, 0, 0);
		return;
	}
	recheck_reduce(r);
	for (size_t i = 0; i < r->n; i++)
		add_path(e, r->paths[i].path, r->paths[i].recurse);
}

static bool add_recheck(struct engine *e, struct diag *d)
{
	AUTO_FREE char *file = recheck_path(e->job);
	AUTO_FREE char *data = NULL;
	struct recheck r = {};
	size_t len;
	bool ok;

	if (fd_read_file(AT_FDCWD, file, RECHECK_MAX, &data, &len) < 0) {
		diag_set(d, DIAG_ENGINE_RECHECK, errno == ENOENT ? 0 : errno, file,
			"no differences of an earlier verify are known");
		return false;
	}
	ok = recheck_parse(&r, data, len);
	if (ok) {
		/* Which names differ shows only when all of an inode are looked at, and they may be anywhere. */
		if (r.links)
			engine_note(e, "hard links differed: all is looked at again");
		add_units(e, &r, r.links);
	} else {
		diag_set(d, DIAG_ENGINE_RECHECK, 0, file,
			"what differed in the last verify cannot be read: '%s' is damaged", file);
	}
	recheck_release(&r);
	return ok;
}

bool verifyjob_units(struct engine *e, struct diag *d)
{
	struct recheck r = {};

	if (e->job->recheck)
		return add_recheck(e, d);
	add_units(e, &r, true);
	recheck_release(&r);
	return true;
}

static void tell(struct engine *e, const struct difference *d)
{
	e->out->differences++;
	e->out->difference_counts[d->kind]++;
	recheck_note(&e->differing, d);
	if (e->observer->difference)
		e->observer->difference(e->observer->arg, d);
}

void verifyjob_difference(struct engine *e, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint8_t kind = rd_u8(&r);
	struct bytes path = rd_bytes(&r, WIRE_PATH_MAX), source = rd_bytes(&r, FRAME_MAX),
		     target = rd_bytes(&r, FRAME_MAX);
	uint64_t n = rd_varint(&r, FIELDS_MAX);
	const char *fields[FIELDS_MAX];
	AUTO_FREE char *p = NULL, *s = NULL, *t = NULL;
	struct difference d;

	for (uint64_t i = 0; i < n; i++) {
		struct bytes b = rd_bytes(&r, 65536);
		fields[i] = xmemdup(b.p, b.len);
	}
	p = xmemdup(path.p, path.len);
	s = source.len ? xmemdup(source.p, source.len) : NULL;
	t = target.len ? xmemdup(target.p, target.len) : NULL;
	d = (struct difference){.kind = (enum difference_kind)kind,
		.path = p,
		.fields = fields,
		.field_count = n,
		.source = s,
		.target = t};
	if (rd_done(&r) && kind < DIFFERENCE_KINDS)
		tell(e, &d);
	for (uint64_t i = 0; i < n; i++)
		free((char *)fields[i]);
}

void verifyjob_pair(struct engine *e, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct verify_inode s, t;
	struct bytes path;
	bool changed;
	enum verify_link_result result;
	struct difference d = {};
	const char *field = "hardlink";

	s.dev = rd_u64(&r);
	s.ino = rd_u64(&r);
	t.dev = rd_u64(&r);
	t.ino = rd_u64(&r);
	changed = rd_u8(&r);
	path = rd_bytes(&r, WIRE_PATH_MAX);
	if (!rd_done(&r))
		return;
	result = verify_links_add(e->verify_links, s, t);
	if (result == VERIFY_LINK_OK)
		return;
	AUTO_FREE char *p = xmemdup(path.p, path.len);
	d.kind = changed ? DIFFERENCE_CHANGED : DIFFERENCE_HARDLINK;
	d.path = p;
	d.fields = &field;
	d.field_count = 1;
	verify_link_texts(result, &d.source, &d.target);
	tell(e, &d);
}

/* What differed is looked at again by --recheck; a whole verify that found nothing leaves an empty list. */
void verifyjob_finish(struct engine *e)
{
	AUTO_FREE char *file = recheck_path(e->job);
	AUTO_DIAG d = DIAG_INIT;

	if (e->job->dry_run)
		return;
	if (fd_write_file_atomic(AT_FDCWD, file, e->differing.data ? (char *)e->differing.data : "", e->differing.len) <
		0) {
		diag_set(&d, DIAG_JOB_STATE, errno, file, "cannot write '%s'", file);
		engine_diag(e, &d);
	}
}
