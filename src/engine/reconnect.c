#include "engine/reconnect.h"
#include "base/clock.h"
#include "engine/coordinator.h"
#include "engine/linking.h"
#include "engine/queue.h"
#include "engine/shares.h"
#include "ipc/role.h"

#include <signal.h>
#include <sys/wait.h>

#define RECONNECT_S 300 /* how long a lost link is reopened before [retry] applies */
#define RECONNECT_MAX_S 60 /* longest pause between two tries of that time */
#define CRASHES_MAX 10
#define LET_GO_NS (2 * NS_PER_S)
#define KILLED_NS (1500 * NS_PER_MS) /* what waits for a disk may take longer to die, and is left to do so */

/* ---- the end of a worker ---- */

static void requeue(struct engine *e, struct worker *w)
{
	struct unit *u;

	if (w->units && e->job->kind != JOB_VERIFY)
		totals_uncount(e, w);
	while ((u = w->units)) {
		w->units = u->next;
		if (u->share && u->share->orphan) {
			share_segment_done(e, u->share, false);
			queue_unit_free(u);
			continue;
		}
		queue_unit_redo(u);
		u->flags &= (uint8_t)~UNIT_NEW; /* part of it may be there */
		queue_push(u->kind == UNIT_SEGMENT ? &e->walk.segments : &e->walk.queue, u);
	}
	w->unit_count = w->segment_count = 0;
}

static void gone(struct engine *e, struct worker *w)
{
	struct worker **p = &e->workers.first;

	w->state = WORKER_GONE;
	shares_worker_gone(e, w->serial);
	requeue(e, w);
	budget_worker_gone(e, w->serial);
	linking_worker_gone(e, w->serial);
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	e->workers.count--;
	chan_release(&w->ipc);
	transport_conn_release(&w->conn);
	diag_release(&w->no_root);
	free(w);
}

static void reap(pid_t pid, int64_t deadline)
{
	const struct timespec soon = {.tv_nsec = 2 * NS_PER_MS};

	while (waitpid(pid, NULL, WNOHANG) == 0 && clock_mono_ns() < deadline)
		nanosleep(&soon, NULL);
}

void reconnect_kill_but(struct engine *e, const struct worker *keep)
{
	int64_t deadline = clock_mono_ns() + KILLED_NS;

	/* All at once, so that a slow end of one does not add to that of the next. */
	for (struct worker *w = e->workers.first; w; w = w->next) {
		if (w == keep)
			continue;
		kill(w->pid, SIGKILL);
		if (w->conn.pid > 0)
			kill(w->conn.pid, SIGTERM);
	}
	for (struct worker *w = e->workers.first, *next; w; w = next) {
		next = w->next;
		if (w == keep)
			continue;
		reap(w->pid, deadline);
		transport_abandon(&w->conn, deadline);
		gone(e, w);
	}
}

/* ---- the link ---- */

/*
 * Most tries are a note. The first that fails in a run, and the first long wait, are warnings: whoever started the command, or
 * reads its mail, is to know why nothing goes on. A link that is lost and open again at once is neither.
 */
static void tell_retry(struct engine *e, const struct diag *why, int64_t pause, bool failed, bool long_wait)
{
	AUTO_BUF text = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;
	bool warn = (failed && !e->link.retry_said) || long_wait;

	diag_format(&text, why);
	if (!warn) {
		engine_note(e, "%s; trying again in %lld s", buf_cstr(&text), (long long)pause);
		return;
	}
	e->link.retry_said = true;
	diag_set(&d, DIAG_ENGINE_RETRY, 0, NULL, "%s; trying again in %lld s", buf_cstr(&text), (long long)pause);
	engine_diag(e, &d);
}

/* Nobody is left: when is the next try, or is it over? d says why the last one ended. */
static void lost(struct engine *e, struct diag *d)
{
	const struct conf *c = e->job->conf;
	int64_t now = clock_mono_ns(), pause;
	bool first = !e->link.ever, failed = first || e->link.tries, long_wait = false;

	if (first && !e->job->first_connection_retries) {
		engine_fatal(e, d);
		return;
	}
	if (!e->link.lost_since)
		e->link.lost_since = now;
	if (!e->job->retry && e->link.tries >= 1) {
		engine_fatal(e, d);
		return;
	}
	if (e->job->retry && now - e->link.lost_since > RECONNECT_S * NS_PER_S) {
		if (e->link.long_tries >= c->retry.max_retries) {
			engine_fatal(e, d);
			return;
		}
		long_wait = e->link.long_tries == 0;
		pause = (int64_t)c->retry.interval + (int64_t)c->retry.step * e->link.long_tries++;
	} else {
		pause = e->link.tries == 0  ? 0
			: e->link.tries > 6 ? RECONNECT_MAX_S
					    : INT64_C(1) << (e->link.tries - 1);
	}
	e->link.tries++;
	tell_retry(e, d, pause, failed, long_wait);
	e->link.retry_at = now + pause * NS_PER_S;
	diag_move(&e->link.lost, d);
}

void reconnect(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	if (e->workers.first || e->stop || e->hold.why || clock_mono_ns() < e->link.retry_at)
		return;
	if (worker_start(e, &d))
		return;
	/* What this host lacks for the moment, processes or descriptors, is waited for as the link is. */
	if (e->link.ever)
		lost(e, &d);
	else
		engine_fatal(e, &d);
}

static void tell_lost(struct engine *e, const struct diag *d)
{
	AUTO_BUF text = BUF_INIT;

	diag_format(&text, d);
	engine_note(e, "%s", buf_cstr(&text));
}

/* It has done all it had to: what hangs at its end is waited for as long as for all others together. */
static enum result let_go(struct engine *e, struct worker *w)
{
	if (!e->link.let_go_until)
		e->link.let_go_until = clock_mono_ns() + LET_GO_NS;
	transport_abandon(&w->conn, e->link.let_go_until);
	return RES_OK;
}

void reconnect_worker_ended(struct engine *e, struct worker *w)
{
	AUTO_DIAG d = DIAG_INIT;
	bool crashed;
	enum worker_state state = w->state;
	bool said = w->fatal_said, retired = w->retired, no_root = diag_is_set(&w->no_root);
	enum result why;
	const int status = role_end(w->pid);

	if (WIFEXITED(status) && WEXITSTATUS(status) == ROLE_LOST)
		e->link.ever = true;
	why = state == WORKER_FINISHING ? let_go(e, w) : transport_collect(e->transport, &w->conn, &d);
	if (no_root) { /* after a reboot its file system may not be mounted yet */
		diag_release(&d);
		diag_move(&d, &w->no_root);
		why = RES_FAILED;
	}
	if (state != WORKER_STARTING && e->durable.begun)
		durable_lost(e, w);
	gone(e, w);
	if (said || e->stop || state == WORKER_FINISHING)
		return;
	e->link.lost_any = e->link.lost_any || state != WORKER_STARTING;
	if (state == WORKER_SYNCING)
		e->synced = false; /* another must do it */
	if (limits_worker_ended(e, retired))
		return;
	if (why == RES_RETRY) {
		tell_lost(e, &d);
		return; /* the other back end is tried at once */
	}
	if (why == RES_FATAL && state == WORKER_STARTING &&
		e->workers.first) { /* one connection more than is allowed */
		tell_lost(e, &d);
		e->workers.max = e->workers.count;
		return;
	}
	if (why == RES_FATAL) {
		engine_fatal(e, &d);
		return;
	}
	crashed = !no_root && (WIFSIGNALED(status) || WEXITSTATUS(status) < ROLE_LOST);
	if (!diag_is_set(&d)) {
		if (crashed)
			diag_set(&d, DIAG_ENGINE_WORKER, 0, NULL, "a working process ended unexpectedly (%s %d)",
				WIFSIGNALED(status) ? "signal" : "exit code",
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		else
			diag_set(&d, DIAG_ENGINE_LINK_LOST, 0, NULL, "the connection to %s ended",
				transport_name(e->transport));
	}
	if (crashed && ++e->link.crashes >= CRASHES_MAX) { /* what kills one may kill each */
		engine_fatal(e, &d);
	} else if (e->workers.first) { /* others go on with its work; a new one is started when there is enough to do */
		tell_lost(e, &d);
		e->link.retry_at = clock_mono_ns() + NS_PER_S;
	} else {
		lost(e, &d);
	}
}
