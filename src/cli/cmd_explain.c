/* explain: what a diagnostic means. */
#include "cli/commands.h"
#include "base/text.h"
#include "preflight/rows.h"

#include <strings.h>
#include <stdio.h>

static const char *severity_name(enum diag_severity severity)
{
	static const char *const names[] = {[DIAG_INFO] = "note", [DIAG_WARNING] = "warning", [DIAG_ERROR] = "error"};

	return names[severity];
}

static void explain(const struct diag_info *info)
{
	printf("%s: %s\n\nseverity:  %s\n", info->id, info->title, severity_name(info->severity));
	if (info->severity == DIAG_ERROR)
		printf("exit code: %d when it ends the run\n", info->exit_class);
	printf("cause:     %s\nremedy:    %s\n", info->cause, info->remedy);
}

static void explain_check(const struct preflight_row *r)
{
	AUTO_FREE char *cause = preflight_filled(r->cause, ""), *remedy = preflight_filled(r->remedy, "");

	printf("%s: %s\n\nside:      %s\nseverity:  %s%s\n", r->id, r->title, preflight_side_name(r->side),
		preflight_severity_name(r->severity), r->boot ? " when the copy is to boot, else warn" : "");
	if (r->threshold >= 0)
		printf("threshold: %g%s%s\n", r->threshold, *r->unit ? " " : "", r->unit);
	printf("cause:     %s\nremedy:    %s\n", cause, remedy);
}

/* "[rh101]", "RH0101", "101": as it may have been copied from a message. */
static char *normal_id(const char *word)
{
	const char *p = word + (*word == '[');
	size_t len;

	if (strncasecmp(p, "RH", 2) == 0)
		p += 2;
	len = strlen(p);
	if (len && p[len - 1] == ']')
		len--;
	if (len == 0 || len > 4 || strspn(p, "0123456789") < len)
		return NULL;
	return xasprintf("RH%.*s%.*s", (int)(4 - len), "0000", (int)len, p);
}

static int unknown(const char *word, const char *id)
{
	const char *ids[DIAG_CODES_END], *near;
	struct usage_error e = {0};
	size_t n = 0;
	int code;

	for (int c = 1; c < DIAG_CODES_END; c++)
		ids[n++] = diag_info((enum diag_code)c)->id;
	near = text_nearest(id ? id : word, ids, n);
	near = near ? near : preflight_nearest(word);
	usage_set(&e, DIAG_CLI_CODE,
		near ? xasprintf(
			       "did you mean '%s'? rehost-diagnostics(7) lists all codes, rehost-checks(7) all checks",
			       near)
		     : NULL,
		"'%s' is neither a diagnostic code nor a check", word);
	code = usage_print(&e);
	usage_release(&e);
	return code;
}

static int without_code(void)
{
	struct usage_error e = {0};
	int code;

	usage_set(&e, DIAG_CLI_OPERANDS, xstrdup("name a code, such as RH0101; rehost-diagnostics(7) lists them all"),
		"'explain' needs a code");
	code = usage_print(&e);
	usage_release(&e);
	return code;
}

int cmd_explain(const struct options *o)
{
	if (o->operand_count == 0)
		return without_code();
	for (size_t i = 0; i < o->operand_count; i++) {
		AUTO_FREE char *id = normal_id(o->operands[i]);
		const struct preflight_row *row = preflight_find(o->operands[i]);
		enum diag_code c = id ? diag_find(id) : DIAG_NONE;

		if (c == DIAG_NONE && !row)
			return unknown(o->operands[i], id);
		if (i)
			putchar('\n');
		if (row)
			explain_check(row);
		else
			explain(diag_info(c));
	}
	return 0;
}
