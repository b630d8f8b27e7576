#include "job/state.h"
#include "base/fd.h"
#include "base/path.h"
#include "job/member.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * STATE/JOB/state.json. Times are nanoseconds.
 */

#define FILE_BYTES_MAX (1u << 20)

static const char *text_or(const char *s, const char *other)
{
	return s ? s : other;
}

#define BESIDE ".old" /* the same once more */

static char *state_path(const char *state_dir, const char *name)
{
	return xasprintf("%s/%s/state.json", state_dir, name);
}

/* Which target a job's state belongs to: what DST begins with, "[USER@]HOST[:PORT]:" or "local:". */
static char *target_of(const struct job *job)
{
	const struct conf *c = job->conf;
	const char *address = text_or(c->target.address, "");
	char port[16] = "";

	if (str_eq(address, "local:"))
		return xstrdup(address);
	if (c->target.port)
		snprintf(port, sizeof(port), ":%u", c->target.port);
	return xasprintf("%s%s%s%s:", text_or(c->target.user, ""), c->target.user ? "@" : "", address, port);
}

char *state_key(const struct job *job)
{
	AUTO_FREE char *target = target_of(job);

	return xasprintf("%s%s", target, text_or(job->conf->target.root, ""));
}

static struct owned *find_owned(const struct job *job, const struct job_state *s)
{
	AUTO_FREE char *key = state_key(job);

	for (size_t i = 0; i < s->owned_len; i++)
		if (str_eq(s->owned[i].target, key))
			return &s->owned[i];
	return NULL;
}

const struct owned *state_owned(const struct job *job, const struct job_state *s)
{
	return find_owned(job, s);
}

static struct owned *owned_add(struct job_state *s, char *target)
{
	s->owned = xrealloc(s->owned, (s->owned_len + 1) * sizeof(*s->owned));
	s->owned[s->owned_len] = (struct owned){.target = target};
	return &s->owned[s->owned_len++];
}

static void place_add(struct owned *o, const struct place *p)
{
	o->places = xrealloc(o->places, (o->len + 1) * sizeof(*o->places));
	o->places[o->len] = *p;
	o->places[o->len++].path = xstrdup(p->path);
}

static void places_clear(struct owned *o)
{
	while (o->len)
		free(o->places[--o->len].path);
	free(STEAL(o->places));
}

void state_own(const struct job *job, struct job_state *s)
{
	struct owned *o = find_owned(job, s);

	if (o)
		places_clear(o);
	else
		owned_add(s, state_key(job));
}

void state_own_place(const struct job *job, struct job_state *s, const struct place *p)
{
	place_add(find_owned(job, s), p);
}

void state_source_set(struct job_state *s, const char *path, const char *id)
{
	struct seen_mount *m = s->source;

	while (m < s->source + s->source_len && !str_eq(m->path, path))
		m++;
	if (m == s->source + s->source_len) {
		s->source = xrealloc(s->source, (s->source_len + 1) * sizeof(*s->source));
		m = &s->source[s->source_len++];
		*m = (struct seen_mount){.path = xstrdup(path)};
	}
	free(m->id);
	m->id = xstrdup(id);
}

void state_source_forget(struct job_state *s, const char *beneath)
{
	const char *root = beneath + strspn(beneath, "/"), *rest;
	size_t kept = 0;

	for (size_t i = 0; i < s->source_len; i++) {
		struct seen_mount *m = &s->source[i];
		if (path_within(root, m->path + 1, &rest)) {
			free(m->path);
			free(m->id);
		} else {
			s->source[kept++] = *m;
		}
	}
	s->source_len = kept;
}

struct unclean *state_unclean_add(struct job_state *s)
{
	struct unclean *u;

	s->unclean = xrealloc(s->unclean, (s->unclean_len + 1) * sizeof(*s->unclean));
	u = &s->unclean[s->unclean_len++];
	*u = (struct unclean){};
	return u;
}

void state_unclean_drop(struct job_state *s, size_t i)
{
	free(s->unclean[i].target);
	memmove(&s->unclean[i], &s->unclean[i + 1], (--s->unclean_len - i) * sizeof(*s->unclean));
}

/* Another target: everything begins anew, but what is known of each: that the job owns it, and what may not be on its disk. */
void state_forget(struct job_state *s)
{
	struct job_state kept = {.owned = STEAL(s->owned),
		.owned_len = s->owned_len,
		.source = STEAL(s->source),
		.source_len = s->source_len,
		.unclean = STEAL(s->unclean),
		.unclean_len = s->unclean_len};

	s->owned_len = s->unclean_len = s->source_len = 0;
	job_state_release(s);
	*s = kept;
}

bool state_belongs_to(const struct job_state *s, const char *target, const char *target_root, const char *source_root)
{
	return s->exists && str_eq(text_or(s->target, ""), target) &&
		str_eq(text_or(s->target_root, ""), target_root) && str_eq(text_or(s->source_root, ""), source_root);
}

bool state_matches(const struct job *job, const struct job_state *s)
{
	AUTO_FREE char *target = target_of(job);

	return state_belongs_to(s, target, text_or(job->conf->target.root, ""), job->conf->source.root);
}

/* ---- reading ---- */

static cJSON *read_json(const char *path)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	if (fd_read_file(AT_FDCWD, path, FILE_BYTES_MAX, &text, &len) < 0)
		return NULL;
	errno = 0;
	return cJSON_ParseWithLength(text, len);
}

static void read_owned(const cJSON *list, struct job_state *s)
{
	const cJSON *v, *p;

	cJSON_ArrayForEach(v, list) {
		const cJSON *places = cJSON_GetObjectItemCaseSensitive(v, "places");
		char *target = member_text(v, "target");
		struct owned *o;

		if (!target)
			continue;
		o = owned_add(s, target);
		cJSON_ArrayForEach(p, places) {
			AUTO_FREE char *path = member_text(p, "path");
			struct place place = {.path = path,
				.type = (uint64_t)member_int(p, "type"),
				.number = (uint64_t)member_int(p, "number"),
				.dev = (uint64_t)member_int(p, "dev"),
				.ino = (uint64_t)member_int(p, "ino"),
				.born = member_int(p, "born")};
			if (path)
				place_add(o, &place);
		}
	}
}

static void read_source(const cJSON *list, struct job_state *s)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, list) {
		AUTO_FREE char *path = member_text(v, "path");
		AUTO_FREE char *id = member_text(v, "id");
		if (path && path[0] == '/' && id)
			state_source_set(s, path, id);
	}
}

static void read_unclean(const cJSON *o, struct job_state *s)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "unclean"), *v;

	cJSON_ArrayForEach(v, list) {
		struct unclean u = {
			.from = member_int(v, "from"), .to = member_int(v, "to"), .at = member_int(v, "at")};

		u.walk = (uint64_t)member_int(v, "walk");
		if (u.from < 0 || u.from > u.to || u.to > STATE_TIME_MAX)
			continue;
		u.target = member_text(v, "target");
		if (!u.target) { /* written when both were kept once for all */
			u.target = xasprintf("%s%s", text_or(s->target, ""), text_or(s->target_root, ""));
			u.at = member_int(o, "unclean_at");
		}
		*state_unclean_add(s) = u;
	}
}

static const char *const scopes[] = {"", "whole", "paths", "recheck"};

static void read_counts(const cJSON *o, const char *name, uint64_t counts[DIFFERENCE_KINDS])
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, name), *v;
	int kind = 0;

	cJSON_ArrayForEach(v, list) {
		if (kind < DIFFERENCE_KINDS && cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 9e15)
			counts[kind] = (uint64_t)v->valuedouble;
		kind++;
	}
}

static void read_verified(const cJSON *o, struct job_verified *v)
{
	AUTO_FREE char *scope = member_text(o, "verified_scope");

	for (size_t i = 0; scope && i < ARRAY_LEN(scopes); i++)
		if (str_eq(scope, scopes[i]))
			v->scope = (enum verified_scope)i;
	v->deep = member_bool(o, "verified_contents");
	read_counts(o, "verified_found", v->found);
	v->failed = (uint64_t)member_int(o, "verified_failed");
	read_counts(o, "verified_open", v->open);
	v->open_unread = (uint64_t)member_int(o, "verified_open_unread");
}

static void read_state(const cJSON *o, struct job_state *s)
{
	s->exists = true;
	s->target = member_text(o, "target");
	s->target_root = member_text(o, "target_root");
	s->source_root = member_text(o, "source_root");
	s->copy_completed = member_bool(o, "copy_completed");
	read_owned(cJSON_GetObjectItemCaseSensitive(o, "owned"), s);
	read_source(cJSON_GetObjectItemCaseSensitive(o, "source"), s);
	s->copy_started = member_int(o, "copy_started");
	s->copy_completed_at = member_int(o, "copy_completed_at");
	s->last_sync_started = member_int(o, "last_sync_started");
	s->last_sync_completed = member_int(o, "last_sync_completed");
	s->last_verify_completed = member_int(o, "last_verify_completed");
	s->last_began.real = member_int(o, "last_began");
	s->last_began.boot = member_int(o, "last_began_uptime");
	s->last_began.boot_id = member_int(o, "last_began_boot");
	s->doubt_since = member_int(o, "doubt_since");
	s->doubt_until = member_int(o, "doubt_until");
	read_verified(o, &s->verified);
	s->last_exit_code = (int)member_int(o, "last_exit_code");
	s->last_command = member_text(o, "last_command");
	if (s->last_command && !*s->last_command) /* none has ended */
		free(STEAL(s->last_command));
	s->last_ended = member_int(o, "last_ended");
	s->files = (uint64_t)member_int(o, "files");
	s->bytes = (uint64_t)member_int(o, "bytes");
	read_unclean(o, s);
	s->skip_dev = (uint64_t)member_int(o, "skip_dev");
	s->skip_ino = (uint64_t)member_int(o, "skip_ino");
}

bool state_load(const char *state_dir, const char *name, struct job_state *out, struct diag *d)
{
	AUTO_FREE char *path = state_path(state_dir, name), *beside = xasprintf("%s" BESIDE, path);
	cJSON *o;
	int err;

	*out = (struct job_state){};
	errno = 0;
	o = read_json(path);
	err = errno;
	if (!o && err != ENOENT && err != ENOTDIR) {
		o = read_json(beside);
		out->recovered = o;
		if (!o) {
			diag_set(d, DIAG_JOB_STATE, err, path, "cannot read state '%s'", path);
			return false;
		}
	}
	if (o)
		read_state(o, out);
	cJSON_Delete(o);
	return true;
}

void job_state_release(struct job_state *s)
{
	free(s->target);
	free(s->target_root);
	free(s->source_root);
	free(s->last_command);
	free(s->running_command);
	free(s->running_phase);
	free(s->lost);
	free(s->silent);
	for (size_t i = 0; i < s->owned_len; i++) {
		places_clear(&s->owned[i]);
		free(s->owned[i].target);
	}
	free(s->owned);
	state_source_forget(s, "/");
	free(s->source);
	while (s->unclean_len)
		state_unclean_drop(s, s->unclean_len - 1);
	free(s->unclean);
	*s = (struct job_state){};
}

bool job_copy_completed(const struct job *job)
{
	struct job_state s;
	bool done = state_load(job->state_dir, job->name, &s, NULL) && state_matches(job, &s) && s.copy_completed;

	job_state_release(&s);
	return done;
}

/* ---- writing ---- */

void state_put_target(cJSON *o, const struct job *job)
{
	AUTO_FREE char *target = target_of(job);

	cJSON_AddStringToObject(o, "target", target);
	cJSON_AddStringToObject(o, "target_root", text_or(job->conf->target.root, ""));
	cJSON_AddStringToObject(o, "source_root", job->conf->source.root);
}

static bool write_json(const char *path, cJSON *o)
{
	char *text = cJSON_Print(o);
	bool ok = text && fd_write_file_atomic(AT_FDCWD, path, text, strlen(text)) == 0;

	cJSON_free(text);
	return ok;
}

static void put_unclean(cJSON *o, const struct job_state *s)
{
	cJSON *list = cJSON_AddArrayToObject(o, "unclean");

	for (size_t i = 0; i < s->unclean_len; i++) {
		cJSON *u = cJSON_CreateObject();
		member_put_int(u, "from", s->unclean[i].from);
		member_put_int(u, "to", s->unclean[i].to);
		member_put_int(u, "at", s->unclean[i].at);
		member_put_int(u, "walk", (int64_t)s->unclean[i].walk);
		cJSON_AddStringToObject(u, "target", s->unclean[i].target);
		cJSON_AddItemToArray(list, u);
	}
}

static void put_owned(cJSON *o, const struct job_state *s)
{
	cJSON *list = cJSON_AddArrayToObject(o, "owned");

	for (size_t i = 0; i < s->owned_len; i++) {
		cJSON *v = cJSON_CreateObject();
		cJSON *places;

		cJSON_AddStringToObject(v, "target", s->owned[i].target);
		places = cJSON_AddArrayToObject(v, "places");
		for (const struct place *p = s->owned[i].places; p < s->owned[i].places + s->owned[i].len; p++) {
			cJSON *q = cJSON_CreateObject();
			cJSON_AddStringToObject(q, "path", p->path);
			member_put_int(q, "type", (int64_t)p->type);
			member_put_int(q, "number", (int64_t)p->number);
			member_put_int(q, "dev", (int64_t)p->dev);
			member_put_int(q, "ino", (int64_t)p->ino);
			member_put_int(q, "born", p->born);
			cJSON_AddItemToArray(places, q);
		}
		cJSON_AddItemToArray(list, v);
	}
}

static void put_source(cJSON *o, const struct job_state *s)
{
	cJSON *list = cJSON_AddArrayToObject(o, "source");

	for (size_t i = 0; i < s->source_len; i++) {
		cJSON *m = cJSON_CreateObject();
		cJSON_AddStringToObject(m, "path", s->source[i].path);
		cJSON_AddStringToObject(m, "id", s->source[i].id);
		cJSON_AddItemToArray(list, m);
	}
}

static void put_counts(cJSON *o, const char *name, const uint64_t counts[DIFFERENCE_KINDS])
{
	cJSON *list = cJSON_AddArrayToObject(o, name);

	for (int kind = 0; kind < DIFFERENCE_KINDS; kind++)
		cJSON_AddItemToArray(list, cJSON_CreateNumber((double)counts[kind]));
}

static void put_verified(cJSON *o, const struct job_verified *v)
{
	cJSON_AddStringToObject(o, "verified_scope", scopes[v->scope]);
	cJSON_AddBoolToObject(o, "verified_contents", v->deep);
	put_counts(o, "verified_found", v->found);
	member_put_int(o, "verified_failed", (int64_t)v->failed);
	put_counts(o, "verified_open", v->open);
	member_put_int(o, "verified_open_unread", (int64_t)v->open_unread);
}

/* The name, too, is to be there after a power failure. */
static void sync_dir(const char *dir)
{
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
}

bool state_write(const struct job *job, const struct job_state *s, struct diag *d)
{
	AUTO_FREE char *dir = xasprintf("%s/%s", job->state_dir, job->name);
	AUTO_FREE char *path = state_path(job->state_dir, job->name), *beside = xasprintf("%s" BESIDE, path);
	cJSON *o;
	bool ok;

	if (fd_mkdir_p(dir, 0700) < 0) {
		diag_set(d, DIAG_JOB_STATE, errno, dir, "cannot make directory '%s'", dir);
		return false;
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "job", job->name);
	state_put_target(o, job);
	cJSON_AddBoolToObject(o, "copy_completed", s->copy_completed);
	put_owned(o, s);
	member_put_int(o, "copy_started", s->copy_started);
	member_put_int(o, "copy_completed_at", s->copy_completed_at);
	member_put_int(o, "last_sync_started", s->last_sync_started);
	member_put_int(o, "last_sync_completed", s->last_sync_completed);
	member_put_int(o, "last_verify_completed", s->last_verify_completed);
	member_put_int(o, "last_began", s->last_began.real);
	member_put_int(o, "last_began_uptime", s->last_began.boot);
	member_put_int(o, "last_began_boot", s->last_began.boot_id);
	member_put_int(o, "doubt_since", s->doubt_since);
	member_put_int(o, "doubt_until", s->doubt_until);
	put_verified(o, &s->verified);
	member_put_int(o, "last_exit_code", s->last_exit_code);
	cJSON_AddStringToObject(o, "last_command", text_or(s->last_command, ""));
	member_put_int(o, "last_ended", s->last_ended);
	member_put_int(o, "files", (int64_t)s->files);
	member_put_int(o, "bytes", (int64_t)s->bytes);
	put_source(o, s);
	put_unclean(o, s);
	member_put_int(o, "skip_dev", (int64_t)s->skip_dev);
	member_put_int(o, "skip_ino", (int64_t)s->skip_ino);
	/* One after the other: whatever ends us in between, one of them is whole. */
	ok = write_json(path, o) && write_json(beside, o);
	if (!ok)
		diag_set(d, DIAG_JOB_STATE, errno, path, "cannot write state '%s'", path);
	else
		sync_dir(dir);
	cJSON_Delete(o);
	return ok;
}
