/* The secret of a keyed XXH3, from the 16 random bytes of a session's seed: what both ends make of it is the same. */
#pragma once

#include "base/util.h"

#define SECRET_BYTES 192

void secret_expand(uint8_t out[SECRET_BYTES], const uint8_t seed[16]);
