#include "facts/put.h"
#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>

#define WHOLE_MAX (UINT64_C(1) << 53)

cJSON *put_object(cJSON *o, const char *name)
{
	return cJSON_AddObjectToObject(o, name);
}

cJSON *put_array(cJSON *o, const char *name)
{
	return cJSON_AddArrayToObject(o, name);
}

static cJSON *text(const char *value)
{
	AUTO_FREE char *escaped = text_is_utf8(value, strlen(value)) ? NULL : text_escaped(value);

	return cJSON_CreateString(escaped ? escaped : value);
}

void put_text(cJSON *o, const char *name, const char *value)
{
	cJSON_AddItemToObject(o, name, value ? text(value) : cJSON_CreateNull());
}

void put_taken(cJSON *o, const char *name, char *value)
{
	put_text(o, name, value);
	free(value);
}

void put_u64(cJSON *o, const char *name, uint64_t value)
{
	char digits[32];

	if (value <= WHOLE_MAX) {
		cJSON_AddNumberToObject(o, name, (double)value);
		return;
	}
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	cJSON_AddStringToObject(o, name, digits);
}

void put_bool(cJSON *o, const char *name, bool value)
{
	cJSON_AddBoolToObject(o, name, value);
}

void put_null(cJSON *o, const char *name)
{
	cJSON_AddNullToObject(o, name);
}

void add_text(cJSON *array, const char *value)
{
	cJSON_AddItemToArray(array, text(value));
}

void put_unknown(cJSON *section, const char *what, const char *why, int err)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(section, "unknown"), *o = cJSON_CreateObject();
	AUTO_BUF reason = BUF_INIT;

	if (!list)
		list = put_array(section, "unknown");
	buf_printf(&reason, "%s%s%s", why ? why : "", why && err ? ": " : "", err ? strerror(err) : "");
	put_text(o, "what", what);
	put_text(o, "why", buf_cstr(&reason));
	cJSON_AddItemToArray(list, o);
}
