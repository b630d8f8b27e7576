/* Private to the room transport: HMAC with SHA-1, as known_hosts hides names. */
#pragma once

#include "base/util.h"

void hmac_sha1(const void *key, size_t key_len, const void *msg, size_t n, uint8_t out[20]);
