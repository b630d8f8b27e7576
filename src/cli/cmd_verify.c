/* verify: of the configured job, all of it or PATHs, or SRC DST. */
#include "cli/commands.h"
#include "cli/target_spec.h"
#include "cli/verify_options.h"

void verify_set_options(struct work *w, const char *const *paths, size_t count)
{
	const struct conf_list *configured = &w->conf->verify.paths;
	struct job *job = &w->job;

	job->verify_mode = w->conf->verify.mode;
	if (w->o->given[OPT_MODE])
		job->verify_mode = w->o->verify_mode;
	/* verify.mode = off is for `run`: who says verify wants one. */
	else if (job->verify_mode == CONF_VERIFY_OFF)
		job->verify_mode = CONF_VERIFY_QUICK;
	job->recheck = w->o->given[OPT_RECHECK];
	if (!count && configured->len && !job->adhoc) {
		w->paths = xcalloc(configured->len, sizeof(*w->paths));
		for (size_t i = 0; i < configured->len; i++)
			w->paths[i] = configured->items[i].value;
		paths = w->paths;
		count = configured->len;
	}
	job->paths = count ? paths : NULL;
	job->path_count = count;
}

int cmd_verify(const struct options *o)
{
	struct work_operands operands = {0};
	const char *const *paths = o->operands;
	size_t count = o->operand_count;
	struct summary s = {0};
	struct work w;
	int code;

	if (count == 2 && target_spec_is_one(paths[1])) {
		operands.source = paths[0];
		operands.target = paths[1];
		count = 0;
	}
	code = work_begin(&w, o, &operands);
	if (code == 0) {
		verify_set_options(&w, paths, count);
		if (work_start(&w, &s))
			work_step(&w, JOB_VERIFY, &s);
		code = work_end(&w, &s, false, true);
		summary_release(&s);
	}
	work_release(&w);
	return code;
}
