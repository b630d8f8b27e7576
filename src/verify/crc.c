#include "verify/crc.h"

#include <lzma.h>

#define POLYNOMIAL 0xc96c5795d7870f42u /* reflected: the highest bit is x^0 */
#define ONE (UINT64_C(1) << 63)

uint64_t verify_crc_lzma(uint64_t crc, const void *p, size_t n)
{
	return lzma_crc64(p, n, crc);
}

/* a * b modulo the polynomial. */
static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (; a; a <<= 1) {
		if (a & ONE)
			product ^= b;
		b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
	}
	return product;
}

/* A zero byte multiplies the register by x^8; the register is the complement of the value. */
uint64_t verify_crc_zeros(uint64_t crc, uint64_t n)
{
	uint64_t factor = ONE, power = ONE >> 8;

	for (; n; n >>= 1) {
		if (n & 1)
			factor = multiply(factor, power);
		power = multiply(power, power);
	}
	return ~multiply(~crc, factor);
}
