/* Deltas: what is made is applied to the same bytes, edits cost little, nothing from the wire is believed. */
#include "delta/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#define MIB (1u << 20)

static uint32_t noise(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void add_noise(struct buf *b, size_t n, uint32_t seed)
{
	uint8_t *p = buf_extend(b, n);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(noise(&seed) >> 8);
}

/* The whole way there; returns the bytes that had to be sent literally. */
static size_t round_trip(const struct buf *basis, const struct buf *data, uint32_t block_len, size_t *out_delta_len)
{
	AUTO_BUF sig = BUF_INIT;
	AUTO_BUF delta = BUF_INIT;
	AUTO_BUF result = BUF_INIT;
	uint64_t matched = 1;

	assert_true(delta_signature(basis->data, basis->len, block_len, &sig));
	assert_in_range(sig.len, 12, delta_signature_bound(basis->len));
	assert_true(delta_make(sig.data, sig.len, basis->len, data->data, data->len, &delta, &matched));
	assert_in_range(matched, 0, data->len);
	buf_append_str(&result, "before");
	assert_true(delta_apply(delta.data, delta.len, basis->data, basis->len, data->len, &result));
	assert_int_equal(result.len, 6 + data->len);
	if (data->len)
		assert_memory_equal(result.data + 6, data->data, data->len);
	if (out_delta_len)
		*out_delta_len = delta.len;
	return data->len - (size_t)matched;
}

static void test_empty(void **state)
{
	AUTO_BUF none = BUF_INIT;
	AUTO_BUF some = BUF_INIT;
	size_t len;

	(void)state;
	add_noise(&some, 100000, 1);
	assert_int_equal(round_trip(&none, &none, 0, &len), 0);
	assert_int_equal(len, 5);
	assert_int_equal(round_trip(&none, &some, 0, &len), 100000);
	assert_in_range(len, 100000, 100020);
	assert_int_equal(round_trip(&some, &none, 0, &len), 0);
	assert_int_equal(len, 5);
}

static void test_identical(void **state)
{
	static const size_t sizes[] = {1, 63, 64, 2047, 2048, 2049, 100000, MIB, MIB + 1, 5 * MIB + 17};
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO_BUF b = BUF_INIT;

		add_noise(&b, sizes[i], 2);
		assert_int_equal(round_trip(&b, &b, 0, &len), 0);
		assert_in_range(len, 5, 40 + sizes[i] / 2048);
	}
}

static void test_sizes_and_blocks(void **state)
{
	static const uint32_t blocks[] = {64, 100, 777, 4096, 65536};
	AUTO_BUF all = BUF_INIT;

	(void)state;
	add_noise(&all, 70000, 3);
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		for (size_t n = 1; n < 70000; n = n * 2 + 1) {
			struct buf basis = {.data = all.data, .len = n};
			struct buf data = {.data = all.data + n / 3, .len = n - n / 3};

			round_trip(&basis, &data, blocks[i], NULL);
			round_trip(&data, &basis, blocks[i], NULL);
		}
	}
}

static void test_insertion_and_removal(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	AUTO_BUF longer = BUF_INIT;
	size_t len;

	(void)state;
	add_noise(&basis, MIB, 4);
	buf_append(&longer, basis.data, 300001);
	buf_append_str(&longer, "a few bytes more");
	buf_append(&longer, basis.data + 300001, MIB - 300001);
	assert_in_range(round_trip(&basis, &longer, 0, &len), 16, 16 + 2 * 2048);
	assert_in_range(len, 16, 6000);
	assert_in_range(round_trip(&longer, &basis, 0, NULL), 0, 2 * 2048);
}

static void test_shift_and_window(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	struct buf data;

	(void)state;
	add_noise(&basis, 6 * MIB, 5);
	data = (struct buf){.data = basis.data + MIB + 12345, .len = 4 * MIB};
	assert_in_range(round_trip(&basis, &data, 0, NULL), 0, 2 * 8192);
	data.data = basis.data + 2 * MIB - 1; /* up to the last byte but one: a short block at neither end */
	assert_in_range(round_trip(&basis, &data, 0, NULL), 0, 2 * 8192);
}

static void test_random_edits(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	uint32_t seed = 6;

	(void)state;
	add_noise(&basis, 4 * MIB, 7);
	for (int round = 0; round < 3; round++) {
		AUTO_BUF data = BUF_INIT;
		size_t at = 0, edits = 20, lit;

		for (size_t i = 0; i < edits; i++) {
			size_t run = noise(&seed) % (basis.len / edits);

			buf_append(&data, basis.data + at, run);
			at += run + noise(&seed) % 100;
			add_noise(&data, noise(&seed) % 50, noise(&seed));
		}
		buf_append(&data, basis.data + at, basis.len - at);
		lit = round_trip(&basis, &data, 0, NULL);
		assert_in_range(lit, 0, edits * (2 * 4096 + 50));
	}
}

static void test_zeros(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	AUTO_BUF data = BUF_INIT;
	size_t len;

	(void)state;
	memset(buf_extend(&basis, MIB), 0, MIB);
	memset(buf_extend(&data, 3 * MIB + 5), 0, 3 * MIB + 5);
	assert_in_range(round_trip(&basis, &data, 0, &len), 0, 2048);
	assert_in_range(len, 5, 20000);
}

static void test_nothing_in_common(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	AUTO_BUF data = BUF_INIT;
	size_t len;

	(void)state;
	add_noise(&basis, MIB, 8);
	add_noise(&data, MIB, 9);
	assert_int_equal(round_trip(&basis, &data, 0, &len), MIB);
	assert_in_range(len, MIB, MIB + MIB / 1000);
}

static void test_signature_bounds(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	AUTO_BUF sig = BUF_INIT;

	(void)state;
	add_noise(&basis, MIB, 10);
	assert_false(delta_signature(basis.data, 1000, 63, &sig));
	assert_false(delta_signature(basis.data, 1000, 65537, &sig));
	assert_false(delta_signature(basis.data, MIB, 64, &sig)); /* too many blocks */
	assert_true(delta_signature(basis.data, MIB, 128, &sig));
	assert_int_equal(delta_signature_bound(0), 12);
	assert_int_equal(delta_signature_bound(1), 12 + 36);
	assert_in_range(delta_signature_bound(SIZE_MAX), 1, MIB);
}

static bool make(const struct buf *sig, size_t window_len, const struct buf *data)
{
	AUTO_BUF delta = BUF_INIT;
	uint64_t matched;

	return delta_make(sig->data, sig->len, window_len, data->data, data->len, &delta, &matched);
}

static void test_hostile_signature(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	AUTO_BUF sig = BUF_INIT;

	(void)state;
	add_noise(&basis, 10000, 11);
	assert_true(delta_signature(basis.data, basis.len, 2048, &sig));
	assert_int_equal(sig.len, 12 + 5 * 8);
	assert_true(make(&sig, 10000, &basis));
	assert_true(make(&sig, 5 * 2048, &basis));
	assert_true(make(&sig, 4 * 2048 + 1, &basis));
	assert_false(make(&sig, 5 * 2048 + 1, &basis)); /* a block too few */
	assert_false(make(&sig, 4 * 2048, &basis));
	assert_false(make(&sig, 0, &basis));
	for (size_t n = 0; n < sig.len; n++) {
		struct buf cut = {.data = sig.data, .len = n};
		assert_false(make(&cut, 10000, &basis));
	}
	for (size_t i = 0; i < 12; i++) { /* no other header is right for this window */
		for (unsigned v = 0; v < 256; v++) {
			uint8_t was = sig.data[i];
			/* the low byte of the block length: 5 blocks still make up the window up to 9c4 */
			bool right = v == was || (i == 7 || (i == 6 && v >= 8 && v <= 9));

			sig.data[i] = (uint8_t)v;
			assert_int_equal(make(&sig, 10000, &basis), right);
			sig.data[i] = was;
		}
	}
}

/* Weak sums that every position of the data has, strong sums that none has: done in bounded time, as a
 * literal. */
static void test_colliding_signature(void **state)
{
	AUTO_BUF data = BUF_INIT;
	AUTO_BUF sig = BUF_INIT;
	AUTO_BUF delta = BUF_INIT;
	AUTO_BUF out = BUF_INIT;
	uint64_t matched = 1;
	clock_t start = clock();

	(void)state;
	memset(buf_extend(&data, 2 * MIB), 0, 2 * MIB);
	assert_true(delta_signature(data.data, data.len, 2048, &sig));
	for (uint32_t i = 12; i < sig.len; i += 8)
		memcpy(sig.data + i + 4, &i, sizeof(i));
	assert_true(delta_make(sig.data, sig.len, data.len, data.data, data.len, &delta, &matched));
	assert_true(matched == 0);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 10); /* 20 without the bound */
	assert_true(delta_apply(delta.data, delta.len, NULL, 0, data.len, &out));
	assert_memory_equal(out.data, data.data, data.len);
}

static void expect_apply(const char *delta, size_t n, size_t result_len, const char *expected)
{
	static const char basis[] = "0123456789";
	AUTO_BUF out = BUF_INIT;
	bool ok = delta_apply(delta, n, basis, 10, result_len, &out);

	assert_int_equal(ok, expected != NULL);
	if (expected) {
		assert_int_equal(out.len, result_len);
		assert_memory_equal(out.data, expected, result_len);
	}
}
#define MAGIC "rs\x02\x36"
#define APPLY(delta, len, expected) expect_apply(delta, sizeof(delta) - 1, len, expected)

static void test_apply_format(void **state)
{
	(void)state;
	APPLY(MAGIC "\0", 0, "");
	APPLY(MAGIC "\x02xy\0", 2, "xy");
	APPLY(MAGIC "\x41\x02xy\0", 2, "xy");
	APPLY(MAGIC "\x42\0\x02xy\0", 2, "xy");
	APPLY(MAGIC "\x43\0\0\0\x02xy\0", 2, "xy");
	APPLY(MAGIC "\x44\0\0\0\0\0\0\0\x02xy\0", 2, "xy");
	APPLY(MAGIC "\x45\x03\x04\0", 4, "3456");
	APPLY(MAGIC "\x46\x03\0\x04\0", 4, "3456");
	APPLY(MAGIC "\x48\x03\0\0\0\0\0\0\0\x04\0", 4, "3456");
	APPLY(MAGIC "\x49\0\x03\x04\0", 4, "3456");
	APPLY(MAGIC "\x4f\0\0\0\x03\0\0\0\x04\0", 4, "3456");
	APPLY(MAGIC "\x54\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0", 4, "3456");
	APPLY(MAGIC "\x45\0\x0a\x01z\x45\x09\x01\0", 12, "0123456789z9");
}

static void test_apply_hostile(void **state)
{
	(void)state;
	APPLY("", 0, NULL);
	APPLY("rs\x02", 0, NULL);
	APPLY("rs\x01\x36\0", 0, NULL);
	APPLY(MAGIC, 0, NULL); /* no end */
	APPLY(MAGIC "\x02xy", 2, NULL);
	APPLY(MAGIC "\0\0", 0, NULL); /* something behind the end */
	APPLY(MAGIC "\x02xy\0", 1, NULL); /* too long, too short */
	APPLY(MAGIC "\x02xy\0", 3, NULL);
	APPLY(MAGIC "\x02x", 2, NULL);
	APPLY(MAGIC "\x41", 2, NULL);
	APPLY(MAGIC "\x41\x00\0", 0, NULL); /* makes nothing */
	APPLY(MAGIC "\x45\x00\x00\0", 0, NULL);
	APPLY(MAGIC "\x44\xff\xff\xff\xff\xff\xff\xff\xffxy\0", 2, NULL);
	APPLY(MAGIC "\x45\x09\x02\0", 2, NULL); /* beyond the basis */
	APPLY(MAGIC "\x45\x0b\x01\0", 1, NULL);
	APPLY(MAGIC "\x45\x0a\x01\0", 1, NULL);
	APPLY(MAGIC "\x54\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x02\0", 2, NULL); /* wraps */
	APPLY(MAGIC "\x54\0\0\0\0\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\0", 2, NULL);
	APPLY(MAGIC "\x51\x80\0\0\0\0\0\0\0\x02\0", 2, NULL);
	APPLY(MAGIC "\x55\0\x02\0", 2, NULL); /* reserved */
	APPLY(MAGIC "\xff\0", 0, NULL);
}

static void test_apply_truncated_or_flipped(void **state)
{
	AUTO_BUF basis = BUF_INIT;
	AUTO_BUF data = BUF_INIT;
	AUTO_BUF sig = BUF_INIT;
	AUTO_BUF delta = BUF_INIT;
	uint64_t matched;

	(void)state;
	add_noise(&basis, 5000, 12);
	buf_append(&data, basis.data + 1000, 3000);
	add_noise(&data, 300, 13);
	buf_append(&data, basis.data, 2000);
	assert_true(delta_signature(basis.data, basis.len, 256, &sig));
	assert_true(delta_make(sig.data, sig.len, basis.len, data.data, data.len, &delta, &matched));
	for (size_t n = 0; n < delta.len; n++) {
		AUTO_BUF out = BUF_INIT;
		assert_false(delta_apply(delta.data, n, basis.data, basis.len, data.len, &out));
	}
	for (size_t i = 0; i < delta.len * 8; i++) {
		AUTO_BUF out = BUF_INIT;

		delta.data[i / 8] ^= (uint8_t)(1u << i % 8);
		if (delta_apply(delta.data, delta.len, basis.data, basis.len, data.len, &out))
			assert_int_equal(out.len, data.len);
		delta.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

static void test_hash(void **state)
{
	static const uint8_t seed_a[16] = "0123456789abcde", seed_b[16] = "0123456789abcdf";
	struct delta_key a, again, b;
	AUTO_BUF p = BUF_INIT;

	(void)state;
	add_noise(&p, 1000, 14);
	delta_key_init(&a, seed_a);
	delta_key_init(&again, seed_a);
	delta_key_init(&b, seed_b);
	assert_memory_equal(&a, &again, sizeof(a));
	for (size_t i = 0; i < sizeof(a.secret); i += 16)
		assert_memory_not_equal(a.secret + i, b.secret + i, 16);
	for (size_t n = 0; n <= p.len; n++) {
		struct delta_hash h = delta_hash(&a, p.data, n), same = delta_hash(&again, p.data, n);
		struct delta_hash other = delta_hash(&b, p.data, n), flipped;

		assert_true(h.lo == same.lo && h.hi == same.hi);
		assert_true(h.lo != other.lo && h.hi != other.hi);
		if (!n)
			continue;
		p.data[n - 1] ^= 1;
		flipped = delta_hash(&a, p.data, n);
		p.data[n - 1] ^= 1;
		assert_true(h.lo != flipped.lo && h.hi != flipped.hi);
	}
}

/* The key's expansion is part of the protocol: another build must come to the same. */
static void test_hash_is_fixed(void **state)
{
	static const uint8_t seed[16];
	struct delta_key k;
	struct delta_hash h;

	(void)state;
	delta_key_init(&k, seed);
	h = delta_hash(&k, "123456789", 9);
	assert_true(h.hi == UINT64_C(0x537302b65323aec3) && h.lo == UINT64_C(0xc309dcf90369a453));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_identical),
		cmocka_unit_test(test_sizes_and_blocks),
		cmocka_unit_test(test_insertion_and_removal),
		cmocka_unit_test(test_shift_and_window),
		cmocka_unit_test(test_random_edits),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_signature_bounds),
		cmocka_unit_test(test_hostile_signature),
		cmocka_unit_test(test_colliding_signature),
		cmocka_unit_test(test_apply_format),
		cmocka_unit_test(test_apply_hostile),
		cmocka_unit_test(test_apply_truncated_or_flipped),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hash_is_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
