/* Private to the room transport: the address of the target. */
#pragma once

#include "base/util.h"

struct address {
	char *user; /* NULL: not given */
	char *host; /* brackets removed */
	unsigned port; /* 0: not given */
	bool local;
};
/* "[user@]host[:port]", "[v6]", "[v6]:port", "local:". False: malformed, or something that could be taken for an
 * option. */
bool address_parse(const char *text, struct address *out);
void address_release(struct address *a);
/* A host or user name that is safe as an argument of ssh. */
bool address_word_ok(const char *s);
