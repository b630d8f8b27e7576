#include "engine/sources.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/coordinator.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#define OWN_DESCRIPTORS 896 /* what a process may need besides, with room to spare: 1024 do for most hosts */
#define OWN_LEAST 128

bool sources_excluded(void *arg, const char *rel, bool is_dir)
{
	struct rules_verdict v;

	rules_match_path(arg, rel, is_dir, &v);
	return v.hide;
}

bool sources_make_room(const struct engine *e, struct diag *d)
{
	const rlim_t mounts = e->plan.chosen_count, wanted = mounts + OWN_DESCRIPTORS;
	struct rlimit l, more;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= wanted)
		return true;
	more = (struct rlimit){.rlim_cur = wanted, .rlim_max = MAX(l.rlim_max, wanted)};
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return true;
	l.rlim_cur = l.rlim_max; /* which only root may raise */
	if (setrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_max >= mounts + OWN_LEAST)
		return true;
	diag_set(d, DIAG_MOUNTS_TOO_MANY, 0, e->job->conf->source.root,
		"%zu mounts are to be copied, and this process may have %llu files open", e->plan.chosen_count,
		(unsigned long long)l.rlim_max);
	return false;
}

/* ---- the list ---- */

/* Where clones are missing, a file that is mounted over another is found in the walk and copied. */
static bool is_walked(const struct engine *e, const struct mount_left_out *l)
{
	return l->file && !e->plan.clones;
}

static bool is_missed(const struct engine *e, const struct mount_left_out *l)
{
	return l->concern == MOUNT_MISSED && !is_walked(e, l);
}

/* A verify of single paths is asked about no others. */
static bool is_asked_for(const struct engine *e, const char *path)
{
	const struct job *job = e->job;
	bool asked = job->kind != JOB_VERIFY || job->path_count == 0;
	const char *rest;

	for (size_t i = 0; !asked && i < job->path_count; i++) {
		const char *p = job->paths[i];
		AUTO_FREE char *whole = *p == '/' ? xstrdup(p) : path_join(job->conf->source.root, p);
		asked = path_within(whole, path, &rest) || path_within(path, whole, &rest);
	}
	return asked;
}

static struct source_fs chosen_fs(const struct engine *e, const struct mount *m, bool left_out_too)
{
	struct source_fs f = {
		.path = m->path,
		.fstype = m->fstype,
		.device = m->source,
		.verified = e->job->kind == JOB_VERIFY,
		.level = left_out_too ? SOURCE_SHOWN : SOURCE_LISTED,
	};

	if (*m->rel || mounts_whole(m->path)) /* what all of a file system holds says nothing of a part */
		f.used_bytes = m->used_bytes;
	if (sources_excluded(e->rules, m->rel, true))
		f.why = "rules";
	return f;
}

static struct source_fs left_out_fs(const struct engine *e, const struct mount_left_out *l)
{
	static const enum source_level levels[] = {
		[MOUNT_MISSED] = SOURCE_WARNED,
		[MOUNT_MEANT] = SOURCE_SHOWN,
		[MOUNT_ELSEWHERE] = SOURCE_DETAIL,
	};

	return (struct source_fs){
		.path = l->path,
		.fstype = l->fstype,
		.device = l->source,
		.used_bytes = l->used_bytes,
		.why = l->why,
		.level = is_walked(e, l) ? SOURCE_DETAIL : levels[l->concern],
	};
}

static void warn_missed(struct engine *e, const struct mount_left_out *l)
{
	AUTO_BUF size = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;

	if (l->used_bytes) {
		text_size(&size, l->used_bytes);
		buf_append_str(&size, " in use, ");
	}
	diag_set(&d, DIAG_MOUNTS_MISSED, 0, l->path, "'%s' is left out (%s%s on %s): %s", l->path, buf_cstr(&size),
		l->fstype, l->source, l->why);
	engine_diag(e, &d);
}

/* Whether it differs from what the step before has said. */
static bool is_news(struct engine *e)
{
	const struct mount_plan *p = &e->plan;
	AUTO_BUF now = BUF_INIT;
	struct job_kept *kept = e->job->kept;

	for (size_t i = 0; i < p->chosen_count; i++)
		buf_printf(&now, "%s %d\n", p->chosen[i].path, sources_excluded(e->rules, p->chosen[i].rel, true));
	for (size_t i = 0; i < p->left_out_count; i++)
		buf_printf(&now, "%s %d\n", p->left_out[i].path, p->left_out[i].concern);
	if (kept->sources_said && str_eq(kept->sources_said, buf_cstr(&now)))
		return false;
	free(kept->sources_said);
	kept->sources_said = buf_detach(&now);
	return true;
}

static bool is_any_left_out(const struct engine *e)
{
	const struct mount_plan *p = &e->plan;

	for (size_t i = 0; i < p->left_out_count; i++) {
		const struct mount_left_out *l = &p->left_out[i];
		if (l->concern != MOUNT_ELSEWHERE && !is_walked(e, l) && is_asked_for(e, l->path))
			return true;
	}
	for (size_t i = 0; i < p->chosen_count; i++)
		if (sources_excluded(e->rules, p->chosen[i].rel, true))
			return true;
	return false;
}

static void say_hidden(struct engine *e, const char *path)
{
	struct mount_hidden h;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF size = BUF_INIT;
	AUTO_FREE char *shown = text_escaped(path);

	if (!is_asked_for(e, path) || !mounts_hidden(&e->plan, path, &h))
		return;
	text_size(&size, h.bytes);
	diag_set(&d, DIAG_MOUNTS_HIDDEN, 0, path,
		"%s%" PRIu64 " file%s (%s) hidden beneath the mount point '%s' %s not copied",
		h.more ? "more than " : "", h.files, h.files == 1 ? "" : "s", buf_cstr(&size), shown,
		h.files == 1 ? "is" : "are");
	engine_diag(e, &d);
}

/* Beneath what is walked, and beneath what is left out unless that is copied. */
static void say_all_hidden(struct engine *e)
{
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		if (*e->plan.chosen[i].rel)
			say_hidden(e, e->plan.chosen[i].path);
	for (size_t i = 0; i < e->plan.fence_count && !e->job->conf->source.copy_hidden; i++) {
		AUTO_FREE char *path =
			xasprintf("%s/%s", str_eq(e->plan.root, "/") ? "" : e->plan.root, e->plan.fences[i].rel);
		if (!e->plan.fences[i].lost)
			say_hidden(e, path);
	}
}

void sources_say(struct engine *e)
{
	const struct observer *o = e->observer;
	bool left_out_too = is_any_left_out(e);

	if (!is_news(e))
		return;
	for (size_t i = 0; o->source && i < e->plan.chosen_count; i++) {
		struct source_fs f = chosen_fs(e, &e->plan.chosen[i], left_out_too);
		if (is_asked_for(e, f.path))
			o->source(o->arg, &f);
	}
	for (size_t i = 0; o->source && i < e->plan.left_out_count; i++) {
		struct source_fs f = left_out_fs(e, &e->plan.left_out[i]);
		if (is_asked_for(e, f.path))
			o->source(o->arg, &f);
	}
	for (size_t i = 0; i < e->plan.left_out_count; i++)
		if (is_missed(e, &e->plan.left_out[i]) && is_asked_for(e, e->plan.left_out[i].path))
			warn_missed(e, &e->plan.left_out[i]);
	say_all_hidden(e);
}
