#include "facts/value.h"
#include "base/jsontext.h"
#include "base/text.h"
#include "facts/facts.h"

#include <math.h>

enum kind { KIND_OBJECT, KIND_ARRAY, KIND_TEXT, KIND_NUMBER, KIND_BOOL, KIND_NULL, KIND_RAW };

struct value {
	enum kind kind;
	bool yes;
	double number;
	char *text; /* of a text, or raw */
	char *name; /* in its object */
	struct value *first, *last, *next; /* items; the next beside it */
};

static struct value *make(enum kind kind)
{
	struct value *v = xcalloc(1, sizeof(*v));

	v->kind = kind;
	return v;
}

struct value *value_object(void)
{
	return make(KIND_OBJECT);
}

struct value *value_array(void)
{
	return make(KIND_ARRAY);
}

struct value *value_text(const char *s)
{
	struct value *v = make(KIND_TEXT);

	v->text = xstrdup(s);
	return v;
}

struct value *value_number(double n)
{
	struct value *v = make(isfinite(n) ? KIND_NUMBER : KIND_NULL);

	v->number = n;
	return v;
}

struct value *value_bool(bool b)
{
	struct value *v = make(KIND_BOOL);

	v->yes = b;
	return v;
}

struct value *value_null(void)
{
	return make(KIND_NULL);
}

struct value *value_raw(char *json)
{
	struct value *v;

	/* It lies within a section, and that in a document. */
	if (!jsontext_valid(json, strlen(json), FACTS_DEPTH - 4, FACTS_VALUES)) {
		free(json);
		return NULL;
	}
	v = make(KIND_RAW);
	v->text = json;
	return v;
}

void value_free(struct value *v)
{
	struct value *next;

	if (!v)
		return;
	for (struct value *i = v->first; i; i = next) {
		next = i->next;
		value_free(i);
	}
	free(v->text);
	free(v->name);
	free(v);
}

void value_add(struct value *array, struct value *item)
{
	if (array->last)
		array->last->next = item;
	else
		array->first = item;
	array->last = item;
}

void value_put(struct value *object, const char *name, struct value *item)
{
	item->name = xstrdup(name);
	value_add(object, item);
}

void value_replace(struct value *object, const char *name, struct value *item)
{
	struct value *before = NULL, *old = object->first;

	while (old && !str_eq(old->name, name)) {
		before = old;
		old = old->next;
	}
	if (!old) {
		value_put(object, name, item);
		return;
	}
	item->name = STEAL(old->name);
	item->next = old->next;
	*(before ? &before->next : &object->first) = item;
	if (object->last == old)
		object->last = item;
	value_free(old);
}

struct value *value_find(const struct value *object, const char *name)
{
	for (struct value *i = object->first; i; i = i->next)
		if (str_eq(i->name, name))
			return i;
	return NULL;
}

bool value_has_items(const struct value *v)
{
	return v->first;
}

void value_count(struct value *number)
{
	number->number++;
}

static void print_items(struct buf *out, const struct value *v)
{
	buf_append_u8(out, v->kind == KIND_OBJECT ? '{' : '[');
	for (const struct value *i = v->first; i; i = i->next) {
		if (i != v->first)
			buf_append_u8(out, ',');
		if (v->kind == KIND_OBJECT) {
			text_json_string(out, i->name, strlen(i->name));
			buf_append_u8(out, ':');
		}
		value_print(out, i);
	}
	buf_append_u8(out, v->kind == KIND_OBJECT ? '}' : ']');
}

void value_print(struct buf *out, const struct value *v)
{
	switch (v->kind) {
	case KIND_OBJECT:
	case KIND_ARRAY:
		print_items(out, v);
		break;
	case KIND_TEXT:
		text_json_string(out, v->text, strlen(v->text));
		break;
	case KIND_NUMBER:
		buf_printf(out, "%.17g", v->number);
		break;
	case KIND_BOOL:
		buf_append_str(out, v->yes ? "true" : "false");
		break;
	case KIND_NULL:
		buf_append_str(out, "null");
		break;
	case KIND_RAW:
		buf_append_str(out, v->text);
		break;
	}
}
