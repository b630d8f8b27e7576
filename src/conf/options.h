/*
 * The option table: one entry a key. Everything that knows of keys is driven by it.
 * Private to the room.
 */
#pragma once

#include "conf/conf.h"

enum conf_type {
	CONF_TYPE_STRING, /* char * */
	CONF_TYPE_LIST, /* struct conf_list */
	CONF_TYPE_ENUM, /* an enum: min plus the place in form */
	CONF_TYPE_BOOL, /* bool: the place in form, 0 or 1, turned round when min is 1 */
	CONF_TYPE_NUMBER, /* unsigned */
	CONF_TYPE_DURATION, /* unsigned, seconds */
	CONF_TYPE_COUNT, /* int64_t, -1 when it is not given */
	CONF_TYPE_MAPS,
	CONF_TYPE_COMPRESSION,
	CONF_TYPE_BANDWIDTH,
	CONF_TYPE_PERCENT, /* unsigned */
	CONF_TYPE_SIZE, /* uint64_t */
	CONF_TYPE_PRESSURE, /* struct conf_pressure */
};

/* When a key may change: a job that runs keeps to what it began with, but for these. */
enum conf_change {
	CONF_CHANGE_NEVER,
	CONF_CHANGE_RELOAD, /* when the configuration is read again */
	CONF_CHANGE_LIMIT, /* then, and by 'rehost limits' */
};

/* Takes a value apart or refuses it: out_value is what is kept, out_why a reason that goes behind "'VALUE' ". */
typedef bool conf_check_fn(const char *value, char **out_value, const char **out_why);

struct conf_option {
	const char *section;
	const char *key;
	enum conf_type type;
	size_t offset; /* in struct conf */
	const char *form; /* what a value looks like; for enums and bools the words, separated by '|' */
	const char *default_value; /* as one would write it; NULL: none */
	const char *help;
	uint64_t min, max;
	const char *word; /* stands for "not given": NULL in strings, 0 in numbers */
	bool none; /* of strings: an empty value is none, as if the key were not given */
	conf_check_fn *check; /* of strings and of the items of lists */
	enum conf_change change;
	/* What holds without a value when nothing else (ssh_config, say) gives one; NULL: nothing. */
	const char *fallback;
};

size_t conf_option_count(void);
const struct conf_option *conf_option_at(size_t i);
/* NULL when there is none. */
const struct conf_option *conf_option_find(const char *section, const char *key);
size_t conf_option_index(const struct conf_option *o);
bool conf_section_known(const char *section);
/* Appends ", did you mean 'x'?" when something near is known. */
void conf_section_suggest(struct buf *out, const char *section);
void conf_option_suggest(struct buf *out, const char *section, const char *key);
static inline bool conf_option_is_list(const struct conf_option *o)
{
	return o->type == CONF_TYPE_LIST || o->type == CONF_TYPE_MAPS;
}
