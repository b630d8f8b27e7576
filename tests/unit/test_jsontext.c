/* What is taken for JSON, and what is not. */
#include "base/jsontext.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MANY 1000

static bool valid(const char *s)
{
	return jsontext_valid(s, strlen(s), 64, MANY);
}

static void test_valid(void **state)
{
	static const char *const texts[] = {"null", "true", " false\n", "0", "-0", "12", "-1.5e+10", "1E9", "0.001",
		"\"\"", "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\uDE00\"", "\"\303\251\177\"", "[]", "{}", "[ ]",
		"{ }", "[1,[2,{}],3]", "{\"a\":{\"b\":[1,2,{\"\":null}]},\"c\":\"d\"}",
		"\t{ \"a\" : 1 , \"b\" : [ true ] }\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!valid(texts[i]))
			fail_msg("refused: %s", texts[i]);
}

static void test_invalid(void **state)
{
	static const char *const texts[] = {"", " ", "nul", "nulll", "True", "01", "1.", ".5", "+1", "1e", "1e+", "-",
		"--1", "0x1", "NaN", "\"", "\"\\\"", "\"\\x\"", "\"\\u00\"", "\"\\u00g0\"", "\"\\u0000\"",
		"\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "\"\377\"", "\"\355\240\200\"", "[",
		"]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1",
		"{\"a\":1,", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{1:1}", "{\"a\":1]", "{,}", "{}{}", "1 2", "[] ,",
		"{\"a\":1}x", "/**/1", "'a'"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (valid(texts[i]))
			fail_msg("taken: %s", texts[i]);
	assert_false(jsontext_valid("1\0", 2, 64, MANY));
	assert_false(jsontext_valid("\"a\0b\"", 5, 64, MANY));
	assert_false(jsontext_valid(NULL, 0, 64, MANY));
}

/* Every beginning of a text is none, and nothing is read beyond it. */
static void test_cut(void **state)
{
	static const char text[] = "{\"a\":[1,-2.5e3,\"\\ud83d\\ude00\",null,true],\"b\":{}}";

	assert_true(valid(text));
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		AUTO_FREE char *piece = malloc(n ? n : 1); /* no NUL behind it */

		memcpy(piece, text, n);
		assert_false(jsontext_valid(piece, n, 64, MANY));
	}
}

static void nested(struct buf *out, unsigned n, const char *open, const char *inner, char close)
{
	buf_clear(out);
	for (unsigned i = 0; i < n; i++)
		buf_append_str(out, open);
	buf_append_str(out, inner);
	for (unsigned i = 0; i < n; i++)
		buf_append_u8(out, (uint8_t)close);
}

static void test_bounds(void **state)
{
	AUTO_BUF b = BUF_INIT;

	for (unsigned depth = 1; depth <= 64; depth += 9) {
		nested(&b, depth, "[", "", ']');
		assert_true(jsontext_valid(b.data, b.len, depth, MANY));
		nested(&b, depth, "{\"a\":", "1", '}');
		assert_true(jsontext_valid(b.data, b.len, depth, MANY));
		nested(&b, depth + 1, "[", "", ']');
		assert_false(jsontext_valid(b.data, b.len, depth, MANY));
		nested(&b, depth + 1, "{\"a\":", "1", '}');
		assert_false(jsontext_valid(b.data, b.len, depth, MANY));
	}
	nested(&b, 100000, "[", "", ']');
	assert_false(jsontext_valid(b.data, b.len, 1000000, 1000000)); /* more is never allowed */
	assert_true(jsontext_valid("[1,2]", 5, 64, 3));
	assert_false(jsontext_valid("[1,2]", 5, 64, 2));
	assert_false(jsontext_valid("1", 1, 64, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
