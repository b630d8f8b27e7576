/* facts: what is known of this host, of the one below a directory, or of the target, as one JSON document. */
#include "check/target_facts.h"
#include "cli/commands.h"
#include "cli/target_spec.h"
#include "cli/work.h"
#include "facts/document.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static void print(const struct options *o, cJSON *facts)
{
	char *text;

	if (o->given[OPT_ANONYMIZE])
		facts_anonymize(facts);
	text = cJSON_Print(facts);
	puts(text ? text : "{}");
	cJSON_free(text);
}

static int of_here(const struct options *o)
{
	const struct facts_options fo = {.root = o->root};
	struct usage_error e = {0};
	cJSON *facts = facts_gather(&fo, &e.diag);
	int code = EXIT_DONE;

	if (facts)
		print(o, facts);
	else
		code = work_refuse(o, &e);
	cJSON_Delete(facts);
	usage_release(&e);
	return code;
}

static int ask_target(struct work *w)
{
	const struct target_facts_options to = {.conf = w->conf, .batch = w->job.batch};
	AUTO_DIAG d = DIAG_INIT;
	struct target_facts f;
	int code = EXIT_DONE;

	if (target_facts_get(&to, &f, &d)) {
		if (f.note)
			report_note(w->report, f.note);
		print(w->o, f.document);
	} else {
		report_exit_error(w->report, &d);
		code = diag_info(d.code)->exit_class;
	}
	target_facts_release(&f);
	return code;
}

static int of_target(const struct options *o)
{
	struct work_operands operands = {0};
	struct work w;
	int code;

	if (o->operand_count) {
		operands.source = "/";
		operands.target = o->operands[0];
	}
	code = work_begin(&w, o, &operands);
	if (code == 0)
		code = ask_target(&w);
	work_release(&w);
	return code;
}

int cmd_facts(const struct options *o)
{
	const bool target = o->given[OPT_TARGET];
	struct usage_error e = {0};
	int code;

	if (!target && (o->given[OPT_CONFIG] || o->given[OPT_SET]))
		usage_set(&e, DIAG_CLI_OPTION_PLACE, xstrdup("add '--target'"),
			"'--config' and '--set' mean nothing to 'facts' without '--target'");
	else if (target && o->root)
		usage_set(&e, DIAG_CLI_OPERANDS, xstrdup("'--root DIR' is for a tree on this host"),
			"'facts' takes --root or --target, not both");
	else if (target && (o->operand_count > 1 || (o->operand_count && !target_spec_is_one(o->operands[0]))))
		usage_set(&e, DIAG_CLI_OPERANDS,
			xstrdup("write 'rehost facts --target DST', or 'rehost facts --target' for the configured job"),
			"'facts --target' takes DST alone, or nothing");
	else if (!target && o->operand_count)
		usage_set(&e, DIAG_CLI_OPERANDS,
			xstrdup("'--root DIR' names the root of another host, '--target DST' the target"),
			"'facts' takes no arguments");
	else
		return target ? of_target(o) : of_here(o);
	code = work_refuse(o, &e);
	usage_release(&e);
	return code;
}
