/* What `run` begins with: the check, without measuring the network. What fails ends it before anything is written. */
#include "cli/fitness.h"
#include "base/clock.h"

#include <stdio.h>

/* What the copy refuses by itself, before it writes, in words and with a code of its own. */
static bool is_refused_anyway(const char *id)
{
	static const char *const ids[] = {"target-not-empty", "target-root-live", "target-is-source", "target-gone"};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (str_eq(ids[i], id))
			return true;
	return false;
}

static unsigned leave_to_the_copy(struct preflight *p)
{
	unsigned fails = 0;

	for (size_t i = 0; i < PREFLIGHT_ROWS; i++) {
		struct preflight_finding *f = &p->findings[i];

		f->ignored = f->ignored || is_refused_anyway(f->row->id);
		fails += f->severity == PREFLIGHT_FAIL && !f->ignored && !f->moot;
	}
	return fails;
}

static void list_ids(struct buf *b, const struct preflight *p, enum preflight_severity severity)
{
	for (size_t i = 0; i < PREFLIGHT_ROWS; i++) {
		const struct preflight_finding *f = &p->findings[i];

		if (f->severity == severity && !f->ignored && !f->moot)
			buf_printf(b, "%s%s", b->len ? ", " : "", f->row->id);
	}
}

/* Why: as JSON every finding, for people what fails. */
static void tell(struct work *w, const struct fitness *f)
{
	const struct options quiet = {.quiet = true};
	const struct fitness_report r = {.o = &quiet};

	if (w->o->given[OPT_JSON])
		fitness_print_json(f, &r);
	else
		fitness_print_text(f, &r);
}

static void note_warnings(struct work *w, const struct fitness *f)
{
	const unsigned n = f->found.counts[PREFLIGHT_WARN];
	AUTO_FREE char *text = NULL;
	AUTO_BUF ids = BUF_INIT;

	if (!n)
		return;
	list_ids(&ids, &f->found, PREFLIGHT_WARN);
	text = xasprintf(
		"the check has %u warning%s: %s ('rehost check' tells more)", n, n == 1 ? "" : "s", buf_cstr(&ids));
	report_note(w->report, text);
	log_record(w->log, LOG_LEVEL_INFO, NULL, text, NULL, 0);
}

bool fitness_gate(struct work *w, struct summary *s)
{
	const struct fitness_options fo = {.reached = true};
	int64_t began = clock_mono_ns();
	struct fitness f;
	bool ok;

	if (!w->conf->check.before_run)
		return true;
	ok = fitness_check(w, &fo, &f, &s->fatal);
	if (ok && leave_to_the_copy(&f.found)) {
		AUTO_BUF ids = BUF_INIT;

		list_ids(&ids, &f.found, PREFLIGHT_FAIL);
		tell(w, &f);
		diag_set(&s->fatal, DIAG_CHECK_UNFIT, 0, NULL, "the check fails: %s", buf_cstr(&ids));
		ok = false;
	} else if (ok) {
		note_warnings(w, &f);
	}
	fitness_release(&f);
	if (!ok) {
		s->exit_code = diag_info(s->fatal.code)->exit_class;
		s->duration_ns += clock_mono_ns() - began;
		log_diag(w->log, &s->fatal);
	}
	return ok;
}
