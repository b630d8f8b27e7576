/* What --recheck looks at: what was noted is read again, and reduced to what is needed. */
#include "engine/recheck.h"
#include "base/pack.h"
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void note(struct buf *b, enum difference_kind kind, const char *path, const char *field)
{
	recheck_note(
		b, &(struct difference){.kind = kind, .path = path, .fields = &field, .field_count = field != NULL});
}

/* A blank between; two stars for all that lies beneath. */
static char *shown(const struct recheck *r)
{
	AUTO_BUF b = BUF_INIT;

	for (size_t i = 0; i < r->n; i++)
		buf_printf(&b, "%s%s%s", i ? " " : "", *r->paths[i].path ? r->paths[i].path : ".",
			r->paths[i].recurse ? "/**" : "");
	return buf_detach(&b);
}

static void expect(const struct buf *b, const char *want, bool links)
{
	struct recheck r = {};
	AUTO_FREE char *got = NULL;

	assert_true(recheck_parse(&r, (const char *)b->data, b->len));
	assert_int_equal(r.links, links);
	recheck_reduce(&r);
	got = shown(&r);
	assert_string_equal(got, want);
	recheck_release(&r);
}

static void test_kinds(void **state)
{
	AUTO_BUF b = BUF_INIT;

	expect(&b, "", false);
	note(&b, DIFFERENCE_CONTENT, "content", "size");
	note(&b, DIFFERENCE_METADATA, ".", "mode");
	note(&b, DIFFERENCE_MISSING, "missing", NULL);
	note(&b, DIFFERENCE_EXTRA, "extra", NULL);
	note(&b, DIFFERENCE_TYPE, "type", "type");
	note(&b, DIFFERENCE_CHANGED, "c1", "missing");
	note(&b, DIFFERENCE_CHANGED, "c2", "extra");
	note(&b, DIFFERENCE_CHANGED, "c3", "type");
	note(&b, DIFFERENCE_CHANGED, "c4", "mtime");
	note(&b, DIFFERENCE_CHANGED, "c5", NULL);
	expect(&b, ". c1/** c2/** c3/** c4 c5 content extra/** missing/** type/**", false);
	note(&b, DIFFERENCE_CHANGED, "c6", "hardlink");
	expect(&b, ". c1/** c2/** c3/** c4 c5 c6 content extra/** missing/** type/**", true);
	buf_clear(&b);
	note(&b, DIFFERENCE_HARDLINK, "h", "hardlink");
	expect(&b, "h", true);
}

static void test_reduced(void **state)
{
	AUTO_BUF b = BUF_INIT;

	note(&b, DIFFERENCE_METADATA, "d", "mode");
	note(&b, DIFFERENCE_CONTENT, "d/x/y", "content");
	note(&b, DIFFERENCE_CONTENT, "d", "content");
	note(&b, DIFFERENCE_METADATA, "d/x/y", "mode");
	note(&b, DIFFERENCE_CONTENT, "d-", "content");
	note(&b, DIFFERENCE_CONTENT, "d\x01", "content");
	expect(&b, "d d/x/y d\x01 d-", false);
	note(&b, DIFFERENCE_MISSING, "d", NULL);
	expect(&b, "d/** d\x01 d-", false);
	note(&b, DIFFERENCE_MISSING, "d-/z", NULL);
	note(&b, DIFFERENCE_MISSING, "e/f", NULL);
	note(&b, DIFFERENCE_CONTENT, "e/f/g/h", "content");
	note(&b, DIFFERENCE_CONTENT, "e", "content");
	expect(&b, "d/** d\x01 d- d-/z/** e e/f/**", false);
	note(&b, DIFFERENCE_TYPE, ".", "type");
	expect(&b, "./**", false);
}

static void test_damaged(void **state)
{
	static const struct bytes bad[] = {
		{(const uint8_t *)"0a", 2},
		{(const uint8_t *)"0", 1},
		{(const uint8_t *)"\0", 1},
		{(const uint8_t *)"0", 2},
		{(const uint8_t *)"7a", 3},
		{(const uint8_t *)"/a", 3},
		{(const uint8_t *)"a/b\0", 4},
		{(const uint8_t *)"0/a", 4},
		{(const uint8_t *)"0a/", 4},
		{(const uint8_t *)"0a//b", 6},
		{(const uint8_t *)"0a/../b", 8},
		{(const uint8_t *)"0..", 4},
		{(const uint8_t *)"0./a", 5},
		{(const uint8_t *)"0good\0000", 7},
		{(const uint8_t *)"0good\0\xff", 7},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_FREE char *own = xmalloc(bad[i].len);
		struct recheck r = {};

		memcpy(own, bad[i].p, bad[i].len);
		if (recheck_parse(&r, own, bad[i].len))
			fail_msg("record %zu is taken", i);
		recheck_release(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_reduced),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
