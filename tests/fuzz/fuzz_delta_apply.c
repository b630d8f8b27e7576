/*
 * A delta from the wire: u16 length of the basis, u16 length of the result (little endian), the delta. Copies
 * of the exact size let the address sanitizer see every byte read outside.
 */
#include "delta/delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_FREE uint8_t *basis = NULL;
	AUTO_FREE uint8_t *delta = NULL;
	AUTO_BUF out = BUF_INIT;
	size_t basis_len, result_len;

	if (n < 4)
		return 0;
	basis_len = p[0] | (size_t)p[1] << 8;
	result_len = p[2] | (size_t)p[3] << 8;
	basis = malloc(basis_len);
	delta = malloc(n - 4);
	if ((!basis && basis_len) || (!delta && n > 4))
		return 0;
	for (size_t i = 0; i < basis_len; i++)
		basis[i] = (uint8_t)i;
	if (n > 4)
		memcpy(delta, p + 4, n - 4);
	buf_append_str(&out, "kept");
	if (delta_apply(delta, n - 4, basis, basis_len, result_len, &out) && out.len != 4 + result_len)
		abort();
	if (out.len > 4 + result_len || memcmp(out.data, "kept", 4) != 0)
		abort();
	return 0;
}
