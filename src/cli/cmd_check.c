/* check: can this host be moved, to that one, over this network, and what will be missing? Nothing is written on either side. */
#include "cli/commands.h"
#include "cli/fitness.h"
#include "cli/json.h"
#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

static bool check_ids(const struct options *o, struct usage_error *e)
{
	for (size_t i = 0; i < o->operand_count; i++) {
		const char *near;

		if (preflight_find(o->operands[i]))
			continue;
		near = preflight_nearest(o->operands[i]);
		usage_set(e, DIAG_CLI_OPERANDS,
			near ? xasprintf("did you mean '%s'?", near) : xstrdup("rehost-checks(7) lists them"),
			"'%s' is no check", o->operands[i]);
		return false;
	}
	return true;
}

/* Of those that were asked for. */
static void count(const struct fitness *f, const struct fitness_report *r, unsigned counts[PREFLIGHT_SEVERITIES])
{
	for (size_t i = 0; i < PREFLIGHT_ROWS; i++) {
		const struct preflight_finding *one = &f->found.findings[i];

		counts[one->severity] += fitness_shows(r, one) && !one->moot && !one->ignored;
	}
}

static void print_summary(const struct fitness *f, const unsigned counts[PREFLIGHT_SEVERITIES], int code, int64_t ns)
{
	struct json j = {0};

	json_begin(&j, "summary");
	json_str(&j, "command", "check");
	json_i64(&j, "exit_code", code);
	json_seconds(&j, "duration_s", ns);
	for (int s = 0; s < PREFLIGHT_SEVERITIES; s++)
		json_u64(&j, preflight_severity_name((enum preflight_severity)s), counts[s]);
	json_u64(&j, "ignored", f->found.ignored);
	json_u64(&j, "moot", f->found.moot);
	json_end(&j);
	fwrite(j.text.data, 1, j.text.len, stdout);
	json_release(&j);
}

/* A target that was not reached counts as that; what fails at this host is in the report besides. */
static int exit_code(const struct fitness *f, const unsigned counts[PREFLIGHT_SEVERITIES], bool strict)
{
	if (diag_is_set(&f->unreached))
		return diag_info(f->unreached.code)->exit_class;
	return counts[PREFLIGHT_FAIL] || (strict && counts[PREFLIGHT_WARN]) ? EXIT_FAILED : EXIT_DONE;
}

static int check(struct work *w)
{
	const struct options *o = w->o;
	const struct fitness_options fo = {.network = !o->given[OPT_NO_NETWORK]};
	const struct fitness_report r = {.o = o, .ids = o->operands, .id_count = o->operand_count, .inventory = true};
	unsigned counts[PREFLIGHT_SEVERITIES] = {0};
	int64_t began = clock_mono_ns();
	AUTO_DIAG d = DIAG_INIT;
	struct fitness f;
	int code;

	if (isatty(STDERR_FILENO) && !o->quiet && !o->given[OPT_JSON] && fo.network)
		fprintf(stderr, "rehost: looking at both hosts and measuring the network takes about 20 seconds\n");
	if (!fitness_check(w, &fo, &f, &d)) {
		report_exit_error(w->report, &d);
		code = diag_info(d.code)->exit_class;
	} else {
		count(&f, &r, counts);
		code = exit_code(&f, counts, o->given[OPT_STRICT]);
		if (o->given[OPT_JSON]) {
			fitness_print_json(&f, &r);
			print_summary(&f, counts, code, clock_mono_ns() - began);
		} else {
			fitness_print_text(&f, &r);
			if (diag_is_set(&f.unreached))
				report_diag(w->report, &f.unreached);
		}
	}
	fitness_release(&f);
	return code;
}

int cmd_check(const struct options *o)
{
	const struct work_operands operands = {0};
	struct usage_error e = {0};
	struct work w;
	int code;

	if (!check_ids(o, &e)) {
		code = work_refuse(o, &e);
		usage_release(&e);
		return code;
	}
	code = work_begin(&w, o, &operands);
	if (code == 0)
		code = check(&w);
	work_release(&w);
	return code;
}
