/* How a running job stands: what its coordinator answers, and what is read from that. */
#include "job/status.h"
#include "job/control.h"
#include "job/member.h"
#include "job/lock.h"

static const struct {
	const char *name;
	enum hold hold;
} holds[] = {{"held_by_user", HOLD_USER}, {"held_by_pressure", HOLD_PRESSURE}, {"held_by_memory", HOLD_MEMORY}};

/* It may work for another target than the state belongs to, of which it says nothing yet, or never (a verify). */
static void read_run_target(const cJSON *o, struct job_state *s)
{
	AUTO_FREE char *target = member_text(o, "target"), *target_root = member_text(o, "target_root"),
		       *source_root = member_text(o, "source_root");

	if (!target || !target_root || !source_root)
		return;
	if (!state_belongs_to(s, target, target_root, source_root)) {
		state_forget(s);
		s->target = STEAL(target);
		s->target_root = STEAL(target_root);
		s->source_root = STEAL(source_root);
	}
	s->copy_completed = member_bool(o, "copy_completed");
}

static void read_status(const cJSON *o, struct job_state *s)
{
	struct progress *p = &s->progress;

	read_run_target(o, s);
	s->running_since = member_int(o, "since");
	s->running_command = member_text(o, "command");
	s->running_phase = member_text(o, "phase");
	s->lost = member_text(o, "lost");
	p->phase = s->running_phase;
	p->files_examined = (uint64_t)member_int(o, "files_examined");
	p->files_expected = (uint64_t)member_int(o, "files_expected");
	p->files_transferred = (uint64_t)member_int(o, "files_transferred");
	p->bytes_done = (uint64_t)member_int(o, "bytes_done");
	p->bytes_expected = (uint64_t)member_int(o, "bytes_expected");
	p->bytes_sent = (uint64_t)member_int(o, "bytes_sent");
	p->bytes_received = (uint64_t)member_int(o, "bytes_received");
	p->rate = (uint64_t)member_int(o, "rate");
	p->elapsed_ns = member_int(o, "elapsed_ns");
	p->remaining_s = member_int(o, "remaining_s");
	p->processes = (unsigned)member_int(o, "processes");
	for (size_t i = 0; i < ARRAY_LEN(holds); i++)
		if (member_bool(o, holds[i].name))
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
	if (!state_load(state_dir, name, out, d))
		return false;
	*out_pid = lock_holder(run_dir, name);
	if (*out_pid)
		ask_running(run_dir, name, out);
	else if ((*out_pid = lock_state_holder(state_dir, name))) /* the directory went with the session it was of */
		out->silent = xstrdup("not known, its run directory is gone");
	return true;
}

void status_put(cJSON *o, const struct job *job, const struct job_state *s)
{
	const struct progress *p = &s->progress;

	state_put_target(o, job);
	cJSON_AddBoolToObject(o, "copy_completed", s->copy_completed);
	member_put_int(o, "since", s->running_since);
	cJSON_AddStringToObject(o, "command", s->running_command);
	cJSON_AddStringToObject(o, "phase", p->phase ? p->phase : "");
	if (s->lost)
		cJSON_AddStringToObject(o, "lost", s->lost);
	member_put_int(o, "files_examined", (int64_t)p->files_examined);
	member_put_int(o, "files_expected", (int64_t)p->files_expected);
	member_put_int(o, "files_transferred", (int64_t)p->files_transferred);
	member_put_int(o, "bytes_done", (int64_t)p->bytes_done);
	member_put_int(o, "bytes_expected", (int64_t)p->bytes_expected);
	member_put_int(o, "bytes_sent", (int64_t)p->bytes_sent);
	member_put_int(o, "bytes_received", (int64_t)p->bytes_received);
	member_put_int(o, "rate", (int64_t)p->rate);
	member_put_int(o, "elapsed_ns", p->elapsed_ns);
	member_put_int(o, "remaining_s", p->remaining_s);
	member_put_int(o, "processes", p->processes);
	for (size_t i = 0; i < ARRAY_LEN(holds); i++)
		cJSON_AddBoolToObject(o, holds[i].name, s->held & holds[i].hold);
}
