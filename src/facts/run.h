/* Private to the room facts: programs that know more than files say. Only on the live host. */
#pragma once

#include "facts/tree.h"

/* What it prints, at most max bytes, to be freed; NULL when it is not there, fails, or this is no live host: out_why says so
 * (static). Its input is empty, what it says on standard error is not ours. */
char *run_program(const struct tree *t, const char *const *argv, size_t max, const char **out_why);
