#include "engine/engine.h"
#include "base/clock.h"
#include "base/signals.h"
#include "engine/control.h"
#include "engine/coordinator.h"
#include "engine/dispatch.h"
#include "engine/feed.h"
#include "engine/finish.h"
#include "engine/prepare.h"
#include "engine/reconnect.h"
#include "engine/reload.h"
#include "engine/restart.h"
#include "engine/target_limits.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_MS 200
#define UNSENT_MAX (64u << 20) /* to one worker */

static void read_signals(struct engine *e)
{
	struct signalfd_siginfo s;

	while (read(e->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		bool end = s.ssi_signo == SIGINT || s.ssi_signo == SIGTERM ||
			(s.ssi_signo == SIGHUP && e->job->hangup == HANGUP_ENDS);

		if (end) {
			e->out->signal = (int)s.ssi_signo;
			e->stop = true;
		} else if (!e->limits.throttle) {
			continue; /* it has not begun, or could not */
		} else if (s.ssi_signo == SIGUSR1) {
			progress_update(e, true);
		} else if (s.ssi_signo == SIGUSR2) {
			limits_toggle_bandwidth(e);
		} else if (s.ssi_signo == SIGHUP && e->job->hangup == HANGUP_RELOADS) {
			reload(e);
		}
	}
}

static void poll_once(struct engine *e)
{
	struct pollfd p[2 * WORKERS_MAX + 1 + CONTROL_FDS];
	struct worker *of[2 * WORKERS_MAX + 1];
	nfds_t n = 0;
	int64_t wait;

	p[n++] = (struct pollfd){.fd = e->signal_fd, .events = POLLIN};
	for (struct worker *w = e->workers.first; w; w = w->next) {
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
			dispatch_frames(e, w);
		}
		if (ended && !e->stop)
			reconnect_worker_ended(e, w);
	}
}

static void loop(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	limits_bandwidth(e);
	if (!worker_start(e, &d)) {
		engine_fatal(e, &d);
		return;
	}
	while (!e->stop) {
		if (e->target.restart)
			restart(e);
		durable_tick(e);
		feed(e);
		if (e->stop)
			break;
		if (e->walk.begun && walk_exhausted(e) && finish(e))
			break;
		reconnect(e);
		if (e->stop)
			break;
		poll_once(e);
		limits_bandwidth(e);
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
		.limits = {.throttle_fd = -1},
		.workers = {.next_serial = 1}};
	sigset_t set, old;
	AUTO_DIAG d = DIAG_INIT;

	*out = (struct summary){};
	e.started_ns = e.progress.rate_ns = clock_mono_ns();
	e.started_real = clock_real_ns();
	walk_init(&e.walk, job->dry_run ? NULL : xasprintf("%s/%s", job->state_dir, job->name));
	signal(SIGPIPE, SIG_IGN);
	signals_of_loop(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	e.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (prepare(&e, &d)) {
		loop(&e);
	} else {
		read_signals(&e); /* which may be why */
		if (!e.stop)
			engine_fatal(&e, &d);
	}
	if (job->kind == JOB_VERIFY)
		verifyjob_finish(&e);
	reconnect_kill_but(&e, NULL);
	finish_conclude(&e);
	sigprocmask(SIG_SETMASK, &old, NULL);
}
