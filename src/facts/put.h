/*
 * Private to the room facts: building a section. Texts are bytes of the host's: what is not UTF-8 is escaped as everywhere.
 * A value that is not known is null, and says so in the list "unknown" of its section.
 */
#pragma once

#include "facts/value.h"

struct value *put_object(struct value *o, const char *name);
struct value *put_array(struct value *o, const char *name);
struct value *add_object(struct value *array);
void put_text(struct value *o, const char *name, const char *value); /* NULL: null */
/* The same of an allocated string, which is freed. */
void put_taken(struct value *o, const char *name, char *value);
void put_u64(struct value *o, const char *name, uint64_t value); /* above 2^53 as text */
void put_bool(struct value *o, const char *name, bool value);
void put_null(struct value *o, const char *name);
void add_text(struct value *array, const char *value);
/* This section does not know `what`. err 0: why says it all. */
void put_unknown(struct value *section, const char *what, const char *why, int err);
