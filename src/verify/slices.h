/* Private to the room verify: listings, slice after slice. */
#pragma once

#include "verify/unit.h"

/* Asks for the next listing where there is room. */
void verify_unit_start_some(struct verifier *v);
bool verify_unit_may_start(const struct verifier *v);
void verify_unit_listed(struct verifier *v, struct unit *u, const struct verify_list_end *end);
/* After the walk of a slice: the next one, the single path as a directory (enter), or hashing. */
void verify_unit_slice_done(struct verifier *v, struct unit *u, bool enter);
