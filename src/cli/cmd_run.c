/*
 * run: the whole job. The check; a full copy if none has completed, then a sync, then verify; the first step that fails
 * ends it. Steps that were only incomplete (3) or found differences (4) do not; of several, 3 comes before 4.
 */
#include "cli/commands.h"
#include "cli/fitness.h"
#include "cli/verify_options.h"
#include "job/state.h"

struct run {
	struct work w;
	struct summary total;
	bool verified;
};

static bool is_failure(int code)
{
	return code != EXIT_DONE && code != EXIT_PARTIAL && code != EXIT_DIFFERENT;
}

static int worse(int a, int b)
{
	if (is_failure(a) || is_failure(b))
		return is_failure(a) ? a : b;
	if (a == EXIT_PARTIAL || b == EXIT_PARTIAL)
		return EXIT_PARTIAL;
	return MAX(a, b);
}

/* What a verify only sees once more does not count twice. */
static void add_counts(struct counts *to, const struct counts *from, bool verify)
{
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		if (!verify || count_defs[i].whose != COUNT_SEEN)
			*counts_at(to, i) += counts_get(from, i);
}

static void add(struct run *run, struct summary *s, bool verify)
{
	struct summary *t = &run->total;

	t->duration_ns += s->duration_ns;
	add_counts(&t->counts, &s->counts, verify);
	t->processes = MAX(t->processes, s->processes);
	t->signal = s->signal;
	t->exit_code = worse(t->exit_code, s->exit_code);
	t->differences += s->differences;
	for (int k = 0; k < DIFFERENCE_KINDS; k++)
		t->difference_counts[k] += s->difference_counts[k];
	if (s->space) {
		t->space = STEAL(s->space);
		t->space_len = s->space_len;
		s->space_len = 0;
	}
	diag_move(&t->fatal, &s->fatal);
}

/* True when the next step may follow. */
static bool step(struct run *run, enum job_kind kind)
{
	struct summary s;

	run->w.job.sync_follows = kind == JOB_COPY;
	report_step_begin(run->w.report, job_kind_name(kind));
	work_step(&run->w, kind, &s);
	report_step_end(run->w.report, &s);
	run->verified |= kind == JOB_VERIFY;
	add(run, &s, kind == JOB_VERIFY);
	summary_release(&s);
	return !is_failure(run->total.exit_code);
}

static void steps(struct run *run)
{
	struct work *w = &run->w;
	bool copied = job_copy_completed(&w->job);

	if (!fitness_gate(w, &run->total))
		return;
	if (!copied && !step(run, JOB_COPY))
		return;
	/* A dry run has changed nothing: a sync after a copy, or verify, would list everything once more. */
	if (w->job.dry_run && !copied)
		return;
	if (!step(run, JOB_SYNC) || w->job.dry_run)
		return;
	if (w->conf->verify.mode == CONF_VERIFY_OFF)
		return;
	verify_set_options(w, NULL, 0);
	step(run, JOB_VERIFY);
}

int cmd_run(const struct options *o)
{
	struct work_operands operands = {0};
	struct run run = {0};
	int code;

	if (o->operand_count) {
		struct usage_error e = {0};

		usage_set(&e, DIAG_CLI_OPERANDS, xstrdup("'rehost sync SRC DST' needs no configuration"),
			"'run' takes no arguments: it runs the configured job");
		code = work_refuse(o, &e);
		usage_release(&e);
		return code;
	}
	code = work_begin(&run.w, o, &operands);
	if (code == 0) {
		if (work_start(&run.w, &run.total))
			steps(&run);
		code = work_end(&run.w, &run.total, true, run.verified);
		summary_release(&run.total);
	}
	work_release(&run.w);
	return code;
}
