/* Names, to be asked whether one is among them. Ownership: storage of the caller's; nameset_release() empties it. */
#pragma once

#include "base/util.h"

struct nameset {
	bool all; /* every name is in it */
	char *text;
	const char **names; /* into text */
	size_t n;
};

/* Copies the names, each with a NUL behind it, sorted as strcmp() does. False: they are not that. */
bool nameset_take(struct nameset *s, const void *names, size_t len);
bool nameset_has(const struct nameset *s, const char *name);
void nameset_release(struct nameset *s);
