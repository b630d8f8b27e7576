#include "base/clock.h"
#include "base/signals.h"
#include "base/text.h"
#include "engine/private.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define QUEUE_DEEP 16 /* units waiting beyond what movers hold, before another mover is started */
#define TICK_MS 200
#define UNSENT_MAX (64u << 20) /* to one worker */

/* ---- what is told ---- */

void engine_diag(struct engine *e, const struct diag *d)
{
	if (e->observer->diag)
		e->observer->diag(e->observer->arg, d);
}

void engine_note(struct engine *e, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	AUTO_BUF safe = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (!e->observer->note)
		return;
	text_escape(&safe, text, strlen(text));
	e->observer->note(e->observer->arg, buf_cstr(&safe));
}

void engine_fatal(struct engine *e, struct diag *d)
{
	e->stop = true;
	if (diag_is_set(&e->out->fatal))
		return;
	if (!diag_is_set(d))
		diag_set(d, DIAG_ENGINE_WORKER, 0, NULL, "a worker ended without saying why");
	engine_diag(e, d);
	diag_move(&e->out->fatal, d);
}

void engine_hold(struct engine *e, enum hold why, bool on)
{
	int64_t now = clock_mono_ns();

	e->holds = on ? e->holds | why : e->holds & ~(unsigned)why;
	throttle_set_hold(e->throttle,
		(e->holds & ~(unsigned)HOLD_MEMORY ? THROTTLE_HOLD_ALL : 0u) |
			(e->holds & HOLD_MEMORY ? THROTTLE_HOLD_NEW : 0u));
	if (why != HOLD_USER || on == (e->paused_since != 0))
		return;
	e->job->kept->paused = on;
	if (on) {
		e->paused_since = now;
		return;
	}
	e->paused_ns += now - e->paused_since;
	e->paused_since = 0;
	if (!e->workers) { /* a link that was lost meanwhile: its time begins now */
		e->lost_since = 0;
		e->retry_at = now;
	}
}

/* ---- units ---- */

void engine_enqueue_mount(struct engine *e, size_t i, uint8_t flags)
{
	const struct mount *m = &e->plan.chosen[i];

	e->mount_given[i] = true;
	queue_add(&e->queue, UNIT_DIR, flags, (uint32_t)i, m->rel, m->target_rel);
}

/* Mounts that no walk has come across: their mount points lie in file systems that are not copied. */
static bool enqueue_unvisited(struct engine *e)
{
	bool any = false;

	for (size_t i = 0; i < e->plan.chosen_count; i++) {
		struct rules_verdict v;
		if (e->mount_given[i])
			continue;
		e->mount_given[i] = true;
		rules_match_path(e->rules, e->plan.chosen[i].rel, true, &v);
		if (v.hide)
			continue;
		engine_enqueue_mount(e, i, UNIT_PARENTS);
		any = true;
	}
	return any;
}

void engine_walk_anew(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	queue_release(&e->queue);
	queue_release(&e->segments);
	shares_clear(e);
	queue_release(&e->deferred);
	if (!engine_links(e, &d))
		engine_fatal(e, &d);
	memset(e->mount_given, 0, e->plan.chosen_count * sizeof(*e->mount_given));
	e->first_sent = e->revisiting = e->ending = e->synced = false;
	e->units_done_files = e->units_done_bytes = 0;
	e->total.examined = e->total.examined_bytes = e->total.done_bytes = 0;
}

static bool in_flight(const struct engine *e)
{
	for (const struct worker *w = e->workers; w; w = w->next)
		if (w->unit_count)
			return true;
	return false;
}

/* True when there is nothing more to hand out. */
static bool work_exhausted(struct engine *e)
{
	if (e->queue.len || e->segments.len || in_flight(e) || e->shares)
		return false;
	if ((e->job->kind != JOB_VERIFY || e->verify_whole) && enqueue_unvisited(e))
		return false;
	if (e->deferred.len) { /* the one is empty, the other takes its place */
		struct queue empty = e->queue;

		e->revisiting = true;
		e->queue = e->deferred;
		e->deferred = empty;
		return false;
	}
	return true;
}

static bool first_units(struct engine *e, struct diag *d)
{
	if (e->first_sent)
		return true;
	e->first_sent = true;
	if (e->job->kind == JOB_VERIFY)
		return verifyjob_units(e, d);
	/* The source root's own file system may be left out: then the first mount's parents are not there. */
	engine_enqueue_mount(e, 0, *e->plan.chosen[0].rel ? UNIT_PARENTS : 0);
	return true;
}

/* What was to be remembered and is lost: nothing that follows could be trusted, deletions least of all. */
static void check_memory(struct engine *e)
{
	int err = e->queue.packed.err ? e->queue.packed.err : e->deferred.packed.err;
	AUTO_DIAG d = DIAG_INIT;

	if (!err && e->links)
		err = links_error(e->links);
	if (!err)
		return;
	diag_set(&d, DIAG_ENGINE_ROOM, err, e->spill_dir, "cannot keep what does not fit into memory in '%s'",
		e->spill_dir ? e->spill_dir : "memory");
	engine_fatal(e, &d);
}

static void feed(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;
	bool starting = false, room = false;
	struct worker *w;

	for (w = e->workers; w; w = w->next) {
		starting = starting || w->state == WORKER_STARTING;
		if (w->state == WORKER_READY && !e->ending) {
			if (!first_units(e, &d)) {
				engine_fatal(e, &d);
				return;
			}
			worker_feed(e, w);
			room = room || w->unit_count == 0;
		}
	}
	check_memory(e);
	/* Handshakes come one after the other: sshd refuses many at once. */
	if (starting || room || e->worker_count >= e->worker_max || e->worker_count == 0)
		return;
	if (!e->segments.len && e->queue.len < QUEUE_DEEP)
		return;
	if (e->holds || limits_crowded(e) || e->retry_at > clock_mono_ns())
		return;
	if (!worker_start(e, &d)) {
		engine_diag(e, &d);
		e->worker_max = e->worker_count;
	}
}

/* ---- from outside ---- */

void engine_bandwidth(struct engine *e)
{
	limits_set_bandwidth(e, conf_bandwidth_now(e->job->conf));
}

/* As rclone does: off, and on again. */
static void toggle_bandwidth(struct engine *e)
{
	struct conf *c = e->job->conf;

	if (!c->transfer.window_count) {
		engine_note(e, "there is no bandwidth limit that could be switched off");
		return;
	}
	c->transfer.unlimited = !c->transfer.unlimited;
	engine_bandwidth(e);
	engine_note(e,
		c->transfer.unlimited ? "the bandwidth limit is switched off"
				      : "the bandwidth limit is switched on again");
}

static void read_signals(struct engine *e)
{
	struct signalfd_siginfo s;

	while (read(e->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		bool end = s.ssi_signo == SIGINT || s.ssi_signo == SIGTERM ||
			(s.ssi_signo == SIGHUP && e->job->hangup == HANGUP_ENDS);

		if (end) {
			e->out->signal = (int)s.ssi_signo;
			e->stop = true;
		} else if (!e->throttle) {
			continue; /* it has not begun, or could not */
		} else if (s.ssi_signo == SIGUSR1) {
			progress_update(e, true);
		} else if (s.ssi_signo == SIGUSR2) {
			toggle_bandwidth(e);
		} else if (s.ssi_signo == SIGHUP && e->job->hangup == HANGUP_RELOADS) {
			engine_reload(e);
		}
	}
}

/* ---- the loop ---- */

static void poll_once(struct engine *e)
{
	struct pollfd p[2 * WORKERS_MAX + 1 + CONTROL_FDS];
	struct worker *of[2 * WORKERS_MAX + 1];
	nfds_t n = 0;
	int64_t wait;

	p[n++] = (struct pollfd){.fd = e->signal_fd, .events = POLLIN};
	for (struct worker *w = e->workers; w; w = w->next) {
		chan_flush(&w->ipc, &wait);
		of[n] = w;
		/* Who does not take his answers is not listened to: what he asks for cannot pile up here. */
		p[n++] = (struct pollfd){.fd = w->ipc.fd,
			.events = (short)((chan_unsent(&w->ipc) < UNSENT_MAX ? POLLIN : 0) |
				(chan_unsent(&w->ipc) ? POLLOUT : 0))};
		of[n] = w;
		p[n++] = (struct pollfd){.fd = w->conn.err_fd, .events = POLLIN};
	}
	poll(p, n + control_poll(e, p + n), TICK_MS);
	if (p[0].revents)
		read_signals(e);
	control_serve(e, p + n);
	for (nfds_t i = 1; i < n && !e->stop; i += 2) {
		struct worker *w = of[i];
		bool ended = false;
		if (p[i + 1].revents)
			transport_drain(&w->conn);
		if (p[i].revents & (POLLIN | POLLHUP | POLLERR)) {
			ended = !chan_fill(&w->ipc);
			worker_frames(e, w);
		}
		if (ended && !e->stop)
			engine_worker_ended(e, w);
	}
}

static void loop(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	engine_bandwidth(e);
	if (!worker_start(e, &d)) {
		engine_fatal(e, &d);
		return;
	}
	while (!e->stop) {
		if (e->restart)
			durable_restart(e);
		durable_tick(e);
		feed(e);
		if (e->stop)
			break;
		if (e->first_sent && work_exhausted(e) && engine_finish(e))
			break;
		engine_reconnect(e);
		if (e->stop)
			break;
		poll_once(e);
		engine_bandwidth(e);
		limits_tick(e);
		target_limits_tick(e);
		progress_update(e, false);
	}
}

void engine_run(const struct job *job, const struct observer *observer, struct summary *out)
{
	struct engine e = {.job = job,
		.observer = observer,
		.out = out,
		.signal_fd = -1,
		.throttle_fd = -1,
		.next_serial = 1,
		.next_unit = 1};
	sigset_t set, old;
	AUTO_DIAG d = DIAG_INIT;

	*out = (struct summary){};
	e.started_ns = e.rate_ns = clock_mono_ns();
	e.started_real = clock_real_ns();
	e.spill_dir = job->dry_run ? NULL : xasprintf("%s/%s", job->state_dir, job->name);
	queue_init(&e.queue, e.spill_dir);
	queue_init(&e.segments, NULL);
	queue_init(&e.deferred, e.spill_dir);
	signal(SIGPIPE, SIG_IGN);
	signals_of_loop(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	e.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (engine_prepare(&e, &d)) {
		loop(&e);
	} else {
		read_signals(&e); /* which may be why */
		if (!e.stop)
			engine_fatal(&e, &d);
	}
	if (job->kind == JOB_VERIFY && !e.stop)
		verifyjob_finish(&e);
	worker_kill_but(&e, NULL);
	engine_conclude(&e);
	sigprocmask(SIG_SETMASK, &old, NULL);
}
