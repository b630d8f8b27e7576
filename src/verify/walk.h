/* Private to the room verify: the walk of the source. */
#pragma once

#include "verify/unit.h"

void verify_walk_step(struct verifier *v, struct unit *u);
