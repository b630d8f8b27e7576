#include "cli/json.h"
#include "base/clock.h"
#include "base/text.h"

#define EXACT_MAX (UINT64_C(1) << 53) /* what a double still holds exactly */

static void key(struct json *j, const char *name)
{
	if (!j->first)
		buf_append_u8(&j->text, ',');
	j->first = false;
	if (name) {
		text_json_string(&j->text, name, strlen(name));
		buf_append_u8(&j->text, ':');
	}
}

static void string(struct json *j, const char *value)
{
	text_json_string(&j->text, value, strlen(value));
}

void json_begin(struct json *j, const char *message_type)
{
	buf_clear(&j->text);
	buf_append_u8(&j->text, '{');
	j->first = true;
	json_str(j, "message_type", message_type);
}

void json_end(struct json *j)
{
	buf_append_str(&j->text, "}\n");
}

void json_release(struct json *j)
{
	buf_release(&j->text);
}

void json_str(struct json *j, const char *name, const char *value)
{
	key(j, name);
	if (value)
		string(j, value);
	else
		buf_append_str(&j->text, "null");
}

void json_path(struct json *j, const char *name, const char *path)
{
	size_t len = strlen(path);

	json_str(j, name, path);
	if (text_is_utf8(path, len))
		return;
	buf_printf(&j->text, ",\"%s_b64\":\"", name);
	text_base64(&j->text, path, len);
	buf_append_u8(&j->text, '"');
}

void json_u64(struct json *j, const char *name, uint64_t value)
{
	key(j, name);
	buf_printf(&j->text, value > EXACT_MAX ? "\"%llu\"" : "%llu", (unsigned long long)value);
}

void json_i64(struct json *j, const char *name, int64_t value)
{
	if (value >= 0) {
		json_u64(j, name, (uint64_t)value);
		return;
	}
	key(j, name);
	buf_printf(&j->text, value < -(int64_t)EXACT_MAX ? "\"%lld\"" : "%lld", (long long)value);
}

void json_number(struct json *j, const char *name, double value)
{
	key(j, name);
	buf_printf(&j->text, "%.3f", value);
}

void json_bool(struct json *j, const char *name, bool value)
{
	key(j, name);
	buf_append_str(&j->text, value ? "true" : "false");
}

void json_seconds(struct json *j, const char *name, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	key(j, name);
	buf_printf(&j->text, "%lld.%03d", (long long)(ns / NS_PER_S), (int)(ns % NS_PER_S / NS_PER_MS));
}

void json_time(struct json *j, const char *name, int64_t ns)
{
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	char text[32];

	if (ns == 0 || !gmtime_r(&s, &tm)) {
		json_str(j, name, NULL);
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_str(j, name, text);
}

void json_list_begin(struct json *j, const char *name)
{
	key(j, name);
	buf_append_u8(&j->text, '[');
	j->first = true;
}

void json_list_item(struct json *j, const char *value, size_t len)
{
	key(j, NULL);
	text_json_string(&j->text, value, len);
}

void json_list_end(struct json *j)
{
	buf_append_u8(&j->text, ']');
	j->first = false;
}

void json_object_begin(struct json *j)
{
	key(j, NULL);
	buf_append_u8(&j->text, '{');
	j->first = true;
}

void json_object_end(struct json *j)
{
	buf_append_u8(&j->text, '}');
	j->first = false;
}
