/* Where each option's value came from, and its text, by place in the option table. Private to the room. */
#pragma once

#include "conf/conf.h"

struct conf_origin {
	char *text; /* of a scalar, as written; NULL: its default */
	char *file; /* NULL: not given anywhere */
	unsigned line;
};

struct conf_origins {
	size_t count;
	struct conf_origin at[];
};

void conf_set_origin(struct conf_origin *origin, const char *text, const char *file, unsigned line);

/* All defaults. */
struct conf *conf_new(void);

/* For the fuzzer and the unit tests: the same as a file with this text and --set after it. */
struct conf *conf_load_text(const char *text, size_t n, const char *name, const char *const *sets, size_t set_count,
	struct conf_errors *out_errors);
