/* Private to the room transport: SHA-256. */
#pragma once

#include "base/util.h"

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
};
void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *p, size_t n);
void sha256_final(struct sha256 *s, uint8_t out[32]);
