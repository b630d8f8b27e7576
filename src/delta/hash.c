#include "delta/delta.h"

#include <xxhash.h>

void delta_key_init(struct delta_key *k, const uint8_t seed[16])
{
	secret_expand(k->secret, seed);
}

struct delta_hash delta_hash(const struct delta_key *k, const void *p, size_t n)
{
	XXH128_hash_t h = XXH3_128bits_withSecret(p, n, k->secret, sizeof(k->secret));

	return (struct delta_hash){.lo = h.low64, .hi = h.high64};
}
