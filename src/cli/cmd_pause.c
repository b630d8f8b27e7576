/* pause and resume. */
#include "cli/commands.h"
#include "cli/running.h"
#include "job/control.h"

#include <cjson/cJSON.h>
#include <stdio.h>

int cmd_pause(const struct options *o)
{
	bool pause = o->id == CMD_PAUSE;
	struct running r = {0};
	cJSON *reply;
	int code;

	if (o->operand_count)
		return running_refuse_operands(o);
	reply = running_ask(&r, o, control_request(o->command->name), NULL, &code);
	if (reply) {
		bool changed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "changed"));

		printf("job %s %s%s\n", r.name, changed ? "is " : "was ",
			pause             ? changed ? "paused" : "paused already"
				: changed ? "resumed"
					  : "not paused");
	}
	cJSON_Delete(reply);
	running_release(&r);
	return code;
}
