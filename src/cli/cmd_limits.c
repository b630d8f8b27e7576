/* limits: those in force of the running job, after changing some of them. */
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/running.h"
#include "cli/work.h"
#include "base/text.h"
#include "conf/change.h"
#include "job/control.h"

#include <cjson/cJSON.h>
#include <stdio.h>

/* Whatever the job would refuse is a mistake of usage, also when no job runs. NULL with e. */
static cJSON *make_request(const struct options *o, const struct conf *c, struct usage_error *e)
{
	cJSON *request = control_request("limits"), *set = NULL;
	AUTO_BUF why = BUF_INIT;

	if (o->operand_count)
		set = cJSON_AddObjectToObject(request, "set");
	for (size_t i = 0; i < o->operand_count; i++) {
		const char *eq = strchr(o->operands[i], '=');
		AUTO_FREE char *name =
			eq ? xmemdup(o->operands[i], (size_t)(eq - o->operands[i])) : xstrdup(o->operands[i]);
		const char *names[] = {name}, *values[] = {eq ? eq + 1 : ""};

		if (eq)
			conf_free(conf_change_limits(c, names, values, 1, &why));
		else
			buf_printf(&why, "'%s' is not KEY=VALUE\n", name);
		cJSON_DeleteItemFromObjectCaseSensitive(set, name);
		cJSON_AddStringToObject(set, name, values[0]);
	}
	if (!why.len)
		return request;
	*strchr(buf_cstr(&why), '\n') = '\0';
	usage_set(e, DIAG_CLI_OPTION_VALUE,
		xstrdup("'rehost limits' lists the keys; rehost.conf(5) describes their values"), "%s",
		(char *)why.data);
	cJSON_Delete(request);
	return NULL;
}

static const char *text(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsString(v) ? v->valuestring : "";
}

static void print_text(const cJSON *limits)
{
	const cJSON *l;

	cJSON_ArrayForEach(l, limits) {
		AUTO_FREE char *name = text_escaped(text(l, "name"));
		AUTO_FREE char *value = text_escaped(text(l, "value"));
		AUTO_FREE char *keeper = text_escaped(text(l, "keeper"));

		if (*keeper)
			printf("%-12s%-19s %s\n", name, value, keeper);
		else
			printf("%-12s%s\n", name, value);
	}
}

static void print_json(const char *job, const cJSON *limits)
{
	const cJSON *l;

	cJSON_ArrayForEach(l, limits) {
		struct json j = {0};

		json_begin(&j, "limit");
		json_str(&j, "job", job);
		json_str(&j, "name", text(l, "name"));
		json_str(&j, "value", text(l, "value"));
		json_str(&j, "keeper", text(l, "keeper"));
		json_end(&j);
		fwrite(j.text.data, 1, j.text.len, stdout);
		json_release(&j);
	}
}

int cmd_limits(const struct options *o)
{
	struct usage_error e = {0};
	struct running r = {0};
	cJSON *request, *reply = NULL;
	int code;

	if (running_find(&r, o, &e) && (request = make_request(o, r.conf, &e))) {
		reply = running_ask(&r, o, request, NULL, &code);
	} else {
		code = work_refuse(o, &e);
	}
	if (reply) {
		const cJSON *limits = cJSON_GetObjectItemCaseSensitive(reply, "limits");

		if (o->given[OPT_JSON])
			print_json(r.name, limits);
		else
			print_text(limits);
	}
	cJSON_Delete(reply);
	running_release(&r);
	usage_release(&e);
	return code;
}
