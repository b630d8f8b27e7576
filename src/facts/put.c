#include "facts/put.h"

#include <stdio.h>

#define WHOLE_MAX (UINT64_C(1) << 53)

struct value *put_object(struct value *o, const char *name)
{
	struct value *v = value_object();

	value_put(o, name, v);
	return v;
}

struct value *put_array(struct value *o, const char *name)
{
	struct value *v = value_array();

	value_put(o, name, v);
	return v;
}

struct value *add_object(struct value *array)
{
	struct value *v = value_object();

	value_add(array, v);
	return v;
}

void put_text(struct value *o, const char *name, const char *value)
{
	value_put(o, name, value ? value_text(value) : value_null());
}

void put_taken(struct value *o, const char *name, char *value)
{
	put_text(o, name, value);
	free(value);
}

void put_u64(struct value *o, const char *name, uint64_t value)
{
	char digits[32];

	if (value <= WHOLE_MAX) {
		value_put(o, name, value_number((double)value));
		return;
	}
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	put_text(o, name, digits);
}

void put_bool(struct value *o, const char *name, bool value)
{
	value_put(o, name, value_bool(value));
}

void put_null(struct value *o, const char *name)
{
	value_put(o, name, value_null());
}

void add_text(struct value *array, const char *value)
{
	value_add(array, value_text(value));
}

void put_unknown(struct value *section, const char *what, const char *why, int err)
{
	struct value *list = value_find(section, "unknown"), *o;
	AUTO_BUF reason = BUF_INIT;

	if (!list)
		list = put_array(section, "unknown");
	buf_printf(&reason, "%s%s%s", why ? why : "", why && err ? ": " : "", err ? strerror(err) : "");
	o = add_object(list);
	put_text(o, "what", what);
	put_text(o, "why", buf_cstr(&reason));
}
