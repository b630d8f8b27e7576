#include "job/job.h"

const char *job_kind_name(enum job_kind k)
{
	static const char *const names[] = {[JOB_COPY] = "copy", [JOB_SYNC] = "sync", [JOB_VERIFY] = "verify"};

	return names[k];
}

void summary_release(struct summary *s)
{
	diag_release(&s->fatal);
}
