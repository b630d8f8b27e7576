#include "engine/verifyjob.h"
#include "base/fd.h"
#include "engine/coordinator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

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

/* The paths of the list and, with all, what a verify looks at otherwise: the paths that are named, or everything. */
static void add_units(struct engine *e, bool all)
{
	const struct job *job = e->job;
	const struct conf_list *listed = &job->conf->verify.paths;
	struct recheck *r = &e->verify.wanted;

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

bool verifyjob_units(struct engine *e, struct diag *d)
{
	bool links = e->verify.wanted.links;

	/* Which names differ shows only when all of an inode are looked at, and they may be anywhere. */
	if (links)
		engine_note(e, "hard links differed: all is looked at again");
	add_units(e, links || !e->job->recheck);
	return true;
}

/* ---- what the last verify has found ---- */

/* False: there is nothing, or nothing that can be read (d says which by a path or none). */
static bool load_known(struct engine *e, struct recheck *r, struct diag *d)
{
	AUTO_FREE char *file = recheck_path(e->job);
	struct verifying *v = &e->verify;

	if (fd_read_file(AT_FDCWD, file, RECHECK_MAX, &v->known, &v->known_len) < 0) {
		diag_set(d, DIAG_ENGINE_RECHECK, errno == ENOENT ? 0 : errno, errno == ENOENT ? NULL : file,
			"no differences of an earlier verify are known");
		return false;
	}
	if (recheck_parse(r, v->known, v->known_len))
		return true;
	diag_set(d, DIAG_ENGINE_RECHECK, 0, file, "what differed in the last verify cannot be read: '%s' is damaged",
		file);
	recheck_release(r);
	free(STEAL(v->known));
	v->known_len = 0;
	return false;
}

static bool begin_recheck(struct engine *e, struct diag *d)
{
	struct verifying *v = &e->verify;

	if (!load_known(e, &v->wanted, d))
		return false;
	if (v->wanted.deep && !v->deep) {
		engine_note(e, "contents are read, as they were when the differences were found");
		v->deep = true;
	}
	return true;
}

/* What it has found by reading contents is not taken for equal by a look at sizes and times. */
static void begin_verify(struct engine *e)
{
	struct recheck r = {};
	AUTO_DIAG d = DIAG_INIT, warn = DIAG_INIT;

	if (load_known(e, &r, &d)) {
		doubts_take(&e->doubts, &r, true);
	} else if (d.path) {
		diag_set(&warn, DIAG_ENGINE_KNOWN, d.err, d.path, "%s", d.detail);
		engine_diag(e, &warn);
	}
	recheck_release(&r);
}

bool verifyjob_begin(struct engine *e, struct diag *d)
{
	struct recheck r = {};

	e->verify.deep = e->job->verify_mode == CONF_VERIFY_CRC64;
	if (e->job->kind == JOB_VERIFY && e->job->recheck)
		return begin_recheck(e, d);
	if (e->job->kind == JOB_VERIFY) {
		begin_verify(e);
		return true;
	}
	if (e->job->kind != JOB_SYNC || !e->job->repair)
		return true;
	if (!load_known(e, &r, d))
		return false;
	doubts_take(&e->doubts, &r, false);
	recheck_release(&r);
	return true;
}

void verifyjob_release(struct engine *e)
{
	buf_release(&e->verify.differing);
	recheck_release(&e->verify.wanted);
	free(STEAL(e->verify.known));
	doubts_release(&e->doubts);
	if (e->verify.links)
		verify_links_free(e->verify.links);
}

/* ---- what this one finds ---- */

/* True when there is room for one more record; too many become one that stands for all. */
static bool room_for_record(struct engine *e)
{
	struct buf *b = &e->verify.differing;

	if (e->verify.everything)
		return false;
	if (b->len < RECHECK_MAX / 2)
		return true;
	buf_clear(b);
	recheck_note(b, &(struct difference){.kind = DIFFERENCE_MISSING, .path = "."}, e->verify.deep);
	e->verify.everything = true;
	return false;
}

/* What a worker calls a path gets into a file of ours, and is to be one there. */
static bool is_path(const struct bytes *p)
{
	return (p->len == 1 && *p->p == '.') || (p->len && path_valid(p->p, p->len));
}

void verifyjob_unread(struct engine *e, const char *path)
{
	const struct bytes b = bytes_of(path);

	if (is_path(&b) && room_for_record(e))
		recheck_note_unread(&e->verify.differing, path, e->verify.deep);
}

static void tell(struct engine *e, const struct difference *d)
{
	e->out->differences++;
	e->out->difference_counts[d->kind]++;
	if (room_for_record(e))
		recheck_note(&e->verify.differing, d, e->verify.deep);
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
	if (rd_done(&r) && m->kind < DIFFERENCE_KINDS && is_path(&m->path))
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

	if (!is_path(&m->path)) {
		engine_malformed(e, "pair");
		return;
	}
	if (result == VERIFY_LINK_OK)
		return;
	AUTO_FREE char *path = xmemdup(m->path.p, m->path.len);
	d.kind = m->changed ? DIFFERENCE_CHANGED : DIFFERENCE_HARDLINK;
	d.path = path;
	verify_link_texts(result, &d.source, &d.target);
	tell(e, &d);
}

/* What has not been looked at is as it was: the rest of it when the verify has ended early, and what is beside its paths. */
static void keep_known(struct engine *e)
{
	static const struct recheck none;
	struct verifying *v = &e->verify;
	const bool all = v->whole || e->job->recheck;

	if (v->known && !v->everything && (e->stop || !all))
		recheck_keep(&v->differing, v->known, v->known_len, e->stop ? &none : &v->wanted);
}

static void keep_result(struct engine *e)
{
	struct job_verified *v = &e->state.verified;
	const struct buf *b = &e->verify.differing;

	if (!e->stop) {
		v->deep = e->verify.deep;
		v->scope = e->job->recheck ? VERIFIED_AGAIN : e->verify.whole ? VERIFIED_WHOLE : VERIFIED_PATHS;
		memcpy(v->found, e->out->difference_counts, sizeof(v->found));
		v->failed = e->totals.counts.files_failed;
	}
	recheck_count((const char *)b->data, b->len, v->open, &v->open_unread);
}

/* What differed is looked at again by --recheck; a whole verify that found nothing leaves an empty list. */
void verifyjob_finish(struct engine *e)
{
	AUTO_FREE char *file = recheck_path(e->job);
	AUTO_DIAG d = DIAG_INIT;

	if (e->job->dry_run || !e->walk.begun)
		return;
	keep_known(e);
	keep_result(e);
	if (fd_write_file_atomic(AT_FDCWD, file, e->verify.differing.data ? (char *)e->verify.differing.data : "",
		    e->verify.differing.len) < 0) {
		diag_set(&d, DIAG_JOB_STATE, errno, file, "cannot write '%s'", file);
		engine_diag(e, &d);
	}
}
