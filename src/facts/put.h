/*
 * Private to the room facts: building the document. Texts are bytes of the host's: what is not UTF-8 is escaped as everywhere.
 * A value that is not known is null, and says so in the list "unknown" of its section.
 */
#pragma once

#include "base/util.h"

#include <cjson/cJSON.h>

cJSON *put_object(cJSON *o, const char *name);
cJSON *put_array(cJSON *o, const char *name);
void put_text(cJSON *o, const char *name, const char *value); /* NULL: null */
/* The same of an allocated string, which is freed. */
void put_taken(cJSON *o, const char *name, char *value);
void put_u64(cJSON *o, const char *name, uint64_t value); /* above 2^53 as text */
void put_bool(cJSON *o, const char *name, bool value);
void put_null(cJSON *o, const char *name);
void add_text(cJSON *array, const char *value);
/* This section does not know `what`. err 0: why says it all. */
void put_unknown(cJSON *section, const char *what, const char *why, int err);
