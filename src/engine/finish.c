#include "engine/finish.h"
#include "base/clock.h"
#include "engine/coordinator.h"
#include "engine/since.h"
#include "engine/control.h"
#include "engine/exit.h"
#include "engine/links.h"
#include "engine/shares.h"
#include "engine/space.h"

#include <signal.h>
#include <unistd.h>

/* Everything has been done: now make it durable, then let the workers go. True when all have gone. */
bool finish(struct engine *e)
{
	bool sync = !e->job->dry_run && e->job->kind != JOB_VERIFY, any = false;

	e->ending = true;
	for (struct worker *w = e->workers.first, *next; w; w = next) {
		next = w->next;
		if (w->state == WORKER_STARTING && e->synced) {
			kill(w->pid, SIGKILL); /* it came too late to be of use */
			if (w->conn.pid > 0)
				kill(w->conn.pid, SIGKILL);
			w->discarded = true;
			w->state = WORKER_FINISHING;
		}
		if (w->state == WORKER_SYNCED && e->link.lost_any && !w->sync_all)
			w->state = WORKER_READY; /* one was lost since it was asked */
		if (w->state == WORKER_READY && sync) {
			/* What a lost receiver has written, another must make durable. */
			worker_send_sync(w, &(struct ipc_sync){.all = e->link.lost_any});
			w->sync_all = e->link.lost_any;
			w->state = WORKER_SYNCING;
		} else if ((w->state == WORKER_READY && !sync) || w->state == WORKER_SYNCED) {
			e->synced = true;
			worker_send_finish(w, &(struct ipc_finish){});
			w->state = WORKER_FINISHING;
		}
		any = true;
	}
	if (any)
		return false;
	return !sync || e->synced; /* nobody was left to make it durable: reconnect() finds someone */
}

static void fill_summary(struct engine *e)
{
	const bool verify = e->job->kind == JOB_VERIFY;
	struct summary *s = e->out;
	struct counts *c = &s->counts;

	s->duration_ns = clock_mono_ns() - e->started_ns;
	s->paused_ns = s->duration_ns - progress_elapsed_ns(e);
	*c = e->totals.counts;
	/* What is not done to its end is not examined. */
	c->files_examined = MAX(e->totals.done_files, verify ? c->files_examined : 0);
	c->bytes_total = MAX(e->totals.done_bytes, verify ? c->bytes_total : 0);
	c->files_failed =
		MAX(c->files_failed, e->totals.failed_said); /* what a worker last counted can be lost with it */
}

static void keep_state(struct engine *e)
{
	struct job_state *s = &e->state;
	bool whole = !e->stop;
	int64_t now = clock_real_ns();
	AUTO_DIAG d = DIAG_INIT;

	if (e->job->dry_run || !e->target.checked)
		return;
	if (e->job->kind == JOB_VERIFY && s->exists && !state_matches(e->job, s))
		return; /* it is another target's */
	durable_end(e, whole && e->synced);
	if (e->job->kind != JOB_VERIFY)
		doubt_end(e, whole);
	if (whole && e->job->kind == JOB_COPY) {
		s->copy_completed = true;
		s->copy_completed_at = now;
	}
	if (whole && e->job->kind == JOB_SYNC)
		s->last_sync_completed = now;
	if (whole && e->job->kind == JOB_VERIFY)
		s->last_verify_completed = now;
	if (whole && e->job->kind != JOB_VERIFY) {
		s->files = e->out->counts.files_examined;
		s->bytes = e->out->counts.bytes_total;
	}
	s->last_exit_code = e->out->exit_code;
	s->last_ended = now;
	free(s->last_command);
	s->last_command = xstrdup(job_kind_name(e->job->kind));
	if (!state_write(e->job, s, &d) && !e->stop) {
		engine_fatal(e, &d);
		e->out->exit_code = exit_code(e);
	}
}

static void release(struct engine *e)
{
	control_close(e);
	walk_release(&e->walk);
	links_free(e->links);
	verifyjob_release(e);
	shares_clear(e);
	free(e->totals.space);
	mount_plan_release(&e->plan);
	rules_free(e->rules);
	transport_free(e->transport);
	job_state_release(&e->state);
	buf_release(&e->workers.skips);
	buf_release(&e->target.places);
	diag_release(&e->link.lost);
	budget_release(&e->budget);
	if (e->job->dry_run && e->workers.empty_dir) { /* made for the confinement of the workers; nothing stays */
		if (e->workers.empty_made)
			rmdir(e->workers.empty_dir);
		if (e->workers.run_dir_made)
			rmdir(e->job->run_dir);
	}
	free(e->workers.empty_dir);
	free(e->durable.target);
	limits_release(e);
	throttle_unmap(e->limits.throttle);
	if (e->limits.throttle_fd >= 0)
		close(e->limits.throttle_fd);
	if (e->signal_fd >= 0)
		close(e->signal_fd);
}

void finish_conclude(struct engine *e)
{
	fill_summary(e);
	since_say(e);
	totals_say_lost(e);
	space_conclude(e);
	e->out->exit_code = exit_code(e);
	keep_state(e);
	release(e);
}
