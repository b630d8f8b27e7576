/* HMAC-SHA1, which hashed names in known_hosts are made with (a way to hide names, not a signature). */
#include "transport/sha1.h"

static uint32_t rol(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void block(uint32_t h[5], const uint8_t *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 |
			p[4 * i + 3];
	for (unsigned i = 16; i < 80; i++)
		w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (unsigned i = 0; i < 80; i++) {
		uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999
			: i < 40    ? (b ^ c ^ d) + 0x6ed9eba1
			: i < 60    ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
				    : (b ^ c ^ d) + 0xca62c1d6;
		uint32_t t = rol(a, 5) + f + e + w[i];

		e = d;
		d = c;
		c = rol(b, 30);
		b = a;
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

/* One block of prefix (64 bytes), then the message. */
static void digest(const uint8_t prefix[64], const void *msg, size_t n, uint8_t out[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	const uint8_t *p = msg;
	uint64_t bits = ((uint64_t)n + 64) * 8;
	uint8_t last[128] = {};
	size_t rest = n % 64, total = rest < 56 ? 64 : 128;

	block(h, prefix);
	for (size_t i = 0; i + 64 <= n; i += 64)
		block(h, p + i);
	if (rest)
		memcpy(last, p + n - rest, rest);
	last[rest] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		last[total - 8 + i] = (uint8_t)(bits >> (56 - 8 * i));
	for (size_t i = 0; i < total; i += 64)
		block(h, last + i);
	for (unsigned i = 0; i < 20; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void hmac_sha1(const void *key, size_t key_len, const void *msg, size_t n, uint8_t out[20])
{
	uint8_t inner[64] = {}, outer[64];

	/* Longer keys would have to be hashed first; known_hosts has salts of twenty bytes. */
	memcpy(inner, key, MIN(key_len, sizeof(inner)));
	memcpy(outer, inner, sizeof(outer));
	for (unsigned i = 0; i < 64; i++) {
		inner[i] ^= 0x36;
		outer[i] ^= 0x5c;
	}
	digest(inner, msg, n, out);
	digest(outer, out, 20, out);
}
