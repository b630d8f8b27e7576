/* How a run begins: state, source and mounts, rules, transport, limits. */
#pragma once

#include "diag/diag.h"

struct engine;

bool prepare(struct engine *e, struct diag *d);
