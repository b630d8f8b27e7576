#include "wire/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

void digest_key_init(struct digest_key *k, const uint8_t seed[16])
{
	secret_expand(k->secret, seed);
	k->name_seed = XXH3_64bits_withSecret("names", 5, k->secret, sizeof(k->secret));
}

uint64_t digest_name(const struct digest_key *k, const void *name, size_t n)
{
	return XXH3_64bits_withSeed(name, n, k->name_seed);
}

struct digest digest_entry(const struct digest_key *k, enum digest_kind kind, const void *name, size_t n,
	const void *packed, size_t packed_len)
{
	uint8_t small[1024];
	uint8_t *p = small;
	AUTO_FREE uint8_t *large = NULL;
	size_t len = 2 + n;
	XXH128_hash_t h;

	if (kind == DIGEST_PLAIN)
		len += packed_len;
	if (len > sizeof(small))
		p = large = xmalloc(len);
	p[0] = (uint8_t)kind;
	p[1] = (uint8_t)n; /* names have 255 bytes at most */
	memcpy(p + 2, name, n);
	if (kind == DIGEST_PLAIN && packed_len)
		memcpy(p + 2 + n, packed, packed_len);
	h = XXH3_128bits_withSecret(p, len, k->secret, sizeof(k->secret));
	return (struct digest){.lo = h.low64, .hi = h.high64, .count = 1};
}
