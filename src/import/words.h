/* The words of a shell's command. Private to the room. */
#pragma once

#include "base/buf.h"

struct words {
	char **at;
	size_t count;
	bool variable; /* something only the shell knows: $NAME, `command` */
	bool braces; /* {a,b} was expanded, as bash does and sh does not */
};

#define WORDS_MAX 4096

/* The words of one line up to what ends the command (; & | > < and comments); \% is cron's %. False: too many, or a quote
 * that does not end. */
bool words_split(const char *line, struct words *out);
void words_release(struct words *w);
