#include "base/secret.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/*
 * Counter mode over the seed: a construction of our own. The library's own generator of secrets is not part of its stable
 * interface; the hash is, and both ends need not have the same version of it.
 */
void secret_expand(uint8_t out[SECRET_BYTES], const uint8_t seed[16])
{
	uint8_t block[17];

	memcpy(block, seed, 16);
	for (uint8_t i = 0; i < SECRET_BYTES / sizeof(XXH128_canonical_t); i++) {
		XXH128_canonical_t c;

		block[16] = i;
		XXH128_canonicalFromHash(&c, XXH3_128bits(block, sizeof(block)));
		memcpy(out + i * sizeof(c), &c, sizeof(c));
	}
}
