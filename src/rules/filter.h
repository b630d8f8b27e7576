/* The syntax of filter rules: from text to the patterns of a set. Private to the room. */
#pragma once

#include "rules/set.h"

/*
 * Adds one rule as --filter has it. Merge files are read unless depth says that enough are open already
 * (FILTER_DEPTH_MAX: none). False with d set.
 */
#define FILTER_DEPTH_MAX 16
bool filter_add(struct rules *r, const struct conf_item *rule, unsigned depth, struct diag *d);
