/* Frames: they survive any split of the stream, lengths are bounded, memory comes back, hostile ones are
 * refused. */
#include "wire/frame.h"
#include "base/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static uint32_t noise(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void fill_noise(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)noise(&seed);
}

static void fill_text(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)("etaoin shrdlu\n"[noise(&seed) % 14]);
}

static void feed(struct frame_decoder *d, const void *p, size_t n)
{
	memcpy(frame_decoder_space(d, n), p, n);
	frame_decoder_filled(d, n);
}

/* A stream of three frames, the second compressed, the third empty and built in place. */
static void stream_build(struct buf *b, const uint8_t *text, size_t n)
{
	void *zstd = NULL;
	size_t start;

	frame_encode(b, 1, 7, "hello", 5);
	frame_encode_zstd(b, 2, 0xfedcba98, text, n, 3, &zstd);
	start = frame_begin(b, 3, 9);
	frame_end(b, start);
	start = frame_begin(b, 4, 10);
	buf_append_str(b, "in place");
	frame_end(b, start);
	frame_zstd_free(zstd);
}

static void stream_expect(unsigned i, const struct frame *f, const uint8_t *text, size_t n)
{
	assert_int_equal(f->type, i + 1);
	switch (i) {
	case 0:
		assert_int_equal(f->id, 7);
		assert_int_equal(f->len, 5);
		assert_memory_equal(f->payload, "hello", 5);
		break;
	case 1:
		assert_int_equal(f->id, 0xfedcba98);
		assert_int_equal(f->len, n);
		assert_memory_equal(f->payload, text, n);
		break;
	case 2:
		assert_int_equal(f->id, 9);
		assert_int_equal(f->len, 0);
		break;
	default:
		assert_int_equal(f->len, 8);
		assert_memory_equal(f->payload, "in place", 8);
	}
}

static void test_split_anywhere(void **state)
{
	uint8_t text[2000];
	AUTO_BUF b = BUF_INIT;

	(void)state;
	fill_text(text, sizeof(text), 1);
	stream_build(&b, text, sizeof(text));
	assert_in_range(b.len, 500, 1500); /* it was compressed */
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct frame_decoder d;
		struct frame f;
		unsigned got = 0;

		frame_decoder_init(&d);
		feed(&d, b.data, cut);
		while (frame_decode(&d, &f) == FRAME_READY)
			stream_expect(got++, &f, text, sizeof(text));
		assert_false(d.bad);
		feed(&d, b.data + cut, b.len - cut);
		while (frame_decode(&d, &f) == FRAME_READY)
			stream_expect(got++, &f, text, sizeof(text));
		assert_false(d.bad);
		assert_int_equal(got, 4);
		frame_decoder_release(&d);
	}
}

static void test_byte_by_byte(void **state)
{
	uint8_t text[2000];
	AUTO_BUF b = BUF_INIT;
	struct frame_decoder d;
	struct frame f;
	unsigned got = 0;

	(void)state;
	fill_text(text, sizeof(text), 2);
	for (int i = 0; i < 5; i++)
		stream_build(&b, text, sizeof(text));
	frame_decoder_init(&d);
	for (size_t i = 0; i < b.len; i++) {
		feed(&d, b.data + i, 1);
		while (frame_decode(&d, &f) == FRAME_READY)
			stream_expect(got++ % 4, &f, text, sizeof(text));
		assert_false(d.bad);
	}
	assert_int_equal(got, 20);
	frame_decoder_release(&d);
}

static void test_zstd_only_when_it_pays(void **state)
{
	AUTO_BUF b = BUF_INIT;
	uint8_t p[1 << 16];
	void *zstd = NULL;

	(void)state;
	fill_noise(p, sizeof(p), 3);
	frame_encode_zstd(&b, 1, 1, p, sizeof(p), 3, &zstd);
	assert_int_equal(b.data[1], 0);
	assert_int_equal(b.len, FRAME_HEADER + sizeof(p));
	buf_clear(&b);
	memset(p, 0, sizeof(p));
	frame_encode_zstd(&b, 1, 1, p, 127, 3, &zstd);
	assert_int_equal(b.data[1], 0);
	buf_clear(&b);
	frame_encode_zstd(&b, 1, 1, p, sizeof(p), 0, &zstd);
	assert_int_equal(b.data[1], 0);
	buf_clear(&b);
	frame_encode_zstd(&b, 1, 1, p, 128, 3, &zstd);
	assert_int_equal(b.data[1], FRAME_ZSTD);
	frame_zstd_free(zstd);
	frame_zstd_free(NULL);
}

static void test_largest(void **state)
{
	AUTO_FREE uint8_t *p = xmalloc(FRAME_MAX);
	AUTO_BUF b = BUF_INIT;
	void *zstd = NULL;

	(void)state;
	fill_text(p, FRAME_MAX / 2, 4);
	fill_noise(p + FRAME_MAX / 2, FRAME_MAX / 2, 5);
	for (int level = 0; level <= 2; level++) {
		struct frame_decoder d;
		struct frame f;
		size_t at = 0;

		buf_clear(&b);
		frame_encode_zstd(&b, 1, 1, p, FRAME_MAX, level ? (level == 1 ? 1 : 19) : 0, &zstd);
		assert_int_equal(b.data[1], level ? FRAME_ZSTD : 0);
		frame_decoder_init(&d);
		while (frame_decode(&d, &f) == FRAME_NEED_MORE) {
			size_t n = MIN((size_t)65536, b.len - at);
			assert_in_range(n, 1, 65536);
			feed(&d, b.data + at, n);
			at += n;
		}
		assert_int_equal(at, b.len);
		assert_int_equal(f.len, FRAME_MAX);
		assert_memory_equal(f.payload, p, FRAME_MAX);
		assert_in_range(d.in.cap + d.raw.cap, FRAME_MAX, 3 * FRAME_MAX);
		frame_decoder_release(&d);
	}
	frame_zstd_free(zstd);
}

/* What one huge frame made grow is given back, and frames go on arriving unharmed. */
static void test_memory_comes_back(void **state)
{
	AUTO_FREE uint8_t *p = xcalloc(1, FRAME_MAX);
	AUTO_BUF b = BUF_INIT;
	struct frame_decoder d;
	struct frame f;
	void *zstd = NULL;

	(void)state;
	frame_decoder_init(&d);
	frame_encode(&b, 1, 1, p, FRAME_MAX);
	frame_encode_zstd(&b, 2, 2, p, FRAME_MAX, 1, &zstd);
	feed(&d, b.data, b.len);
	assert_int_equal(frame_decode(&d, &f), FRAME_READY);
	assert_int_equal(frame_decode(&d, &f), FRAME_READY);
	assert_int_equal(f.len, FRAME_MAX);
	assert_in_range(d.in.cap, FRAME_MAX, 2 * FRAME_MAX);
	for (uint32_t i = 0; i < 100; i++) {
		buf_clear(&b);
		frame_encode(&b, 3, i, p, 1000);
		feed(&d, b.data, 500);
		assert_int_equal(frame_decode(&d, &f), FRAME_NEED_MORE);
		feed(&d, b.data + 500, b.len - 500);
		assert_int_equal(frame_decode(&d, &f), FRAME_READY);
		assert_int_equal(f.id, i);
		assert_int_equal(f.len, 1000);
	}
	assert_in_range(d.in.cap + d.raw.cap, 1000, 1 << 20);
	frame_decoder_release(&d);
	frame_zstd_free(zstd);
}

/* A caller that reads ahead without decoding, and many small frames in one read: bounded work, right results.
 */
static void test_many_unread(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct frame_decoder d;
	struct frame f;
	uint32_t fed = 0, got = 0;

	(void)state;
	frame_decoder_init(&d);
	for (unsigned round = 0; round < 200; round++) {
		buf_clear(&b);
		for (unsigned i = 0; i < 300; i++)
			frame_encode(&b, 5, fed++, "0123456789abcdef", i % 17);
		feed(&d, b.data, b.len);
		for (unsigned i = 0; i < 100; i++) {
			assert_int_equal(frame_decode(&d, &f), FRAME_READY);
			assert_int_equal(f.id, got);
			assert_int_equal(f.len, got % 300 % 17);
			got++;
		}
	}
	while (frame_decode(&d, &f) == FRAME_READY)
		assert_int_equal(f.id, got++);
	assert_int_equal(got, fed);
	frame_decoder_release(&d);
}

/* One frame with these header fields and payload is refused, and nothing is decoded after it. */
static void expect_bad(uint8_t flags, uint32_t len, const void *p, size_t n)
{
	AUTO_BUF b = BUF_INIT;
	struct frame_decoder d;
	struct frame f;

	wr_u8(&b, 1);
	wr_u8(&b, flags);
	wr_u32(&b, len);
	wr_u32(&b, 1);
	buf_append(&b, p, n);
	frame_decoder_init(&d);
	feed(&d, b.data, b.len);
	assert_int_equal(frame_decode(&d, &f), FRAME_BAD);
	assert_true(d.in.cap + d.raw.cap <= 3 * FRAME_MAX);
	buf_clear(&b);
	frame_encode(&b, 1, 1, "x", 1);
	feed(&d, b.data, b.len);
	assert_int_equal(frame_decode(&d, &f), FRAME_BAD);
	frame_decoder_release(&d);
}

static void test_hostile(void **state)
{
	static const uint8_t zeros[1000];
	static const uint8_t skippable[] = {10, 0, 0, 0, 0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2};
	AUTO_BUF good = BUF_INIT;
	void *zstd = NULL;
	uint8_t *z;
	size_t n;

	(void)state;
	expect_bad(2, 0, "", 0);
	expect_bad(0x80, 0, "", 0);
	expect_bad(0, FRAME_MAX + 1, "", 0);
	expect_bad(FRAME_ZSTD, UINT32_MAX, "", 0);
	for (uint32_t i = 0; i < 9; i++)
		expect_bad(FRAME_ZSTD, i, zeros, i);
	expect_bad(FRAME_ZSTD, sizeof(skippable), skippable, sizeof(skippable));
	frame_encode_zstd(&good, 1, 1, zeros, sizeof(zeros), 3, &zstd);
	assert_int_equal(good.data[1], FRAME_ZSTD);
	z = good.data + FRAME_HEADER;
	n = good.len - FRAME_HEADER;
	for (size_t cut = 0; cut < n; cut++)
		expect_bad(FRAME_ZSTD, (uint32_t)cut, z, cut);
	for (int off = -1; off <= 1; off += 2) { /* raw length must be exact */
		AUTO_BUF lie = BUF_INIT;
		wr_u32(&lie, (uint32_t)(1000 + off));
		buf_append(&lie, z + 4, n - 4);
		expect_bad(FRAME_ZSTD, (uint32_t)lie.len, lie.data, lie.len);
	}
	{
		AUTO_BUF huge = BUF_INIT;
		wr_u32(&huge, FRAME_MAX + 1);
		buf_append(&huge, z + 4, n - 4);
		expect_bad(FRAME_ZSTD, (uint32_t)huge.len, huge.data, huge.len);
		buf_clear(&huge);
		wr_u32(&huge, 2000); /* two frames make up the stated length: one is allowed */
		buf_append(&huge, z + 4, n - 4);
		buf_append(&huge, z + 4, n - 4);
		expect_bad(FRAME_ZSTD, (uint32_t)huge.len, huge.data, huge.len);
		buf_clear(&huge);
		buf_append(&huge, z, n);
		buf_append(&huge, "x", 1);
		expect_bad(FRAME_ZSTD, (uint32_t)huge.len, huge.data, huge.len);
	}
	frame_zstd_free(zstd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_anywhere),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_zstd_only_when_it_pays),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_memory_comes_back),
		cmocka_unit_test(test_many_unread),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
