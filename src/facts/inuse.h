/* Private to the room facts: who works in a directory. */
#pragma once

#include "facts/put.h"
#include "facts/tree.h"

/* The list "in_use" of o: processes that stand in it, or have files open beneath it. path: without links, and not "/". */
void put_in_use(const struct tree *t, struct value *o, const char *path);
