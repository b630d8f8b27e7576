/* The job as a document: what will be copied, what will not and why, what is remembered, and where rehost keeps its own. */
#include "cli/fitness.h"
#include "base/text.h"
#include "engine/sources.h"
#include "job/state.h"
#include "mounts/mounts.h"
#include "rules/rules.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CAPABILITY_DAC_READ_SEARCH 2

static void put_text(cJSON *o, const char *name, const char *value)
{
	AUTO_FREE char *escaped = value ? text_escaped(value) : NULL;

	cJSON_AddItemToObject(o, name, escaped ? cJSON_CreateString(escaped) : cJSON_CreateNull());
}

static cJSON *add_object(cJSON *array)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(array, o);
	return o;
}

static void put_list(cJSON *o, const char *name, const struct conf_list *list)
{
	cJSON *array = cJSON_AddArrayToObject(o, name);

	for (size_t i = 0; i < list->len; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(list->items[i].value));
}

/* ---- what it is ---- */

static bool is_privileged(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];
	bool known = false;

	while (f && !known && fgets(line, sizeof(line), f))
		known = sscanf(line, "CapEff: %llx", &caps) == 1;
	if (f)
		fclose(f);
	return known ? caps >> CAPABILITY_DAC_READ_SEARCH & 1 : geteuid() == 0;
}

static bool has_rules(const struct conf *c)
{
	return c->rules.exclude.len || c->rules.copy_exclude.len || c->rules.sync_only.len ||
		c->rules.sync_exclude.len || c->rules.filter_files.len || c->rules.filters.len;
}

static void put_job(cJSON *o, const struct work *w)
{
	const struct conf *c = w->conf;
	const struct conf_limits *l = &c->limits;

	cJSON_AddBoolToObject(o, "adhoc", w->job.adhoc);
	cJSON_AddBoolToObject(o, "adopt", w->job.adopt);
	cJSON_AddBoolToObject(o, "local", str_eq(c->target.address, "local:"));
	cJSON_AddBoolToObject(o, "live_source", str_eq(c->source.root, "/"));
	cJSON_AddBoolToObject(o, "privileged", is_privileged());
	put_text(o, "source_root", c->source.root);
	put_text(o, "target_root", c->target.root);
	put_text(o, "target", w->to);
	cJSON_AddBoolToObject(o, "delete", c->rules.delete_when != CONF_DELETE_NO);
	cJSON_AddBoolToObject(o, "rules", has_rules(c));
	put_list(o, "filesystems", &c->source.filesystems);
	cJSON_AddBoolToObject(o, "limits", l->cpu || l->memory || l->io_read || l->io_write);
}

static bool put_state(cJSON *o, const struct work *w, struct diag *d)
{
	struct job_state s;
	cJSON *state;

	if (!state_load(w->dirs.state, w->job.name, &s, d))
		return false;
	state = cJSON_AddObjectToObject(o, "state");
	cJSON_AddBoolToObject(state, "copied", state_matches(&w->job, &s) && s.copy_completed);
	cJSON_AddBoolToObject(state, "known", state_owned(&w->job, &s) != NULL);
	job_state_release(&s);
	return true;
}

/* ---- the file systems ---- */

static void put_chosen(cJSON *array, const struct rules *rules, const struct mount *m)
{
	cJSON *o = add_object(array);

	put_text(o, "path", m->path);
	put_text(o, "type", m->fstype);
	put_text(o, "source", m->source);
	put_text(o, "target", m->target_rel);
	cJSON_AddNumberToObject(o, "used", (double)m->used_bytes);
	cJSON_AddNumberToObject(o, "inodes", (double)m->used_inodes);
	cJSON_AddBoolToObject(o, "whole", *m->rel || mounts_whole(m->path));
	cJSON_AddBoolToObject(o, "excluded", sources_excluded((void *)rules, m->rel, true));
}

static void put_left_out(cJSON *array, const struct mount_left_out *l)
{
	static const char *const concerns[] = {
		[MOUNT_MISSED] = "missed", [MOUNT_MEANT] = "meant", [MOUNT_ELSEWHERE] = "elsewhere"};
	cJSON *o = add_object(array);

	put_text(o, "path", l->path);
	put_text(o, "type", l->fstype);
	put_text(o, "source", l->source);
	put_text(o, "why", l->why);
	put_text(o, "concern", concerns[l->concern]);
	cJSON_AddNumberToObject(o, "used", (double)l->used_bytes);
}

static void put_hidden(cJSON *array, const struct mount_plan *p, const char *path)
{
	struct mount_hidden h;
	cJSON *o;

	if (!mounts_hidden(p, path, &h))
		return;
	o = add_object(array);
	put_text(o, "path", path);
	cJSON_AddNumberToObject(o, "files", (double)h.files);
	cJSON_AddNumberToObject(o, "bytes", (double)h.bytes);
	cJSON_AddBoolToObject(o, "more", h.more);
}

/* Beneath what is walked, and beneath what is left out unless that is copied. */
static void put_all_hidden(cJSON *o, const struct mount_plan *p, bool copied)
{
	cJSON *array = cJSON_AddArrayToObject(o, "hidden");

	for (size_t i = 0; i < p->chosen_count; i++)
		if (*p->chosen[i].rel)
			put_hidden(array, p, p->chosen[i].path);
	for (size_t i = 0; i < p->fence_count && !copied; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", str_eq(p->root, "/") ? "" : p->root, p->fences[i].rel);
		put_hidden(array, p, path);
	}
}

static bool put_mounts(cJSON *o, const struct work *w, struct diag *d)
{
	struct mounts_options mo = {
		.one_file_system = w->job.one_file_system, .root_always = w->job.adhoc, .excluded = sources_excluded};
	cJSON *chosen = cJSON_AddArrayToObject(o, "mounts"), *left_out = cJSON_AddArrayToObject(o, "left_out");
	struct mount_plan plan = {0};
	struct rules *rules = NULL;
	AUTO_BUF warn = BUF_INIT;
	AUTO_DIAG unopened = DIAG_INIT;
	bool ok;

	ok = rules_new(w->conf, RULES_SYNC, &rules, d);
	mo.arg = rules;
	ok = ok && mounts_select(w->conf, &mo, &plan, d);
	for (size_t i = 0; ok && i < plan.chosen_count; i++)
		put_chosen(chosen, rules, &plan.chosen[i]);
	for (size_t i = 0; ok && i < plan.left_out_count; i++)
		put_left_out(left_out, &plan.left_out[i]);
	if (ok) {
		mounts_fence_left_out(&plan);
		/* What is hidden only clones show; without them it is not known, and no list is there. */
		if (geteuid() == 0 && mounts_open(&plan, true, &warn, &unopened) && plan.clones)
			put_all_hidden(o, &plan, w->conf->source.copy_hidden);
	}
	mount_plan_release(&plan);
	rules_free(rules);
	return ok;
}

/* ---- rehost's own directories ---- */

/* The directory, or where it would be made. To be freed. */
static char *nearest(const char *path)
{
	char *at = xstrdup(path);

	while (access(at, F_OK) < 0 && errno == ENOENT && strrchr(at, '/') > at)
		*strrchr(at, '/') = '\0';
	return at;
}

static const char *problem_of(const char *dir)
{
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned flags = 0;

	if (fd < 0 || faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0)
		return strerror(errno);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & FS_IMMUTABLE_FL)
		return "it is immutable (chattr +i)";
	return NULL;
}

static void put_dirs(cJSON *o, const struct dirs *dirs)
{
	const char *const paths[] = {dirs->state, dirs->run, dirs->log};
	cJSON *array = cJSON_AddArrayToObject(o, "dirs");

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		AUTO_FREE char *at = nearest(paths[i]);
		cJSON *dir = add_object(array);
		struct statvfs fs;

		put_text(dir, "path", paths[i]);
		put_text(dir, "problem", problem_of(at));
		if (statvfs(at, &fs) == 0)
			cJSON_AddNumberToObject(dir, "available", (double)fs.f_bavail * (double)fs.f_frsize);
	}
}

cJSON *fitness_job(const struct work *w, struct diag *d)
{
	cJSON *o = cJSON_CreateObject();

	put_job(o, w);
	put_dirs(o, &w->dirs);
	if (put_state(o, w, d) && put_mounts(o, w, d))
		return o;
	cJSON_Delete(o);
	return NULL;
}
