#include "engine/known.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/coordinator.h"
#include "engine/sources.h"

#include <fcntl.h>

static bool beneath_root(const struct engine *e, const char *path)
{
	const char *rest;

	return path_within(e->plan.root + 1, path + 1, &rest);
}

/* Whether the configuration leaves out what would be mounted there. */
static bool is_unwanted(const struct engine *e, const char *path)
{
	const struct conf *c = e->job->conf;

	for (size_t i = 0; i < c->source.skip_mounts.len; i++)
		if (str_eq(c->source.skip_mounts.items[i].value, path))
			return true;
	for (size_t i = 0; i < c->source.mounts.len; i++)
		if (str_eq(c->source.mounts.items[i].value, path))
			return false;
	return c->source.mounts.len > 0 || sources_excluded(e->rules, mounts_rel(&e->plan, path), true);
}

static const struct mount_left_out *left_out_at(const struct engine *e, const char *path)
{
	for (size_t i = 0; i < e->plan.left_out_count; i++) {
		const struct mount_left_out *l = &e->plan.left_out[i];
		/* What is mounted when it is needed is not there when it is not. */
		if (str_eq(l->path, path) && !l->covered && !str_eq(l->fstype, "autofs"))
			return l;
	}
	return NULL;
}

static void lose(struct engine *e, const char *path, const char *what, const char *why)
{
	AUTO_FREE char *shown = text_escaped(path);
	AUTO_DIAG d = DIAG_INIT;

	e->source_lost = true;
	diag_set(&d, DIAG_ENGINE_SOURCE_GONE, 0, path,
		"'%s' is left out: the file system that this job has copied %s%s", shown, what, why);
	engine_diag(e, &d);
}

/* Of a mount that the job has known, and that is not chosen now. */
static void miss(struct engine *e, const char *path)
{
	const struct mount_left_out *l = left_out_at(e, path);

	mounts_fence(&e->plan, path, true);
	if (l && l->failed)
		lose(e, path, "is there, but ", l->why);
	else if (!l && !is_unwanted(e, path))
		lose(e, path, "is not mounted", "");
}

/* A mount point whose file system is not there has nothing that could stand for it. */
static bool compare_with_known(struct engine *e, struct diag *d)
{
	for (size_t i = 0; i < e->state.source_len; i++) {
		const struct seen_mount *s = &e->state.source[i];
		const struct mount *m = mounts_at(&e->plan, s->path);

		if (!beneath_root(e, s->path) || (m && mounts_id_same(m->id, s->id)))
			continue;
		if (m) {
			mounts_lose(&e->plan, (size_t)(m - e->plan.chosen));
			lose(e, s->path, "is not there, but another one", "");
		} else if (!str_eq(s->path, e->plan.root)) {
			miss(e, s->path);
		}
	}
	if (e->plan.chosen_count)
		return true;
	diag_set(d, DIAG_ENGINE_SOURCE_GONE, 0, e->job->conf->source.root,
		"no file system that this job has copied is there");
	return false;
}

void known_enter(const struct engine *e)
{
	if (e->job->adhoc)
		return;
	for (size_t i = 0; i < e->state.source_len; i++) {
		AUTO_CLOSE int fd = open(e->state.source[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		(void)fd;
	}
}

void known_remember(struct engine *e)
{
	if (e->job->adhoc)
		return;
	if (e->job->adopt)
		state_source_forget(&e->state, e->plan.root);
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		state_source_set(&e->state, e->plan.chosen[i].path, e->plan.chosen[i].id);
}

bool known_compare(struct engine *e, struct diag *d)
{
	mounts_fence_left_out(&e->plan);
	if (e->job->adhoc)
		return true;
	mounts_identify(&e->plan);
	return e->job->adopt || compare_with_known(e, d);
}
