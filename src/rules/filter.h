/* The syntax of filter rules: from text to the patterns of a set. Private to the room. */
#pragma once

#include "rules/set.h"

/*
 * Adds one rule as --filter has it. Merge files are read unless depth says that enough are open already
 * (FILTER_DEPTH_MAX: none). False with d set.
 */
#define FILTER_DEPTH_MAX 16
bool filter_add(struct rules *r, const struct conf_item *rule, unsigned depth, struct diag *d);
/*
 * Adds the rules of a file that the configuration names in key. With errors the bad lines of it all are put there, and
 * the others added; NULL: false with d set at the first.
 */
bool filter_add_file(
	struct rules *r, const char *file, const struct conf_item *key, struct conf_errors *errors, struct diag *d);
