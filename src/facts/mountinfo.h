/* Private to the room facts: the mounts of a host as /proc/self/mountinfo has them. */
#pragma once

#include "facts/tree.h"

struct mountinfo {
	const struct tree *tree;
	char *text, *at;
	struct buf options, source; /* of the current one */
};

/* Of one mount; until the next one is asked for. */
struct mounted {
	const char *path, *root, *dev /* "8:1" */, *type, *source, *options;
};

/* False with errno. To be released in both cases. */
bool mountinfo_open(struct mountinfo *m, const struct tree *t);
bool mountinfo_next(struct mountinfo *m, struct mounted *out);
void mountinfo_release(struct mountinfo *m);
