/* What verify checks, for `verify` and for the last step of `run`. */
#pragma once

#include "cli/work.h"

/* paths: those of the command line; without any, those of the configuration. */
void verify_set_options(struct work *w, const char *const *paths, size_t count);
