/* copy and sync: of the configured job, or SRC DST. */
#include "cli/commands.h"
#include "cli/work.h"

int cmd_copy_sync(const struct options *o)
{
	struct work_operands operands = {0};
	struct summary s = {0};
	struct work w;
	int code;

	if (o->operand_count == 2) {
		operands.source = o->operands[0];
		operands.target = o->operands[1];
	} else if (o->operand_count != 0) {
		struct usage_error e = {0};

		usage_set(&e, DIAG_CLI_OPERANDS,
			xasprintf("write 'rehost %s SRC DST', or 'rehost %s' for the configured job", o->command->name,
				o->command->name),
			"'%s' takes SRC and DST, or nothing, but was given %zu argument%s", o->command->name,
			o->operand_count, o->operand_count == 1 ? "" : "s");
		code = work_refuse(o, &e);
		usage_release(&e);
		return code;
	}
	code = work_begin(&w, o, &operands);
	if (code == 0) {
		if (work_start(&w, &s))
			work_step(&w, o->id == CMD_COPY ? JOB_COPY : JOB_SYNC, &s);
		code = work_end(&w, &s, true, false);
		summary_release(&s);
	}
	work_release(&w);
	return code;
}
