#include "base/clock.h"
#include "base/fd.h"
#include "engine/control.h"
#include "engine/private.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * What a job remembers from run to run (STATE/JOB/state.json: small, whole, replaced by rename), and what a running one
 * says of itself when it is asked. Times are nanoseconds as strings: a double cannot hold them.
 */

#define FILE_BYTES_MAX (1u << 20)

static const char *text_or(const char *s, const char *other)
{
	return s ? s : other;
}

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

bool state_owns(const struct job *job, const struct job_state *s)
{
	AUTO_FREE char *key = state_key(job);

	for (size_t i = 0; i < s->owned_len; i++)
		if (str_eq(s->owned[i], key))
			return true;
	return false;
}

void state_own(const struct job *job, struct job_state *s)
{
	if (state_owns(job, s))
		return;
	s->owned = xrealloc(s->owned, (s->owned_len + 1) * sizeof(*s->owned));
	s->owned[s->owned_len++] = state_key(job);
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
		.unclean = STEAL(s->unclean),
		.unclean_len = s->unclean_len};

	s->owned_len = s->unclean_len = 0;
	job_state_release(s);
	*s = kept;
}

static bool belongs_to(const struct job_state *s, const char *target, const char *target_root, const char *source_root)
{
	return s->exists && str_eq(text_or(s->target, ""), target) &&
		str_eq(text_or(s->target_root, ""), target_root) && str_eq(text_or(s->source_root, ""), source_root);
}

bool state_matches(const struct job *job, const struct job_state *s)
{
	AUTO_FREE char *target = target_of(job);

	return belongs_to(s, target, text_or(job->conf->target.root, ""), job->conf->source.root);
}

/* ---- reading ---- */

static char *get_text(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsString(v) ? xstrdup(v->valuestring) : NULL;
}

static int64_t get_int(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	if (cJSON_IsString(v))
		return strtoll(v->valuestring, NULL, 10);
	return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : 0;
}

static bool get_bool(const cJSON *o, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static cJSON *read_json(const char *path)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	if (fd_read_file(AT_FDCWD, path, FILE_BYTES_MAX, &text, &len) < 0)
		return NULL;
	return cJSON_ParseWithLength(text, len);
}

static void read_owned(const cJSON *list, struct job_state *s)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, list)
	{
		if (!cJSON_IsString(v))
			continue;
		s->owned = xrealloc(s->owned, (s->owned_len + 1) * sizeof(*s->owned));
		s->owned[s->owned_len++] = xstrdup(v->valuestring);
	}
}

static void read_unclean(const cJSON *o, struct job_state *s)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "unclean"), *v;

	cJSON_ArrayForEach(v, list)
	{
		struct unclean u = {.from = get_int(v, "from"), .to = get_int(v, "to"), .at = get_int(v, "at")};

		u.walk = (uint64_t)get_int(v, "walk");
		if (u.from < 0 || u.from > u.to || u.to > WIRE_TIME_MAX)
			continue;
		u.target = get_text(v, "target");
		if (!u.target) { /* written when both were kept once for all */
			u.target = xasprintf("%s%s", text_or(s->target, ""), text_or(s->target_root, ""));
			u.at = get_int(o, "unclean_at");
		}
		*state_unclean_add(s) = u;
	}
}

static void read_state(const cJSON *o, struct job_state *s)
{
	s->exists = true;
	s->target = get_text(o, "target");
	s->target_root = get_text(o, "target_root");
	s->source_root = get_text(o, "source_root");
	s->copy_completed = get_bool(o, "copy_completed");
	read_owned(cJSON_GetObjectItemCaseSensitive(o, "owned"), s);
	s->copy_started = get_int(o, "copy_started");
	s->copy_completed_at = get_int(o, "copy_completed_at");
	s->last_sync_started = get_int(o, "last_sync_started");
	s->last_sync_completed = get_int(o, "last_sync_completed");
	s->last_verify_completed = get_int(o, "last_verify_completed");
	s->last_exit_code = (int)get_int(o, "last_exit_code");
	s->last_command = get_text(o, "last_command");
	if (s->last_command && !*s->last_command) /* none has ended */
		free(STEAL(s->last_command));
	s->last_ended = get_int(o, "last_ended");
	s->files = (uint64_t)get_int(o, "files");
	s->bytes = (uint64_t)get_int(o, "bytes");
	read_unclean(o, s);
	s->skip_dev = (uint64_t)get_int(o, "skip_dev");
	s->skip_ino = (uint64_t)get_int(o, "skip_ino");
}

static const struct {
	const char *name;
	enum hold hold;
} holds[] = {{"held_by_user", HOLD_USER}, {"held_by_pressure", HOLD_PRESSURE}, {"held_by_memory", HOLD_MEMORY}};

/* It may work for another target than the state belongs to, of which it says nothing yet, or never (a verify). */
static void read_run_target(const cJSON *o, struct job_state *s)
{
	AUTO_FREE char *target = get_text(o, "target"), *target_root = get_text(o, "target_root"),
		       *source_root = get_text(o, "source_root");

	if (!target || !target_root || !source_root)
		return;
	if (!belongs_to(s, target, target_root, source_root)) {
		state_forget(s);
		s->target = STEAL(target);
		s->target_root = STEAL(target_root);
		s->source_root = STEAL(source_root);
	}
	s->copy_completed = get_bool(o, "copy_completed");
}

static void read_status(const cJSON *o, struct job_state *s)
{
	struct progress *p = &s->progress;

	read_run_target(o, s);
	s->running_since = get_int(o, "since");
	s->running_command = get_text(o, "command");
	s->running_phase = get_text(o, "phase");
	s->lost = get_text(o, "lost");
	p->phase = s->running_phase;
	p->files_examined = (uint64_t)get_int(o, "files_examined");
	p->files_expected = (uint64_t)get_int(o, "files_expected");
	p->files_transferred = (uint64_t)get_int(o, "files_transferred");
	p->bytes_done = (uint64_t)get_int(o, "bytes_done");
	p->bytes_expected = (uint64_t)get_int(o, "bytes_expected");
	p->bytes_sent = (uint64_t)get_int(o, "bytes_sent");
	p->bytes_received = (uint64_t)get_int(o, "bytes_received");
	p->rate = (uint64_t)get_int(o, "rate");
	p->elapsed_ns = get_int(o, "elapsed_ns");
	p->remaining_s = get_int(o, "remaining_s");
	p->movers = (unsigned)get_int(o, "processes");
	for (size_t i = 0; i < ARRAY_LEN(holds); i++)
		if (get_bool(o, holds[i].name))
			s->held |= holds[i].hold;
}

static void ask_running(const char *run_dir, const char *name, struct job_state *s)
{
	AUTO_DIAG d = DIAG_INIT;
	cJSON *o = control_ask(run_dir, name, control_request("status"), NULL, &d);

	if (o)
		read_status(o, s);
	else
		s->silent = xstrdup(d.detail);
	cJSON_Delete(o);
}

bool job_state_read(const char *state_dir, const char *run_dir, const char *name, struct job_state *out, pid_t *out_pid,
	struct diag *d)
{
	AUTO_FREE char *path = state_path(state_dir, name);
	cJSON *o;

	*out = (struct job_state){};
	errno = 0;
	o = read_json(path);
	if (!o && errno != ENOENT && errno != ENOTDIR) {
		diag_set(d, DIAG_ENGINE_STATE, errno, path, "cannot read state '%s'", path);
		return false;
	}
	if (o)
		read_state(o, out);
	cJSON_Delete(o);
	if (!out_pid)
		return true;
	*out_pid = lock_holder(run_dir, name);
	if (*out_pid)
		ask_running(run_dir, name, out);
	else if ((*out_pid = lock_state_holder(state_dir, name))) /* the directory went with the session it was of */
		out->silent = xstrdup("not known, its run directory is gone");
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
	for (size_t i = 0; i < s->owned_len; i++)
		free(s->owned[i]);
	free(s->owned);
	while (s->unclean_len)
		state_unclean_drop(s, s->unclean_len - 1);
	free(s->unclean);
	*s = (struct job_state){};
}

bool job_copy_completed(const struct job *job)
{
	struct job_state s;
	bool done = job_state_read(job->state_dir, job->run_dir, job->name, &s, NULL, NULL) && state_matches(job, &s) &&
		s.copy_completed;

	job_state_release(&s);
	return done;
}

/* ---- writing ---- */

static void put_int(cJSON *o, const char *key, int64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	cJSON_AddStringToObject(o, key, text);
}

static void put_target(cJSON *o, const struct job *job)
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
		put_int(u, "from", s->unclean[i].from);
		put_int(u, "to", s->unclean[i].to);
		put_int(u, "at", s->unclean[i].at);
		put_int(u, "walk", (int64_t)s->unclean[i].walk);
		cJSON_AddStringToObject(u, "target", s->unclean[i].target);
		cJSON_AddItemToArray(list, u);
	}
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
	AUTO_FREE char *path = state_path(job->state_dir, job->name);
	cJSON *o, *owned;
	bool ok;

	if (fd_mkdir_p(dir, 0700) < 0) {
		diag_set(d, DIAG_ENGINE_STATE, errno, dir, "cannot make directory '%s'", dir);
		return false;
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "job", job->name);
	put_target(o, job);
	cJSON_AddBoolToObject(o, "copy_completed", s->copy_completed);
	owned = cJSON_AddArrayToObject(o, "owned");
	for (size_t i = 0; i < s->owned_len; i++)
		cJSON_AddItemToArray(owned, cJSON_CreateString(s->owned[i]));
	put_int(o, "copy_started", s->copy_started);
	put_int(o, "copy_completed_at", s->copy_completed_at);
	put_int(o, "last_sync_started", s->last_sync_started);
	put_int(o, "last_sync_completed", s->last_sync_completed);
	put_int(o, "last_verify_completed", s->last_verify_completed);
	put_int(o, "last_exit_code", s->last_exit_code);
	cJSON_AddStringToObject(o, "last_command", text_or(s->last_command, ""));
	put_int(o, "last_ended", s->last_ended);
	put_int(o, "files", (int64_t)s->files);
	put_int(o, "bytes", (int64_t)s->bytes);
	put_unclean(o, s);
	put_int(o, "skip_dev", (int64_t)s->skip_dev);
	put_int(o, "skip_ino", (int64_t)s->skip_ino);
	ok = write_json(path, o);
	if (!ok)
		diag_set(d, DIAG_ENGINE_STATE, errno, path, "cannot write state '%s'", path);
	else
		sync_dir(dir);
	cJSON_Delete(o);
	return ok;
}

void status_put(struct engine *e, cJSON *o)
{
	static const char *const commands[] = {"copy", "sync", "verify"};
	const struct progress *p = &e->progress;

	progress_refresh(e);
	put_target(o, e->job);
	cJSON_AddBoolToObject(o, "copy_completed", state_matches(e->job, &e->state) && e->state.copy_completed);
	put_int(o, "since", e->started_real);
	cJSON_AddStringToObject(o, "command", commands[e->job->kind]);
	cJSON_AddStringToObject(o, "phase", text_or(p->phase, ""));
	if (diag_is_set(&e->lost)) {
		AUTO_BUF lost = BUF_INIT;

		diag_format(&lost, &e->lost);
		cJSON_AddStringToObject(o, "lost", buf_cstr(&lost));
	}
	put_int(o, "files_examined", (int64_t)p->files_examined);
	put_int(o, "files_expected", (int64_t)p->files_expected);
	put_int(o, "files_transferred", (int64_t)p->files_transferred);
	put_int(o, "bytes_done", (int64_t)p->bytes_done);
	put_int(o, "bytes_expected", (int64_t)p->bytes_expected);
	put_int(o, "bytes_sent", (int64_t)p->bytes_sent);
	put_int(o, "bytes_received", (int64_t)p->bytes_received);
	put_int(o, "rate", (int64_t)p->rate);
	put_int(o, "elapsed_ns", p->elapsed_ns);
	put_int(o, "remaining_s", p->remaining_s);
	put_int(o, "processes", p->movers);
	for (size_t i = 0; i < ARRAY_LEN(holds); i++)
		cJSON_AddBoolToObject(o, holds[i].name, e->holds & holds[i].hold);
}
