#include "cli/unattended.h"
#include "job/state.h"
#include "base/clock.h"
#include "cli/hook.h"
#include "cli/metrics.h"

#include <stdio.h>
#include <unistd.h>

#define AFTER_SIGNAL_NS (2 * NS_PER_S) /* what a hook has when rehost itself is to end soon */
#define LINES_LOGGED 1000
#define LINES_TOLD 20

static void tell(struct work *w, const struct diag *d)
{
	report_diag(w->report, d);
	log_diag(w->log, d);
}

/* ---- hooks ---- */

struct output {
	struct work *w;
	const char *hook;
	unsigned count;
	char *last[LINES_TOLD]; /* ring: what is printed when the hook fails */
};

static void on_line(void *arg, const char *text)
{
	struct output *o = arg;
	char **place = &o->last[o->count % LINES_TOLD];

	free(*place);
	*place = xasprintf("%s: %s", o->hook, text);
	if (o->count++ < LINES_LOGGED)
		log_record(o->w->log, LOG_LEVEL_INFO, NULL, *place, NULL, 0);
}

static void release_output(struct output *o, bool print, enum diag_code code)
{
	for (unsigned i = 0; i < LINES_TOLD; i++) {
		char *line = o->last[(o->count + i) % LINES_TOLD];

		if (line && print)
			report_hook(o->w->report, code, line);
		free(line);
	}
}

/* The line that the report will end with, as --json has it. */
static char *summary_line(struct work *w, const struct summary *s, bool transferred, bool verified)
{
	size_t len = 0;
	char *text = NULL, *line;
	FILE *f = open_memstream(&text, &len);
	struct report_options ro = {.out = f, .err = f, .json = true, .quiet = true, .command = w->o->command->name};
	struct report *r;

	if (!f)
		return xstrdup("");
	r = report_new(&ro);
	report_end(r, s, transferred, verified);
	report_free(r);
	fclose(f);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	line = strrchr(text, '\n');
	line = xstrdup(line ? line + 1 : text);
	free(text);
	return line;
}

static bool run_hook(struct work *w, const char *name, const char *command, const char *const *environment,
	int64_t timeout_ns, enum diag_code code, struct diag *d, int *out_signal)
{
	struct output o = {.w = w, .hook = name};
	struct hook h = {
		.command = command, .environment = environment, .timeout_ns = timeout_ns, .line = on_line, .arg = &o};
	AUTO_BUF why = BUF_INIT;
	bool ok;

	AUTO_FREE char *note = xasprintf("the hook %s", name);

	fflush(stdout);
	job_lock_note(&w->locks, note);
	ok = hook_run(&h, &why, out_signal);
	job_lock_note(&w->locks, NULL);
	if (!ok)
		diag_set(d, code, 0, NULL, "the hook %s failed: %s", name, buf_cstr(&why));
	release_output(&o, !ok, code);
	return ok;
}

/* For configured jobs only, and never when nothing is to be written anywhere. */
static bool has_hooks(const struct work *w)
{
	return !w->job.adhoc && !w->job.dry_run;
}

static int64_t timeout_of(const struct work *w)
{
	return (int64_t)w->conf->hooks.timeout * NS_PER_S;
}

static bool hook_start(struct work *w, struct summary *s)
{
	AUTO_FREE char *job = xasprintf("REHOST_JOB=%s", w->job.name);
	AUTO_FREE char *name = xasprintf("REHOST_COMMAND=%s", w->o->command->name);
	const char *environment[] = {job, name, NULL};
	const char *command = w->conf->hooks.on_start;

	if (!command || !has_hooks(w))
		return true;
	if (run_hook(w, "on_start", command, environment, timeout_of(w), DIAG_HOOK_START, &s->fatal, &s->signal))
		return true;
	s->exit_code = EXIT_FAILED;
	if (s->signal) {
		diag_release(&s->fatal); /* not the hook's fault */
		s->exit_code = 128 + s->signal;
	}
	return false;
}

static void hook_end(struct work *w, const struct summary *s, bool transferred, bool verified)
{
	bool done = s->exit_code == EXIT_DONE;
	const char *command = done ? w->conf->hooks.on_success : w->conf->hooks.on_failure;
	AUTO_FREE char *line = NULL, *job = NULL, *name = NULL, *code = NULL, *summary = NULL;
	AUTO_DIAG d = DIAG_INIT;
	int signal;

	/* With the lock the other instance has the job, and will tell how it ends. */
	if (!command || !has_hooks(w) || s->exit_code == EXIT_LOCKED)
		return;
	line = summary_line(w, s, transferred, verified);
	job = xasprintf("REHOST_JOB=%s", w->job.name);
	name = xasprintf("REHOST_COMMAND=%s", w->o->command->name);
	code = xasprintf("REHOST_EXIT=%d", s->exit_code);
	summary = xasprintf("REHOST_SUMMARY=%s", line);

	const char *environment[] = {job, name, code, summary, NULL};
	if (!run_hook(w, done ? "on_success" : "on_failure", command, environment,
		    s->signal ? MIN(AFTER_SIGNAL_NS, timeout_of(w)) : timeout_of(w), DIAG_HOOK_END, &d, &signal))
		tell(w, &d);
}

/* ---- records and metrics ---- */

void unattended_note(struct work *w, enum run_command command, const struct summary *s, int64_t started)
{
	struct run_record runs[RUN_COMMANDS];
	AUTO_DIAG d = DIAG_INIT;

	if (w->locks.run < 0)
		return;
	runs_read(w->job.state_dir, w->job.name, runs);
	run_record_end(&runs[command], s, started, clock_real_ns());
	if (!runs_write(w->job.state_dir, w->job.name, runs, &d))
		tell(w, &d);
}

static void write_metrics(struct work *w)
{
	struct run_record runs[RUN_COMMANDS];
	AUTO_BUF text = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;

	if (w->locks.run < 0 || !w->conf->metrics.textfile)
		return;
	runs_read(w->job.state_dir, w->job.name, runs);
	metrics_format(&text, w->job.name, runs, job_copy_completed(&w->job));
	if (!metrics_write(w->conf->metrics.textfile, &text, &d))
		tell(w, &d);
}

/* ---- from beginning to end ---- */

bool unattended_begin(struct work *w, struct summary *s)
{
	w->started = clock_real_ns();
	if (!w->job.dry_run && !job_lock(&w->job, &w->locks, &s->fatal))
		s->exit_code = diag_info(s->fatal.code)->exit_class;
	else if (hook_start(w, s))
		return true;
	s->duration_ns = clock_real_ns() - w->started;
	return false;
}

static enum run_command command_of(const struct work *w)
{
	switch (w->o->id) {
	case CMD_COPY:
		return RUN_COPY;
	case CMD_SYNC:
		return RUN_SYNC;
	case CMD_VERIFY:
		return RUN_VERIFY;
	default:
		return RUN_RUN;
	}
}

void unattended_end(struct work *w, const struct summary *s, bool transferred, bool verified)
{
	unattended_note(w, command_of(w), s, w->started);
	write_metrics(w);
	hook_end(w, s, transferred, verified);
}
