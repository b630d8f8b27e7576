/* stop: ends the running job as SIGTERM does, and waits for its end. */
#include "cli/commands.h"
#include "cli/running.h"
#include "cli/work.h"
#include "job/control.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#define PATIENCE_S 30 /* it ends within five; what cannot even be killed may take longer */

/* True when the job has ended; else e says why not. */
static bool stop(struct running *r, const struct options *o, struct usage_error *e)
{
	int fd = -1;
	cJSON *reply = running_try(r, o, control_request("stop"), &fd, e);
	bool ended;

	if (reply) {
		ended = control_await_end(fd, PATIENCE_S);
		if (!ended)
			diag_set(&e->diag, DIAG_JOB_CONTROL, 0, NULL, "job '%s' has not ended after %d seconds",
				r->name, PATIENCE_S);
	} else { /* busy with a hook, or silent: signals are heard all the same */
		ended = (e->diag.code == DIAG_JOB_HOOK || e->diag.code == DIAG_JOB_CONTROL) &&
			control_end_by_signal(r->dirs.run, r->name, PATIENCE_S);
	}
	cJSON_Delete(reply);
	return ended;
}

int cmd_stop(const struct options *o)
{
	struct usage_error e = {0};
	struct running r = {0};
	int code = EXIT_DONE;

	if (o->operand_count)
		return running_refuse_operands(o);
	if (stop(&r, o, &e))
		printf("job %s has ended\n", r.name);
	else
		code = work_refuse(o, &e);
	running_release(&r);
	usage_release(&e);
	return code;
}
