/*
 * A signature from the wire, and data: u16 length of the window, u8 length of the data, the data, the
 * signature. A first byte of the window's length above 0x80 gives the signature a right header, so that what
 * is behind it is met. Whatever is made can be applied or is refused, and an honest signature of the same
 * data gives the data back.
 */
#include "delta/delta.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void honest(const uint8_t *data, size_t n, const uint8_t *basis, size_t basis_len)
{
	AUTO_BUF sig = BUF_INIT;
	AUTO_BUF delta = BUF_INIT;
	AUTO_BUF out = BUF_INIT;
	uint64_t matched;

	check(delta_signature(basis, basis_len, 64, &sig));
	check(sig.len <= delta_signature_bound(basis_len));
	check(delta_make(sig.data, sig.len, basis_len, data, n, &delta, &matched));
	check(matched <= n && delta.len <= n + n / 8 + 64);
	check(delta_apply(delta.data, delta.len, basis, basis_len, n, &out));
	check(out.len == n && (n == 0 || memcmp(out.data, data, n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t header[] = {0x72, 0x73, 0x01, 0x47, 0, 0, 0, 64, 0, 0, 0, 8};
	AUTO_FREE uint8_t *data = NULL;
	AUTO_BUF sig = BUF_INIT;
	AUTO_BUF delta = BUF_INIT;
	size_t window_len, data_len;
	uint64_t matched;

	if (n < 3)
		return 0;
	window_len = p[0] | (size_t)p[1] << 8;
	data_len = MIN((size_t)p[2] * 2, n - 3);
	data = malloc(data_len);
	if (!data && data_len)
		return 0;
	if (data_len)
		memcpy(data, p + 3, data_len);
	p += 3 + data_len;
	n -= 3 + data_len;
	if (window_len > 0x8000) {
		size_t blocks = MIN(n / 12, (size_t)500);

		window_len = blocks * 64;
		buf_append(&sig, header, sizeof(header));
		buf_append(&sig, p, blocks * 12);
	} else {
		buf_append(&sig, p, n);
	}
	if (delta_make(sig.data, sig.len, window_len, data, data_len, &delta, &matched)) {
		AUTO_FREE uint8_t *basis = calloc(1, window_len + 1);
		AUTO_BUF out = BUF_INIT;

		check(basis != NULL);
		delta_apply(delta.data, delta.len, basis, window_len, data_len, &out);
	}
	honest(data, data_len, p, n);
	return 0;
}
