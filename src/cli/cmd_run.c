/*
 * run: the whole job. A full copy if none has completed, then a sync, then verify; the first step that fails
 * ends it. Steps that were only incomplete (3) or found differences (4) do not; of several, 3 comes before 4.
 */
#include "cli/commands.h"
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

/* Copies and syncs add up; of verify only what it alone counts: files_examined and bytes_total stay those of
 * the transfers. */
static void add(struct run *run, struct summary *s, bool verify)
{
	struct summary *t = &run->total;

	t->duration_ns += s->duration_ns;
	t->bytes_sent += s->bytes_sent;
	t->bytes_received += s->bytes_received;
	t->bytes_helper += s->bytes_helper;
	t->files_failed += s->files_failed;
	t->files_vanished += s->files_vanished;
	t->processes = MAX(t->processes, s->processes);
	t->signal = s->signal;
	t->exit_code = worse(t->exit_code, s->exit_code);
	if (verify) {
		t->bytes_hashed += s->bytes_hashed;
		t->differences += s->differences;
		for (int k = 0; k < DIFFERENCE_KINDS; k++)
			t->difference_counts[k] += s->difference_counts[k];
	} else {
		t->files_examined += s->files_examined;
		t->files_transferred += s->files_transferred;
		t->files_deleted += s->files_deleted;
		t->bytes_total += s->bytes_total;
		t->bytes_literal += s->bytes_literal;
		t->bytes_matched += s->bytes_matched;
		t->metadata_updated += s->metadata_updated;
		t->links_made += s->links_made;
		t->dirs_created += s->dirs_created;
	}
	diag_move(&t->fatal, &s->fatal);
}

/* True when the next step may follow. */
static bool step(struct run *run, enum job_kind kind, const char *name)
{
	struct summary s;

	report_step_begin(run->w.report, name);
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

	if (!copied && !step(run, JOB_COPY, "copy"))
		return;
	/* A dry run has changed nothing: a sync after a copy, or verify, would list everything once more. */
	if (w->job.dry_run && !copied)
		return;
	if (!step(run, JOB_SYNC, "sync") || w->job.dry_run)
		return;
	if (w->conf->verify.mode == CONF_VERIFY_OFF)
		return;
	verify_set_options(w, NULL, 0);
	step(run, JOB_VERIFY, "verify");
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
