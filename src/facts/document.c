#include "facts/document.h"
#include "base/jsontext.h"

#include <cjson/cJSON.h>
#include <time.h>

static void add_unknown(cJSON *list, const char *what, const char *why)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "what", what);
	cJSON_AddStringToObject(o, "why", why);
	cJSON_AddItemToArray(list, o);
}

static void add_section(cJSON *facts, cJSON *unknown, const struct facts_section *s)
{
	const char *text = (const char *)s->text.data;
	const bool valid = !s->unknown && jsontext_valid(text, s->text.len, FACTS_DEPTH, FACTS_VALUES);
	cJSON *section = valid ? cJSON_ParseWithLength(text, s->text.len) : NULL;

	if (cJSON_IsObject(section)) {
		cJSON_AddItemToObject(facts, s->name, section);
		return;
	}
	cJSON_Delete(section);
	cJSON_AddNullToObject(facts, s->name);
	add_unknown(unknown, s->name, s->unknown ? s->unknown : "what was read is malformed");
}

struct cJSON *facts_document(const struct facts_sections *s, const char *root, const char *version)
{
	cJSON *facts = cJSON_CreateObject(), *unknown;
	time_t taken = (time_t)s->taken;
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&taken, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	cJSON_AddNumberToObject(facts, "schema", FACTS_SCHEMA);
	cJSON_AddStringToObject(facts, "rehost", version);
	cJSON_AddStringToObject(facts, "taken", when);
	cJSON_AddStringToObject(facts, "root", root);
	cJSON_AddBoolToObject(facts, "live", s->live);
	unknown = cJSON_AddArrayToObject(facts, "unknown");
	for (size_t i = 0; i < s->count; i++)
		add_section(facts, unknown, &s->all[i]);
	return facts;
}

struct cJSON *facts_gather(const struct facts_options *o, struct diag *d)
{
	struct facts_sections *s = xcalloc(1, sizeof(*s));
	cJSON *facts = NULL;

	if (facts_gather_sections(o, s, d)) {
		facts = facts_document(s, o->root ? o->root : "/", REHOST_VERSION);
		facts_sections_release(s);
	}
	free(s);
	return facts;
}
