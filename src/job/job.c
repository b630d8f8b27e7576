#include "job/job.h"

const char *job_kind_name(enum job_kind k)
{
	static const char *const names[] = {[JOB_COPY] = "copy", [JOB_SYNC] = "sync", [JOB_VERIFY] = "verify"};

	return names[k];
}

void summary_release(struct summary *s)
{
	diag_release(&s->fatal);
	for (size_t i = 0; i < s->space_len; i++) {
		free(s->space[i].path);
		free(s->space[i].fstype);
	}
	free(STEAL(s->space));
	s->space_len = 0;
}

int64_t space_other(const struct fs_space *f)
{
	return (int64_t)(f->used - f->copied - f->left_out - f->hidden - f->deleted);
}
