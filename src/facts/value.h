/*
 * Private to the room facts: the tree a section is built of, and its JSON. Well-kept libraries do this better, but the helper that
 * travels to the target is linked statically, and distributions have no static library of theirs.
 *
 * Ownership: a tree owns its values, and is freed as a whole; what is added to one belongs to it.
 */
#pragma once

#include "base/buf.h"

struct value;

struct value *value_object(void);
struct value *value_array(void);
struct value *value_text(const char *s); /* UTF-8; anything else comes escaped */
struct value *value_number(double n);
struct value *value_bool(bool b);
struct value *value_null(void);
/* JSON text as it is (taken over). NULL when it is none, or what nests too deep. */
struct value *value_raw(char *json);
void value_free(struct value *v);

/* To an array. */
void value_add(struct value *array, struct value *item);
/* To an object, under a name it does not have yet. */
void value_put(struct value *object, const char *name, struct value *item);
/* In the place of the one of that name, or as value_put(). */
void value_replace(struct value *object, const char *name, struct value *item);
/* The one of that name, or NULL. */
struct value *value_find(const struct value *object, const char *name);
bool value_has_items(const struct value *v);
/* Of a number: one more. */
void value_count(struct value *number);

void value_print(struct buf *out, const struct value *v);
