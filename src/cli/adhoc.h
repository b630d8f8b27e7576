/* SRC DST: what the two operands and their options make of a configuration. */
#pragma once

#include "cli/work.h"

/* Sets source, target, rules and name of the job; mistakes are of usage. out_error set when false. */
bool adhoc_apply(struct work *w, const char *source, const char *target, struct usage_error *out_error);
