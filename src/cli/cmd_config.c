/* check-config and show-config. */
#include "cli/commands.h"
#include "cli/work.h"
#include "rules/rules.h"

static int refuse_operands(const struct options *o)
{
	struct usage_error e = {0};
	int code;

	usage_set(&e, DIAG_CLI_OPERANDS, xstrdup("'-c FILE' before the command names a configuration file"),
		"'%s' takes no arguments", o->command->name);
	code = work_refuse(o, &e);
	usage_release(&e);
	return code;
}

/* Filter rules are the one part of the configuration that loading does not check. */
static bool check_rules(const struct conf *c, struct diag *d)
{
	static const enum rules_phase phases[] = {RULES_COPY, RULES_SYNC};

	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		struct rules *r;

		if (!rules_new(c, phases[i], &r, d))
			return false;
		rules_free(r);
	}
	return true;
}

/* Not an error: values may come by --set, or from another file. */
static void warn_without_target(const struct conf *c)
{
	struct usage_error missing = {0};

	if (!work_check_target(c, &missing)) {
		AUTO_DIAG d = DIAG_INIT;
		AUTO_BUF b = BUF_INIT;

		diag_set(&d, DIAG_CLI_UNFINISHED_TARGET, 0, NULL, "%s", missing.diag.detail);
		diag_format(&b, &d);
		fprintf(stderr, "rehost: warning: %s\nrehost: hint: %s\n", buf_cstr(&b), diag_info(d.code)->remedy);
	}
	usage_release(&missing);
}

int cmd_check_config(const struct options *o)
{
	struct usage_error e = {0};
	struct conf *c;
	int code = 0;

	if (o->operand_count)
		return refuse_operands(o);
	c = work_load_conf(o, false, &e);
	if (!c) {
		code = work_refuse(o, &e);
	} else if (!check_rules(c, &e.diag)) {
		usage_print(&e);
		code = EXIT_CONFIG_ERROR;
	} else if (!o->quiet) {
		warn_without_target(c);
		puts("configuration is valid");
	}
	conf_free(c);
	usage_release(&e);
	return code;
}

int cmd_show_config(const struct options *o)
{
	struct usage_error e = {0};
	struct conf *c;
	int code = 0;

	if (o->operand_count)
		return refuse_operands(o);
	c = work_load_conf(o, false, &e);
	if (c) {
		AUTO_BUF b = BUF_INIT;

		conf_print(c, &b);
		fwrite(b.data, 1, b.len, stdout);
	} else {
		code = work_refuse(o, &e);
	}
	conf_free(c);
	usage_release(&e);
	return code;
}
