/* The check as JSON lines: the inventory, and a line a finding. */
#include "cli/fitness.h"
#include "cli/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static void put_inventory(const struct fitness *f)
{
	static const char *const members[] = {"mounts", "left_out", "hidden", "source_root", "target_root"};
	cJSON *o = cJSON_CreateObject(), *target = cJSON_GetObjectItemCaseSensitive(f->target, "target_root");
	char *text;

	cJSON_AddStringToObject(o, "message_type", "inventory");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		cJSON *member = cJSON_GetObjectItemCaseSensitive(f->job, members[i]);

		if (member)
			cJSON_AddItemToObject(o, members[i], cJSON_Duplicate(member, true));
	}
	if (target)
		cJSON_AddItemToObject(o, "target", cJSON_Duplicate(target, true));
	if (f->network)
		cJSON_AddItemToObject(o, "network", cJSON_Duplicate(f->network, true));
	text = cJSON_PrintUnformatted(o);
	puts(text ? text : "{}");
	cJSON_free(text);
	cJSON_Delete(o);
}

static void put_finding(const struct preflight_finding *f)
{
	struct json j = {0};

	json_begin(&j, "finding");
	json_str(&j, "id", f->row->id);
	json_str(&j, "severity", preflight_severity_name(f->severity));
	json_str(&j, "side", preflight_side_name(f->row->side));
	json_str(&j, "title", f->row->title);
	json_str(&j, "evidence", f->evidence);
	json_str(&j, "cause", f->moot || f->severity == PREFLIGHT_OK ? NULL : f->cause);
	json_str(&j, "remedy", f->moot || f->severity == PREFLIGHT_OK ? NULL : f->remedy);
	json_bool(&j, "ignored", f->ignored);
	json_bool(&j, "moot", f->moot);
	json_end(&j);
	fwrite(j.text.data, 1, j.text.len, stdout);
	json_release(&j);
}

void fitness_print_json(const struct fitness *f, const struct fitness_report *r)
{
	if (r->inventory)
		put_inventory(f);
	for (size_t i = 0; i < PREFLIGHT_ROWS; i++)
		if (fitness_shows(r, &f->found.findings[i]))
			put_finding(&f->found.findings[i]);
}
