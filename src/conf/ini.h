/*
 * The grammar of the configuration files and nothing of their meaning: sections, keys, values, comments, lists.
 *
 * A pull parser over a text in memory; it allocates only in the buffers it is given. Lines have no length limit.
 */
#pragma once

#include "base/buf.h"

struct ini {
	const char *at;
	const char *end;
	unsigned line; /* of what ini_next() returned last; the first is 1 */
};

enum ini_kind {
	INI_END,
	INI_SECTION, /* out_name */
	INI_KEY, /* out_name and out_value */
	INI_ERROR, /* out_name is the reason; the next call goes on with the next line */
};

void ini_init(struct ini *p, const char *text, size_t n);
/* Both buffers hold NUL-terminated text without NULs inside; blanks around names and values are gone. */
enum ini_kind ini_next(struct ini *p, struct buf *out_name, struct buf *out_value);

/* The value with the blanks around it gone, as ini_next() gives it. */
void ini_trim(struct buf *out, const char *value);

/* The items of a list: separated by commas, "\," is a comma, blanks around an item are dropped, empty ones skipped.
 * *at is the value at first and where to go on afterwards. False when there are no more. */
bool ini_list_next(const char **at, struct buf *out_item);
/* The reverse: item as ini_list_next() reads it. */
void ini_list_quote(struct buf *out, const char *item);
