#include "engine/status.h"
#include "engine/coordinator.h"
#include "job/status.h"

void status_tell(struct engine *e, struct cJSON *o)
{
	AUTO_BUF lost = BUF_INIT;
	struct job_state s = {.copy_completed = state_matches(e->job, &e->state) && e->state.copy_completed,
		.running_since = e->started_real,
		.running_command = (char *)job_kind_name(e->job->kind),
		.held = e->hold.why};

	progress_refresh(e);
	s.progress = e->progress.now;
	if (diag_is_set(&e->link.lost)) {
		diag_format(&lost, &e->link.lost);
		s.lost = buf_cstr(&lost);
	}
	status_put(o, e->job, &s);
}
