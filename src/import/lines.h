/* Lines of texts, and Python's ini files. Private to the room. */
#pragma once

#include "base/buf.h"

struct lines {
	const char *at, *end;
	unsigned line; /* of what was returned last */
};

/* A byte order mark is skipped. */
void lines_init(struct lines *l, const char *text, size_t n);
/* The next line without its end (LF, CR LF). */
bool lines_next(struct lines *l, struct buf *out);

/* The next key of any section; lines that continue it are joined by commas. False at the end. Sections give an empty
 * key, and their name as the value. */
bool lines_next_key(struct lines *l, struct buf *out_key, struct buf *out_value, unsigned *out_line);

/* The next item of a list, blanks around it gone; empty ones are skipped when skip is set. */
bool lines_next_item(const char **at, char separator, bool skip, struct buf *out);
