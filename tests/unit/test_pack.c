/* Packing: what is written is what is read; nothing malformed is read as anything. */
#include "base/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void test_round_trip(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct rd r;
	struct bytes s;

	(void)state;
	wr_u8(&b, 0xfe);
	wr_u32(&b, 0xdeadbeef);
	wr_u64(&b, UINT64_C(0x0123456789abcdef));
	wr_bytes(&b, "a\0b", 3);
	wr_str(&b, "");
	wr_varint_signed(&b, INT64_MIN);
	buf_append(&b, "raw", 3);
	assert_int_equal(b.data[1], 0xef); /* little endian */
	r = rd_init(b.data, b.len);
	assert_int_equal(rd_u8(&r), 0xfe);
	assert_int_equal(rd_u32(&r), 0xdeadbeef);
	assert_true(rd_u64(&r) == UINT64_C(0x0123456789abcdef));
	s = rd_bytes(&r, 3);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.p, "a\0b", 3);
	assert_int_equal(rd_bytes(&r, 0).len, 0);
	assert_true(rd_varint_signed(&r) == INT64_MIN);
	assert_false(rd_done(&r));
	assert_int_equal(rd_left(&r), 3);
	assert_memory_equal(rd_fixed(&r, 3).p, "raw", 3);
	assert_true(rd_ok(&r));
	assert_true(rd_done(&r));
}

static void test_varints(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int near = -2; near <= 2; near++) {
			uint64_t v = (UINT64_C(1) << bit) + (uint64_t)near;
			AUTO_BUF b = BUF_INIT;
			AUTO_BUF z = BUF_INIT;
			struct rd r;

			wr_varint(&b, v);
			r = rd_init(b.data, b.len);
			assert_true(rd_varint(&r, UINT64_MAX) == v);
			assert_true(rd_done(&r));
			if (v) {
				r = rd_init(b.data, b.len);
				assert_true(rd_varint(&r, v - 1) == 0);
				assert_false(rd_ok(&r));
			}
			for (size_t cut = 0; cut < b.len; cut++) {
				r = rd_init(b.data, cut);
				assert_true(rd_varint(&r, UINT64_MAX) == 0);
				assert_false(rd_ok(&r));
			}
			wr_varint_signed(&z, (int64_t)v);
			r = rd_init(z.data, z.len);
			assert_true(rd_varint_signed(&r) == (int64_t)v);
			assert_true(rd_done(&r));
		}
	}
}

static void test_varints_malformed(void **state)
{
	static const struct bytes bad[] = {
		{(const uint8_t *)"", 0},
		{(const uint8_t *)"\x80", 1},
		{(const uint8_t *)"\x80\x00", 2}, /* 0, overlong */
		{(const uint8_t *)"\xff\x80\x00", 3}, /* 127, overlong */
		{(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* beyond 64 bits */
		{(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81", 10},
		{(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
		{(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10},
	};
	static const uint8_t most[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
	struct rd r = rd_init(most, 10);

	(void)state;
	assert_true(rd_varint(&r, UINT64_MAX) == UINT64_MAX);
	assert_true(rd_done(&r));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		r = rd_init(bad[i].p, bad[i].len);
		assert_true(rd_varint(&r, UINT64_MAX) == 0);
		assert_false(rd_ok(&r));
	}
}

/* After the first malformed value every get is empty, even if bytes are left. */
static void test_bad_stays(void **state)
{
	static const uint8_t p[] = {5, 'a', 'b', 1, 1, 1, 1, 1, 1, 1, 1};
	struct rd r = rd_init(p, 3);

	(void)state;
	assert_int_equal(rd_bytes(&r, 100).len, 0);
	assert_false(rd_ok(&r));
	r = rd_init(p, sizeof(p));
	assert_int_equal(rd_bytes(&r, 4).len, 0);
	assert_false(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_u32(&r), 0);
	assert_true(rd_u64(&r) == 0);
	assert_true(rd_varint(&r, 100) == 0);
	assert_true(rd_varint_signed(&r) == 0);
	assert_int_equal(rd_fixed(&r, 1).len, 0);
	assert_null(rd_path(&r, 10));
	assert_false(rd_done(&r));
	r = rd_init(p, 2);
	assert_int_equal(rd_fixed(&r, SIZE_MAX).len, 0);
	assert_false(rd_ok(&r));
}

static void test_names(void **state)
{
	char out[11];
	AUTO_BUF b = BUF_INIT;
	struct rd r;

	(void)state;
	wr_str(&b, "ten bytes!");
	r = rd_init(b.data, b.len);
	assert_true(rd_name(&r, out, 10));
	assert_string_equal(out, "ten bytes!");
	r = rd_init(b.data, b.len);
	assert_false(rd_name(&r, out, 9));
	assert_string_equal(out, "");
	assert_false(rd_ok(&r));
	buf_clear(&b);
	wr_str(&b, "");
	r = rd_init(b.data, b.len);
	assert_false(rd_name(&r, out, 10));
	buf_clear(&b);
	wr_bytes(&b, "a\0b", 3);
	r = rd_init(b.data, b.len);
	assert_false(rd_name(&r, out, 10));
}

static char *path_read(const void *p, size_t n, size_t max)
{
	AUTO_BUF b = BUF_INIT;
	struct rd r;
	char *path;

	wr_bytes(&b, p, n);
	r = rd_init(b.data, b.len);
	path = rd_path(&r, max);
	assert_int_equal(path != NULL, rd_done(&r));
	return path;
}

static void test_paths(void **state)
{
	static const char *const good[] = {"", "a", "a/b", "...", "a/..b/.c", "a b/\xff"};
	static const char *const bad[] = {
		"/", "/a", "a/", "a//b", ".", "..", "a/..", "a/.", "../a", "./a", "a/../b", "//"};
	char longest[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		AUTO_FREE char *path = path_read(good[i], strlen(good[i]), 100);
		assert_non_null(path);
		assert_string_equal(path, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(path_read(bad[i], strlen(bad[i]), 100));
	assert_null(path_read("a/b", 3, 2));
	assert_null(path_read("a\0b", 3, 100));
	memset(longest, 'x', sizeof(longest));
	longest[255] = '/';
	AUTO_FREE char *two = path_read(longest, 256 + 255, 4096);
	assert_non_null(two);
	assert_null(path_read(longest, 256 + 256, 4096));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_varints),
		cmocka_unit_test(test_varints_malformed),
		cmocka_unit_test(test_bad_stays),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
