/* stop: ends the running job as SIGTERM does, and waits for its end. */
#include "cli/commands.h"
#include "cli/running.h"
#include "cli/work.h"
#include "engine/control.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#define PATIENCE_S 30 /* it ends within five; what cannot even be killed may take longer */

int cmd_stop(const struct options *o)
{
	struct running r = {0};
	cJSON *reply;
	int code, fd = -1;

	if (o->operand_count)
		return running_refuse_operands(o);
	reply = running_ask(&r, o, control_request("stop"), &fd, &code);
	if (reply && control_await_end(fd, PATIENCE_S)) {
		printf("job %s has ended\n", r.name);
	} else if (reply) {
		struct usage_error e = {0};

		diag_set(&e.diag, DIAG_ENGINE_CONTROL, 0, NULL, "job '%s' has not ended after %d seconds", r.name, PATIENCE_S);
		code = work_refuse(o, &e);
		usage_release(&e);
	}
	cJSON_Delete(reply);
	running_release(&r);
	return code;
}
