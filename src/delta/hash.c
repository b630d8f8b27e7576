#include "delta/delta.h"

#include <xxhash.h>

/*
 * The library's own generator of secrets is not part of its stable interface; the hash is. Both ends need not
 * have the same version of it.
 */
void delta_key_init(struct delta_key *k, const uint8_t seed[16])
{
	uint8_t block[17];

	memcpy(block, seed, 16);
	for (uint8_t i = 0; i < sizeof(k->secret) / sizeof(XXH128_canonical_t); i++) {
		XXH128_canonical_t c;

		block[16] = i;
		XXH128_canonicalFromHash(&c, XXH3_128bits(block, sizeof(block)));
		memcpy(k->secret + i * sizeof(c), &c, sizeof(c));
	}
}

struct delta_hash delta_hash(const struct delta_key *k, const void *p, size_t n)
{
	XXH128_hash_t h = XXH3_128bits_withSecret(p, n, k->secret, sizeof(k->secret));

	return (struct delta_hash){.lo = h.low64, .hi = h.high64};
}
