/* What --recheck looks at and --repair mends: what was noted is read again, and reduced to what is needed. */
#include "engine/recheck.h"
#include "engine/doubts.h"
#include "base/pack.h"
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void note(struct buf *b, enum difference_kind kind, const char *path, const char *field)
{
	recheck_note(b,
		&(struct difference){.kind = kind, .path = path, .fields = &field, .field_count = field != NULL},
		false);
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
		{(const uint8_t *)"00a", 3},
		{(const uint8_t *)"00", 2},
		{(const uint8_t *)"0", 1},
		{(const uint8_t *)"\0", 1},
		{(const uint8_t *)"0", 2},
		{(const uint8_t *)"00", 3},
		{(const uint8_t *)"70a", 4},
		{(const uint8_t *)"08a", 4},
		{(const uint8_t *)"0/a", 4},
		{(const uint8_t *)"/0a", 4},
		{(const uint8_t *)"a/b\0", 4},
		{(const uint8_t *)"00/a", 5},
		{(const uint8_t *)"00a/", 5},
		{(const uint8_t *)"00a//b", 7},
		{(const uint8_t *)"00a/../b", 9},
		{(const uint8_t *)"00..", 5},
		{(const uint8_t *)"00./a", 6},
		{(const uint8_t *)"00good\00000", 9},
		{(const uint8_t *)"00good\0\xff", 8},
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

static void note_deep(struct buf *b, enum difference_kind kind, const char *path, const char *field)
{
	recheck_note(b, &(struct difference){.kind = kind, .path = path, .fields = &field, .field_count = 1}, true);
}

/* Once contents were read they are read again; a field can say so too. */
static void test_depth(void **state)
{
	static const struct {
		bool deep;
		const char *field;
		bool want;
	} all[] = {{false, "size", false}, {true, "size", true}, {false, "content", true}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct recheck r = {};
		AUTO_BUF b = BUF_INIT;

		recheck_note(&b,
			&(struct difference){
				.kind = DIFFERENCE_CONTENT, .path = "a", .fields = &all[i].field, .field_count = 1},
			all[i].deep);
		assert_true(recheck_parse(&r, (const char *)b.data, b.len));
		assert_int_equal(r.deep, all[i].want);
		assert_true(r.n == 1 && r.paths[0].content && r.paths[0].deep == all[i].want);
		recheck_release(&r);
	}
}

/* What was not looked at again is kept, once. */
static void test_kept(void **state)
{
	AUTO_BUF old = BUF_INIT;
	AUTO_BUF now = BUF_INIT;
	struct recheck looked = {};
	uint64_t counts[DIFFERENCE_KINDS], unread;

	note_deep(&old, DIFFERENCE_CONTENT, "in/a", "content");
	note(&old, DIFFERENCE_METADATA, "in", "mode");
	note(&old, DIFFERENCE_MISSING, "out", NULL);
	note(&old, DIFFERENCE_CHANGED, "out2", "mtime");
	recheck_note_unread(&old, "inside", true);
	note(&now, DIFFERENCE_MISSING, "out", NULL);
	recheck_want(&looked, "in", true);
	recheck_keep(&now, (const char *)old.data, old.len, &looked);
	recheck_keep(&now, (const char *)old.data, old.len, &looked);
	expect(&now, "inside/** out/** out2", false);
	recheck_count((const char *)now.data, now.len, counts, &unread);
	assert_int_equal(counts[DIFFERENCE_MISSING], 1);
	assert_int_equal(counts[DIFFERENCE_CHANGED], 1);
	assert_int_equal(counts[DIFFERENCE_CONTENT] + counts[DIFFERENCE_METADATA], 0);
	assert_int_equal(unread, 1);
	recheck_release(&looked);
}

static void expect_doubts(const struct doubts *d, const char *dir, const char *want)
{
	AUTO_BUF out = BUF_INIT;

	assert_true(doubts_in(d, dir, &out));
	for (size_t i = 0; i < out.len; i++)
		if (!out.data[i])
			out.data[i] = ' ';
	assert_string_equal(buf_cstr(&out), want);
}

static void test_doubts(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct recheck r = {};
	struct doubts d = {};

	note_deep(&b, DIFFERENCE_CONTENT, "d/y", "content");
	note_deep(&b, DIFFERENCE_CONTENT, "d/x/z", "content");
	note_deep(&b, DIFFERENCE_CONTENT, "d/x", "content");
	note_deep(&b, DIFFERENCE_CONTENT, "d/x", "content");
	note_deep(&b, DIFFERENCE_CHANGED, "d-", "mtime");
	note(&b, DIFFERENCE_CONTENT, "d/shallow", "size");
	note_deep(&b, DIFFERENCE_METADATA, "d/meta", "mode");
	note_deep(&b, DIFFERENCE_TYPE, "d/type", "type");
	assert_true(recheck_parse(&r, (const char *)b.data, b.len));
	doubts_take(&d, &r, true);
	assert_false(d.all);
	expect_doubts(&d, "d", "x y ");
	expect_doubts(&d, "d/x", "z ");
	expect_doubts(&d, "", "d- ");
	expect_doubts(&d, "d-", "");
	expect_doubts(&d, "e", "");
	assert_true(doubts_has(&d, "d/x/z") && doubts_has(&d, "d-"));
	assert_false(doubts_has(&d, "d/shallow") || doubts_has(&d, "d") || doubts_has(&d, "z"));
	doubts_release(&d);
	doubts_take(&d, &r, false);
	expect_doubts(&d, "d", "shallow x y ");
	doubts_release(&d);
	recheck_release(&r);
	/* More than can be listed. */
	note(&b, DIFFERENCE_MISSING, ".", NULL);
	assert_true(recheck_parse(&r, (const char *)b.data, b.len));
	doubts_take(&d, &r, false);
	assert_true(d.all);
	doubts_release(&d);
	recheck_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_reduced),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
