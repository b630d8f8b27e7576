#include "engine/places.h"
#include "base/text.h"
#include "engine/coordinator.h"

static struct rd records(struct bytes b)
{
	return rd_init(b.p, b.len);
}

static bool find(struct bytes places, const char *path, struct msg_place *out)
{
	struct rd r = records(places);

	while (msg_place_get(&r, out))
		if (out->path.len == strlen(path) && memcmp(out->path.p, path, out->path.len) == 0)
			return true;
	return false;
}

/* What is not known on one side tells nothing. */
static bool same_number(uint64_t a, uint64_t b)
{
	return !a || !b || a == b;
}

static bool is_same(const struct place *p, const struct msg_place *m)
{
	return p->type == m->type && p->ino == m->ino && same_number(p->number, m->number) &&
		same_number((uint64_t)p->born, (uint64_t)m->born);
}

static bool same_file_system(const struct place *p, const struct msg_place *m)
{
	return p->type == m->type && (p->number && m->number ? p->number == m->number : p->dev == m->dev);
}

static const char *what_changed(const struct place *p, const struct msg_place *m)
{
	if (!m)
		return "is not mounted";
	if (!same_file_system(p, m))
		return "is on another file system than when this job wrote there";
	return "is another directory than the one this job has written, and holds files";
}

/* ---- the first receiver ---- */

static bool refuse(struct engine *e, enum diag_code code, const char *path, const char *what, struct diag *d)
{
	const char *root = e->job->conf->target.root;
	AUTO_FREE char *full = *path ? xasprintf("%s/%s", str_eq(root, "/") ? "" : root, path) : xstrdup(root);
	AUTO_FREE char *shown = text_escaped(full);

	diag_set(d, code, 0, full, "'%s' on the target %s", shown, what);
	return false;
}

/* A new, empty directory of the same file system is where the job's was: somebody wants it to begin anew. */
static bool compare_with_known(struct engine *e, const struct owned *o, struct bytes now, struct diag *d)
{
	for (const struct place *p = o->places; p < o->places + o->len; p++) {
		struct msg_place m;
		bool there = find(now, p->path, &m);

		if (there && (is_same(p, &m) || (m.empty && same_file_system(p, &m))))
			continue;
		if (!there && !*p->path)
			continue; /* a dry run: it would be made */
		return refuse(e, *p->path ? DIAG_ENGINE_TARGET_MOUNT : DIAG_ENGINE_OTHER_TARGET, p->path,
			what_changed(p, there ? &m : NULL), d);
	}
	return true;
}

/* The first with files of others: one that the job does not know. */
static char *foreign_place(const struct owned *o, struct bytes now)
{
	struct rd r = records(now);
	struct msg_place m;

	while (msg_place_get(&r, &m)) {
		AUTO_FREE char *path = xmemdup(m.path.p, m.path.len);
		bool known = false;

		for (size_t i = 0; o && i < o->len; i++)
			known = known || str_eq(o->places[i].path, path);
		if (!known && !m.empty)
			return STEAL(path);
	}
	return NULL;
}

static void own(struct engine *e, struct bytes now)
{
	struct rd r = records(now);
	struct msg_place m;

	state_own(e->job, &e->state);
	while (msg_place_get(&r, &m)) {
		AUTO_FREE char *path = xmemdup(m.path.p, m.path.len);
		state_own_place(e->job, &e->state,
			&(struct place){.path = path,
				.type = m.type,
				.number = m.number,
				.dev = m.dev,
				.ino = m.ino,
				.born = m.born});
	}
}

/* The likely meaning: the directory of the same name. */
static bool refuse_live(struct engine *e, struct diag *d)
{
	const char *src = e->job->conf->source.root;
	AUTO_FREE char *shown = text_escaped(src);
	AUTO_FREE char *meant = str_eq(src, "/") ? xstrdup("") : xasprintf("; is '%s' on the target meant?", shown);

	diag_set(d, DIAG_ENGINE_LIVE_ROOT, 0, e->job->conf->target.root,
		"'%s' on the target is the root of its running system: all that '%s' does not have would be deleted%s",
		e->job->conf->target.root, shown, meant);
	return false;
}

/* Deletion belongs only where this job has written: into a root that it found without files, or was told to adopt. */
bool places_check(struct engine *e, const struct ipc_ready *r, struct diag *d)
{
	const struct job *job = e->job;
	bool deletes = (job->kind == JOB_SYNC || job->sync_follows) && job->conf->rules.delete_when != CONF_DELETE_NO;
	const struct owned *o;
	AUTO_FREE char *foreign = NULL;

	if (!state_matches(job, &e->state)) {
		if (e->state.exists && !job->adhoc)
			engine_note(e, "the job's state belongs to another target: it begins anew");
		state_forget(&e->state);
	}
	o = state_owned(job, &e->state);
	if (r->root_live && deletes && !job->adopt && (job->adhoc || !o))
		return refuse_live(e, d);
	if (job->adhoc)
		return true;
	if (!job->adopt) {
		if (o && !compare_with_known(e, o, r->places, d))
			return false;
		foreign = foreign_place(o, r->places);
		if (foreign && deletes)
			return refuse(
				e, DIAG_ENGINE_FOREIGN, foreign, "holds files that this job did not put there", d);
	}
	if (!foreign)
		own(e, r->places);
	else if (!o)
		engine_note(e,
			"the target holds files that this job did not put there: a sync with deletion needs --adopt");
	return true;
}

/* ---- later ones ---- */

void places_note(struct engine *e, const struct ipc_ready *r)
{
	buf_clear(&e->target.places);
	buf_append(&e->target.places, r->places.p, r->places.len);
}

bool places_same(const struct engine *e, const struct ipc_ready *r, struct diag *d)
{
	struct rd known = rd_init(e->target.places.data, e->target.places.len);
	struct msg_place was, is;

	while (msg_place_get(&known, &was)) {
		AUTO_FREE char *path = xmemdup(was.path.p, was.path.len);
		AUTO_FREE char *shown = text_escaped(path);
		const struct place p = {
			.type = was.type, .number = was.number, .dev = was.dev, .ino = was.ino, .born = was.born};

		if (find(r->places, path, &is) && is_same(&p, &is))
			continue;
		diag_set(d, DIAG_ENGINE_OTHER_ROOT, 0, e->job->conf->target.root,
			*path ? "what is mounted at '%s/%s' on the target is not what it was before"
			      : "'%s%s' on the target is another directory than before",
			e->job->conf->target.root, shown);
		return false;
	}
	return true;
}
