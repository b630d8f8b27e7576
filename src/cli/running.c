#include "cli/running.h"
#include "cli/work.h"
#include "job/control.h"
#include "job/lock.h"

#include <cjson/cJSON.h>

bool running_find(struct running *r, const struct options *o, struct usage_error *e)
{
	char *run;

	*r = (struct running){0};
	/* A line that is wrong elsewhere must not lock anybody out of a job that runs; monitoring is to see it. */
	r->conf = o->given[OPT_CHECK] ? work_load_conf(o, false, e) : work_load_conf_name(o, e);
	if (!r->conf || !dirs_find(&r->dirs, &e->diag))
		return false;
	r->name = work_job_name(r->conf);
	/* An ordinary user's job may have been started without this session's XDG_RUNTIME_DIR, or in another session. */
	run = job_run_dir(r->dirs.state, r->name);
	if (run) {
		free(r->dirs.run);
		r->dirs.run = run;
	}
	return true;
}

void running_release(struct running *r)
{
	conf_free(r->conf);
	dirs_release(&r->dirs);
	*r = (struct running){0};
}

/* Who meant another job is told which there are. */
static void hint_others(const struct running *r, struct usage_error *e)
{
	AUTO_BUF names = BUF_INIT;

	control_list(r->dirs.run, &names);
	if (names.len)
		e->hint = xasprintf("running: %s; '--set job.name=NAME' names one", buf_cstr(&names));
}

static bool is_running(const struct running *r)
{
	AUTO_FREE char *run = job_run_dir(r->dirs.state, r->name);

	return run != NULL;
}

cJSON *running_try(struct running *r, const struct options *o, cJSON *request, int *out_fd, struct usage_error *e)
{
	cJSON *reply = NULL;

	if (!r->conf && !running_find(r, o, e))
		cJSON_Delete(request);
	else
		reply = control_ask(r->dirs.run, r->name, request, out_fd, &e->diag);
	if (e->diag.code == DIAG_JOB_NOT_RUNNING && is_running(r))
		diag_set(&e->diag, DIAG_JOB_CONTROL, 0, r->dirs.run,
			"cannot reach the running job '%s': no socket in '%s'", r->name, r->dirs.run);
	else if (e->diag.code == DIAG_JOB_NOT_RUNNING)
		hint_others(r, e);
	return reply;
}

cJSON *running_ask(struct running *r, const struct options *o, cJSON *request, int *out_fd, int *out_code)
{
	struct usage_error e = {0};
	cJSON *reply = running_try(r, o, request, out_fd, &e);

	*out_code = reply ? EXIT_DONE : work_refuse(o, &e);
	usage_release(&e);
	return reply;
}

void running_operands_error(const struct options *o, struct usage_error *e)
{
	usage_set(e, DIAG_CLI_OPERANDS, xstrdup("'-c FILE' or '--set job.name=NAME' says which job"),
		"'%s' takes no arguments", o->command->name);
}

int running_refuse_operands(const struct options *o)
{
	struct usage_error e = {0};
	int code;

	running_operands_error(o, &e);
	code = work_refuse(o, &e);
	usage_release(&e);
	return code;
}
