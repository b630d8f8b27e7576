/* facts: what is known of this host, or of the one below a directory, as one JSON document. */
#include "cli/commands.h"
#include "cli/work.h"
#include "facts/facts.h"

#include <cjson/cJSON.h>
#include <stdio.h>

int cmd_facts(const struct options *o)
{
	const struct facts_options fo = {.root = o->root};
	struct usage_error e = {0};
	cJSON *facts = NULL;
	int code = EXIT_DONE;

	if (o->operand_count)
		usage_set(&e, DIAG_CLI_OPERANDS, xstrdup("'--root DIR' names the root of another host"),
			"'facts' takes no arguments");
	else
		facts = facts_gather(&fo, &e.diag);
	if (facts) {
		char *text;

		if (o->given[OPT_ANONYMIZE])
			facts_anonymize(facts);
		text = cJSON_Print(facts);
		puts(text ? text : "{}");
		cJSON_free(text);
	} else {
		code = work_refuse(o, &e);
	}
	cJSON_Delete(facts);
	usage_release(&e);
	return code;
}
