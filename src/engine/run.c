#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "engine/private.h"
#include "source/mover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUE_DEEP 16	   /* units waiting beyond what movers hold, before another mover is started */
#define RECONNECT_S 300	   /* how long a lost link is reopened before [retry] applies */
#define RECONNECT_MAX_S 60 /* longest pause between two tries of that time */
#define TICK_MS 200
#define CRASHES_MAX 10

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
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text || !e->observer->note)
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

/* ---- the beginning ---- */

static void say_left_out(struct engine *e)
{
	for (size_t i = 0; i < e->plan.left_out_count; i++) {
		const struct mount_left_out *l = &e->plan.left_out[i];
		engine_note(e, "left out: '%s' (%s): %s", l->path, l->fstype, l->why);
	}
}

static void warn_missing_path(void *arg, const struct conf_item *item)
{
	struct engine *e = arg;
	struct stat st;
	AUTO_DIAG d = DIAG_INIT;

	if (lstat(item->value, &st) == 0 || errno != ENOENT)
		return;
	diag_set(&d, DIAG_ENGINE_NO_PATH, 0, item->value, "'%s' does not exist (%s:%u)", item->value, item->file, item->line);
	engine_diag(e, &d);
}

static void skip_own_dir(struct engine *e, const char *dir)
{
	struct stat st;

	if (dir && stat(dir, &st) == 0 && S_ISDIR(st.st_mode)) {
		wr_u64(&e->skips, st.st_dev);
		wr_u64(&e->skips, st.st_ino);
	}
}

static bool open_source(struct engine *e, struct diag *d)
{
	const struct job *job = e->job;
	struct mounts_options o = {.one_file_system = job->one_file_system, .root_always = job->adhoc};
	struct stat st;
	AUTO_BUF warn = BUF_INIT;

	if (stat(job->conf->source.root, &st) < 0 || !S_ISDIR(st.st_mode)) {
		diag_set(d, DIAG_ENGINE_SOURCE_ROOT, errno ? errno : ENOTDIR, job->conf->source.root, "cannot use source root '%s'",
			job->conf->source.root);
		return false;
	}
	if (!mounts_select(job->conf, &o, &e->plan, d))
		return false;
	say_left_out(e);
	if (!mounts_open(&e->plan, geteuid() == 0, &warn, d))
		return false;
	for (char *line = buf_cstr(&warn), *end; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		engine_note(e, "%.*s", (int)(end - line), line);
		if (!*end)
			break;
	}
	e->mount_given = xcalloc(e->plan.chosen_count, sizeof(*e->mount_given));
	return true;
}

static void forecast(struct engine *e)
{
	if (e->state.files && state_matches(e->job, &e->state)) {
		e->progress.files_expected = e->state.files;
		e->progress.bytes_expected = e->state.bytes;
		e->forecast = true;
		return;
	}
	if (e->job->adhoc) /* a directory of a file system: what the whole of it holds says nothing */
		return;
	for (size_t i = 0; i < e->plan.chosen_count; i++) {
		e->progress.files_expected += e->plan.chosen[i].used_inodes;
		e->progress.bytes_expected += e->plan.chosen[i].used_bytes;
	}
	e->forecast = true;
}

static unsigned process_limit(const struct engine *e)
{
	const struct conf *c = e->job->conf;
	unsigned n = e->job->kind == JOB_COPY ? c->transfer.processes : c->transfer.sync_processes;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!n)
		n = c->transfer.processes;
	if (!n) /* auto: as many as have a processor, and no more than a disk can feed */
		n = cpus > 4 ? 4 : cpus > 1 ? (unsigned)cpus : 1;
	return MIN(n, (unsigned)WORKERS_MAX);
}

static bool prepare(struct engine *e, struct diag *d)
{
	const struct job *job = e->job;
	AUTO_FREE char *job_dir = xasprintf("%s/%s", job->state_dir, job->name);

	if (!job->dry_run) {
		e->lock_fd = lock_take(job->run_dir, job->name, d);
		if (e->lock_fd < 0)
			return false;
		if (fd_mkdir_p(job_dir, 0700) < 0) {
			diag_set(d, DIAG_ENGINE_STATE, errno, job_dir, "cannot make directory '%s'", job_dir);
			return false;
		}
	}
	if (!job_state_read(job->state_dir, job->run_dir, job->name, &e->state, NULL, d) || !open_source(e, d))
		return false;
	if (!rules_new(job->conf, job->kind == JOB_COPY ? RULES_COPY : RULES_SYNC, &e->rules, d))
		return false;
	rules_each_path(e->rules, warn_missing_path, e);
	if (!transport_resolve(job->conf, job->batch, &e->transport, d))
		return false;
	if (!transport_helper_path() && !job->conf->target.helper) {
		diag_set(d, DIAG_ENGINE_NO_HELPER, 0, NULL, "cannot find 'rehost-receiver'");
		return false;
	}
	e->throttle = throttle_new(&e->throttle_fd);
	if (!e->throttle || getrandom(e->seed, sizeof(e->seed), 0) != sizeof(e->seed)) {
		diag_set(d, DIAG_ENGINE_WORKER, errno, NULL, "cannot get random bytes, or a page of memory to share");
		return false;
	}
	digest_key_init(&e->name_key, e->seed);
	e->empty_dir = xasprintf("%s/empty", job->run_dir);
	e->run_dir_made = access(job->run_dir, F_OK) < 0;
	e->empty_made = access(e->empty_dir, F_OK) < 0;
	skip_own_dir(e, job->state_dir);
	skip_own_dir(e, job->run_dir);
	skip_own_dir(e, job->log_dir);
	if (job->kind == JOB_VERIFY) {
		e->changed_since = e->state.last_sync_started;
		if (state_matches(job, &e->state) && e->state.skip_ino) {
			wr_u64(&e->skips, e->state.skip_dev);
			wr_u64(&e->skips, e->state.skip_ino);
		}
		e->verify_links = verify_links_new(16u << 20, open(job_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	} else {
		e->links = links_new(job->dry_run ? NULL : job_dir);
	}
	e->delete_budget = job->conf->rules.max_delete >= 0 ? (uint64_t)job->conf->rules.max_delete : UINT64_MAX;
	e->worker_max = process_limit(e);
	forecast(e);
	return true;
}

bool state_begin(struct engine *e, struct diag *d)
{
	if (e->job->kind == JOB_SYNC)
		e->state.last_sync_started = clock_real_ns();
	if (e->job->kind == JOB_COPY && !e->state.last_sync_started)
		e->state.last_sync_started = clock_real_ns();
	return e->job->kind == JOB_VERIFY || state_write(e->job, &e->state, d);
}

/* ---- units ---- */

void engine_enqueue_mount(struct engine *e, size_t i, uint8_t flags)
{
	const struct mount *m = &e->plan.chosen[i];

	e->mount_given[i] = true;
	queue_push(&e->queue, queue_unit_new(UNIT_DIR, flags, (uint32_t)i, m->rel, m->target_rel));
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
	if (e->queue.head || e->segments.head || in_flight(e) || e->shares)
		return false;
	if ((e->job->kind != JOB_VERIFY || e->verify_whole) && enqueue_unvisited(e))
		return false;
	if (e->deferred.count) {
		e->revisiting = true;
		deferred_take(&e->deferred, &e->queue);
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
	/* Handshakes come one after the other: sshd refuses many at once. */
	if (starting || room || e->worker_count >= e->worker_max || e->worker_count == 0)
		return;
	if (!e->segments.head && e->queue.len < QUEUE_DEEP)
		return;
	if (e->retry_at > clock_mono_ns())
		return;
	if (!worker_start(e, &d)) {
		engine_diag(e, &d);
		e->worker_max = e->worker_count;
	}
}

/* ---- losing and finding the link ---- */

/* Nobody is left: when is the next try, or is it over? d says why the last one ended. */
static void lost(struct engine *e, struct diag *d)
{
	const struct conf *c = e->job->conf;
	int64_t now = clock_mono_ns(), pause;
	bool first = !e->ever_linked;

	if (first && !e->job->first_connection_retries) {
		engine_fatal(e, d);
		return;
	}
	if (!e->lost_since)
		e->lost_since = now;
	if (!e->job->retry && e->tries >= 1) {
		engine_fatal(e, d);
		return;
	}
	if (e->job->retry && now - e->lost_since > RECONNECT_S * NS_PER_S) {
		if (e->long_tries >= c->retry.max_retries) {
			engine_fatal(e, d);
			return;
		}
		pause = (int64_t)c->retry.interval + (int64_t)c->retry.step * e->long_tries++;
	} else {
		pause = e->tries == 0 ? 0 : e->tries > 6 ? RECONNECT_MAX_S : INT64_C(1) << (e->tries - 1);
	}
	e->tries++;
	AUTO_BUF text = BUF_INIT;
	diag_format(&text, d);
	engine_note(e, "%s; trying again in %lld s", buf_cstr(&text), (long long)pause);
	e->retry_at = now + pause * NS_PER_S;
	diag_move(&e->lost, d);
}

static void reconnect(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	if (e->workers || e->stop || clock_mono_ns() < e->retry_at)
		return;
	if (!worker_start(e, &d))
		engine_fatal(e, &d);
}

static void tell_lost(struct engine *e, const struct diag *d)
{
	AUTO_BUF text = BUF_INIT;

	diag_format(&text, d);
	engine_note(e, "%s", buf_cstr(&text));
}

static void worker_ended(struct engine *e, struct worker *w)
{
	AUTO_DIAG d = DIAG_INIT;
	bool crashed;
	enum worker_state state = w->state;
	bool said = w->fatal_said;
	enum result why;
	int status = 0;

	waitpid(w->pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == MOVER_LOST)
		e->ever_linked = true;
	why = transport_collect(e->transport, &w->conn, &d);
	worker_gone(e, w);
	if (said || e->stop || state == WORKER_FINISHING)
		return;
	e->lost_any = e->lost_any || state != WORKER_STARTING;
	if (state == WORKER_SYNCING)
		e->synced = false; /* another must do it */
	if (why == RES_RETRY) {
		tell_lost(e, &d);
		return; /* the other back end is tried at once */
	}
	if (why == RES_FATAL && state == WORKER_STARTING && e->workers) { /* one connection more than is allowed */
		tell_lost(e, &d);
		e->worker_max = e->worker_count;
		return;
	}
	if (why == RES_FATAL) {
		engine_fatal(e, &d);
		return;
	}
	crashed = WIFSIGNALED(status) || WEXITSTATUS(status) < MOVER_LOST;
	if (!diag_is_set(&d)) {
		if (crashed)
			diag_set(&d, DIAG_ENGINE_WORKER, 0, NULL, "a worker process ended unexpectedly (%s %d)",
				WIFSIGNALED(status) ? "signal" : "exit code",
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		else
			diag_set(&d, DIAG_ENGINE_LINK_LOST, 0, NULL, "the connection to %s ended", transport_name(e->transport));
	}
	if (crashed && ++e->crashes >= CRASHES_MAX) { /* what kills one may kill each */
		engine_fatal(e, &d);
	} else if (e->workers) { /* others go on with its work; a new one is started when there is enough to do */
		tell_lost(e, &d);
		e->retry_at = clock_mono_ns() + NS_PER_S;
	} else {
		lost(e, &d);
	}
}

/* ---- the end ---- */

/* Everything has been done: now make it durable, then let the workers go. True when all have gone. */
static bool finish(struct engine *e)
{
	bool sync = !e->job->dry_run && e->job->kind != JOB_VERIFY, any = false;

	e->ending = true;
	for (struct worker *w = e->workers, *next; w; w = next) {
		next = w->next;
		if (w->state == WORKER_STARTING && e->synced) {
			kill(w->pid, SIGKILL); /* it came too late to be of use */
			w->discarded = true;
			w->state = WORKER_FINISHING;
		}
		if (w->state == WORKER_SYNCED && e->lost_any && !w->sync_all)
			w->state = WORKER_READY; /* one was lost since it was asked */
		if (w->state == WORKER_READY && sync) {
			AUTO_BUF all = BUF_INIT;
			wr_u8(&all, e->lost_any); /* what a lost receiver has written, another must make durable */
			worker_send(w, IPC_SYNC, &all);
			w->sync_all = e->lost_any;
			w->state = WORKER_SYNCING;
		} else if ((w->state == WORKER_READY && !sync) || w->state == WORKER_SYNCED) {
			e->synced = true;
			worker_send(w, IPC_FINISH, NULL);
			w->state = WORKER_FINISHING;
		}
		any = true;
	}
	if (any)
		return false;
	return !sync || e->synced; /* nobody was left to make it durable: reconnect() finds someone */
}

static void read_signal(struct engine *e)
{
	struct signalfd_siginfo s;

	while (read(e->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGUSR1) {
			progress_update(e, true);
		} else {
			e->out->signal = (int)s.ssi_signo;
			e->stop = true;
		}
	}
}

static void bandwidth_tick(struct engine *e)
{
	time_t now = time(NULL);
	struct tm tm;
	uint64_t rate;

	localtime_r(&now, &tm);
	rate = conf_bandwidth_at(e->job->conf, (unsigned)(tm.tm_hour * 60 + tm.tm_min));
	throttle_set_rate(e->throttle, THROTTLE_SEND, rate);
}

/* ---- the loop ---- */

static void poll_once(struct engine *e)
{
	struct pollfd p[2 * WORKERS_MAX + 1];
	struct worker *of[2 * WORKERS_MAX + 1];
	nfds_t n = 0;
	int64_t wait;

	p[n++] = (struct pollfd){.fd = e->signal_fd, .events = POLLIN};
	for (struct worker *w = e->workers; w; w = w->next) {
		chan_flush(&w->ipc, &wait);
		of[n] = w;
		p[n++] = (struct pollfd){.fd = w->ipc.fd, .events = (short)(POLLIN | (chan_unsent(&w->ipc) ? POLLOUT : 0))};
		of[n] = w;
		p[n++] = (struct pollfd){.fd = w->conn.err_fd, .events = POLLIN};
	}
	poll(p, n, TICK_MS);
	if (p[0].revents)
		read_signal(e);
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
			worker_ended(e, w);
	}
}

static void loop(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	bandwidth_tick(e);
	if (!worker_start(e, &d)) {
		engine_fatal(e, &d);
		return;
	}
	while (!e->stop) {
		feed(e);
		if (e->stop)
			break;
		if (e->first_sent && work_exhausted(e) && finish(e))
			break;
		reconnect(e);
		if (e->stop)
			break;
		poll_once(e);
		bandwidth_tick(e);
		progress_update(e, false);
	}
}

/* ---- the result ---- */

static void fill_summary(struct engine *e)
{
	struct summary *s = e->out;
	const struct ipc_count *t = &e->total;

	s->duration_ns = clock_mono_ns() - e->started_ns;
	s->files_examined = MAX(e->units_done_files, e->job->kind == JOB_VERIFY ? t->examined : 0);
	s->bytes_total = MAX(e->units_done_bytes, e->job->kind == JOB_VERIFY ? t->examined_bytes : 0);
	s->files_transferred = t->transferred;
	s->files_deleted = t->deleted;
	s->files_vanished = t->vanished;
	s->files_failed = MAX(t->failed, e->failed_said); /* what a worker last counted can be lost with it */
	s->bytes_literal = t->literal;
	s->bytes_matched = t->matched;
	s->bytes_sent = t->sent;
	s->bytes_received = t->received;
	s->metadata_updated = t->metadata;
	s->links_made = t->links;
	s->dirs_created = t->dirs;
	s->bytes_hashed = t->hashed;
}

static int exit_code(const struct engine *e)
{
	const struct summary *s = e->out;

	if (s->signal)
		return 128 + s->signal;
	if (diag_is_set(&s->fatal)) {
		int c = diag_info(s->fatal.code)->exit_class;
		return c ? c : EXIT_FAILED;
	}
	if (s->files_failed || e->budget_warned)
		return EXIT_PARTIAL;
	if (s->differences > s->difference_counts[DIFFERENCE_CHANGED])
		return EXIT_DIFFERENT;
	return EXIT_DONE;
}

static void keep_state(struct engine *e)
{
	static const char *const commands[] = {"copy", "sync", "verify"};
	struct job_state *s = &e->state;
	bool whole = !e->stop;
	int64_t now = clock_real_ns();
	AUTO_DIAG d = DIAG_INIT;

	if (e->job->dry_run || !e->target_checked)
		return;
	if (whole && e->job->kind == JOB_COPY) {
		s->copy_completed = true;
		s->copy_completed_at = now;
	}
	if (whole && e->job->kind == JOB_SYNC)
		s->last_sync_completed = now;
	if (whole && e->job->kind == JOB_VERIFY)
		s->last_verify_completed = now;
	if (whole && e->job->kind != JOB_VERIFY) {
		s->files = e->out->files_examined;
		s->bytes = e->out->bytes_total;
	}
	s->last_exit_code = e->out->exit_code;
	s->last_ended = now;
	free(s->last_command);
	s->last_command = xstrdup(commands[e->job->kind]);
	if (!state_write(e->job, s, &d) && !e->stop) {
		engine_fatal(e, &d);
		e->out->exit_code = exit_code(e);
	}
}

static void release(struct engine *e)
{
	if (!e->job->dry_run && e->lock_fd >= 0)
		status_remove(e->job);
	queue_clear(&e->queue);
	queue_clear(&e->segments);
	deferred_release(&e->deferred);
	links_free(e->links);
	if (e->verify_links)
		verify_links_free(e->verify_links);
	while (e->shares) {
		struct share *s = e->shares;
		e->shares = s->next;
		free(s);
	}
	free(e->mount_given);
	mount_plan_release(&e->plan);
	rules_free(e->rules);
	transport_free(e->transport);
	job_state_release(&e->state);
	buf_release(&e->skips);
	buf_release(&e->differing);
	diag_release(&e->lost);
	free(e->asks);
	if (e->job->dry_run && e->empty_dir) { /* made for the confinement of the workers; nothing stays */
		if (e->empty_made)
			rmdir(e->empty_dir);
		if (e->run_dir_made)
			rmdir(e->job->run_dir);
	}
	free(e->empty_dir);
	throttle_unmap(e->throttle);
	if (e->throttle_fd >= 0)
		close(e->throttle_fd);
	if (e->signal_fd >= 0)
		close(e->signal_fd);
	if (e->lock_fd >= 0)
		close(e->lock_fd);
}

void engine_run(const struct job *job, const struct observer *observer, struct summary *out)
{
	struct engine e = {.job = job, .observer = observer, .out = out, .lock_fd = -1, .signal_fd = -1, .throttle_fd = -1, .next_serial = 1,
		.next_unit = 1, .deferred = {.fd = -1}};
	sigset_t set, old;
	AUTO_DIAG d = DIAG_INIT;

	*out = (struct summary){};
	e.started_ns = e.rate_ns = clock_mono_ns();
	e.started_real = clock_real_ns();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	e.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (prepare(&e, &d))
		loop(&e);
	else
		engine_fatal(&e, &d);
	if (job->kind == JOB_VERIFY && !e.stop)
		verifyjob_finish(&e);
	worker_kill_all(&e);
	fill_summary(&e);
	out->exit_code = exit_code(&e);
	keep_state(&e);
	release(&e);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void summary_release(struct summary *s)
{
	diag_release(&s->fatal);
}
