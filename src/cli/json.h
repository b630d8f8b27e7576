/*
 * Writes one JSON object a line. Integers above 2^53 are strings, so that no reader loses digits; paths that
 * are not UTF-8 come escaped, with the bytes beside them as NAME_b64.
 */
#pragma once

#include "base/buf.h"

struct json {
	struct buf text;
	bool first;
};

void json_begin(struct json *j, const char *message_type);
/* Ends the object and the line; the text is then complete. */
void json_end(struct json *j);
void json_release(struct json *j);

void json_str(struct json *j, const char *name, const char *value); /* NULL: null */
void json_path(struct json *j, const char *name, const char *path); /* any bytes */
void json_u64(struct json *j, const char *name, uint64_t value);
void json_i64(struct json *j, const char *name, int64_t value);
void json_number(struct json *j, const char *name, double value); /* three decimals */
void json_bool(struct json *j, const char *name, bool value);
/* Seconds with milliseconds, from nanoseconds. */
void json_seconds(struct json *j, const char *name, int64_t ns);
/* A real time in nanoseconds as RFC 3339 in UTC; 0 is null. */
void json_time(struct json *j, const char *name, int64_t ns);
/* A list of strings: begin, items, end. */
void json_list_begin(struct json *j, const char *name);
void json_list_item(struct json *j, const char *value, size_t len);
void json_list_end(struct json *j);
/* An object in a list: its members stand between the two. */
void json_object_begin(struct json *j);
void json_object_end(struct json *j);
