#include "engine/verifyjob.h"
#include "base/fd.h"
#include "engine/coordinator.h"
#include "engine/recheck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

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

	queue_add(&e->walk.queue, UNIT_PATH, recurse ? UNIT_RECURSE : 0, (uint32_t)i, path, dst);
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
		e->verify.whole = true;
		walk_add_mount(e, 0, 0);
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
	recheck_note(&e->verify.differing, d);
	if (e->observer->difference)
		e->observer->difference(e->observer->arg, d);
}

void on_difference(struct engine *e, struct worker *w, const struct ipc_difference *m)
{
	struct rd r = rd_init(m->fields.p, m->fields.len);
	const char *fields[FIELDS_MAX];
	AUTO_FREE char *path = xmemdup(m->path.p, m->path.len);
	AUTO_FREE char *source = m->source.len ? xmemdup(m->source.p, m->source.len) : NULL;
	AUTO_FREE char *target = m->target.len ? xmemdup(m->target.p, m->target.len) : NULL;
	size_t n = 0;

	while (rd_left(&r) && n < FIELDS_MAX) {
		struct bytes b = rd_bytes(&r, 65536);

		fields[n++] = xmemdup(b.p, b.len);
	}
	if (rd_done(&r) && m->kind < DIFFERENCE_KINDS)
		tell(e,
			&(struct difference){.kind = (enum difference_kind)m->kind,
				.path = path,
				.fields = fields,
				.field_count = n,
				.source = source,
				.target = target});
	else
		engine_malformed(e, "difference");
	for (size_t i = 0; i < n; i++)
		free((char *)fields[i]);
}

void on_pair(struct engine *e, struct worker *w, const struct ipc_pair *m)
{
	struct verify_inode s = {m->dev, m->ino}, t = {m->tdev, m->tino};
	enum verify_link_result result = verify_links_add(e->verify.links, s, t);
	const char *field = "hardlink";
	struct difference d = {.fields = &field, .field_count = 1};

	if (result == VERIFY_LINK_OK)
		return;
	AUTO_FREE char *path = xmemdup(m->path.p, m->path.len);
	d.kind = m->changed ? DIFFERENCE_CHANGED : DIFFERENCE_HARDLINK;
	d.path = path;
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
	if (fd_write_file_atomic(AT_FDCWD, file, e->verify.differing.data ? (char *)e->verify.differing.data : "",
		    e->verify.differing.len) < 0) {
		diag_set(&d, DIAG_JOB_STATE, errno, file, "cannot write '%s'", file);
		engine_diag(e, &d);
	}
}
