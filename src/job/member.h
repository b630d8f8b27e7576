/* The members of JSON objects that this room reads and writes. Integers go as strings: a double cannot hold them. What is not there is NULL, 0, false. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

char *member_text(const cJSON *o, const char *key); /* to be freed */
int64_t member_int(const cJSON *o, const char *key);
bool member_bool(const cJSON *o, const char *key);
void member_put_int(cJSON *o, const char *key, int64_t v);
