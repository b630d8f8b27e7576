/* Paths: names, joining, splitting. */
#include "base/path.h"
#include "base/nameset.h"
#include "base/pathset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static bool name(const char *s, size_t n)
{
	return path_name_valid((const uint8_t *)s, n);
}

static bool path(const char *s)
{
	return path_valid((const uint8_t *)s, strlen(s));
}

static void names(void **state)
{
	char dots[256];

	memset(dots, '.', sizeof(dots));
	assert_false(name("", 0));
	assert_false(name(dots, 1));
	assert_false(name(dots, 2));
	assert_true(name(dots, 3));
	assert_true(name(dots, 255));
	assert_false(name(dots, 256));
	assert_true(name(".a", 2));
	assert_true(name("..a", 3));
	assert_true(name("\xff\n ", 3));
	assert_false(name("a/b", 3));
	assert_false(name("a\0b", 3));
}

static void paths(void **state)
{
	char longest[600];

	assert_true(path_valid(NULL, 0));
	assert_true(path("a"));
	assert_true(path("a/b/..c"));
	assert_false(path("/"));
	assert_false(path("/a"));
	assert_false(path("a/"));
	assert_false(path("a//b"));
	assert_false(path("a/./b"));
	assert_false(path("a/.."));
	assert_false(path_valid((const uint8_t *)"a/b\0c", 5));
	memset(longest, 'x', sizeof(longest));
	longest[255] = '/';
	assert_true(path_valid((const uint8_t *)longest, 511));
	assert_false(path_valid((const uint8_t *)longest, 512));
}

static void joined(const char *dir, const char *n, const char *expected)
{
	AUTO_FREE char *p = path_join(dir, n);

	assert_string_equal(p, expected);
}

static void joins(void **state)
{
	AUTO_FREE char *bytes = path_join_n("a", "bcd", 2);

	assert_string_equal(bytes, "a/bc");
	joined("a/b", "c", "a/b/c");
	joined("", "c", "c");
	joined("a/b", "", "a/b");
	joined("", "", "");
}

static void splits(void **state)
{
	const char *last;
	AUTO_FREE char *deep = path_split("a/b/c", &last);

	assert_string_equal(deep, "a/b");
	assert_string_equal(last, "c");
	free(STEAL(deep));
	deep = path_split("c", &last);
	assert_string_equal(deep, "");
	assert_string_equal(last, "c");
}

static void within(void **state)
{
	const char *rest = NULL;

	assert_true(path_within("", "a/b", &rest));
	assert_string_equal(rest, "a/b");
	assert_true(path_within("a", "a/b", &rest));
	assert_string_equal(rest, "b");
	assert_true(path_within("a/b", "a/b", &rest));
	assert_string_equal(rest, "");
	assert_false(path_within("a", "ab", &rest));
	assert_false(path_within("a/b", "a", &rest));
}

static void sets(void **state)
{
	static const char *const members[] = {"b", "a/b", "a-b", "a/b/c", "x/y/z", "a.b/c"};
	struct path_set s = {};
	AUTO_BUF records = BUF_INIT;

	assert_false(path_set_has(&s, "a", "b"));
	assert_false(path_set_leads(&s, "", "a"));
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		wr_str(&records, members[i]);
	assert_true(path_set_read(&s, (struct bytes){records.data, records.len}));
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *name;
		AUTO_FREE char *dir = path_split(members[i], &name);

		assert_true(path_set_has(&s, dir, name));
		assert_true(path_set_has(&s, "", members[i]));
		assert_true(path_set_leads(&s, dir, name));
	}
	assert_false(path_set_has(&s, "", "a"));
	assert_false(path_set_has(&s, "a", "c"));
	assert_false(path_set_has(&s, "a", "b-"));
	assert_false(path_set_has(&s, "x/y", "z/"));
	assert_false(path_set_has(&s, "a/b/c", "d"));
	assert_true(path_set_leads(&s, "", "a"));
	assert_true(path_set_leads(&s, "x", "y"));
	assert_false(path_set_leads(&s, "a", "bc"));
	assert_false(path_set_leads(&s, "", "a."));
	assert_false(path_set_leads(&s, "x", "z"));
	assert_true(path_set_covers(&s, "a/b", 0));
	assert_true(path_set_covers(&s, "x/y/z/1/2", 0));
	assert_false(path_set_covers(&s, "x/y", 0));
	assert_false(path_set_covers(&s, "x/y/zz", 0));
	assert_true(path_set_covers(&s, "b/c/d", 0));
	assert_false(path_set_covers(&s, "b/c/d", 1)); /* "b" is no longer than that */
	assert_true(path_set_covers(&s, "a/b/c/d", 3));
	path_set_release(&s);
	wr_str(&records, "../x");
	assert_false(path_set_read(&s, (struct bytes){records.data, records.len}));
	assert_int_equal(s.n, 0);
}

static void name_sets(void **state)
{
	static const char sorted[] = "a\0b\0b.\0\xff";
	struct nameset s = {};

	assert_true(nameset_take(&s, NULL, 0));
	assert_false(nameset_has(&s, "a"));
	assert_true(nameset_take(&s, sorted, sizeof(sorted)));
	assert_true(nameset_has(&s, "a") && nameset_has(&s, "b.") && nameset_has(&s, "\xff"));
	assert_false(nameset_has(&s, "") || nameset_has(&s, "b/") || nameset_has(&s, "c"));
	assert_false(nameset_take(&s, "b\0a", 4));
	assert_false(nameset_take(&s, "a\0a", 4));
	assert_false(nameset_take(&s, "a\0b", 3));
	s.all = true;
	assert_true(nameset_take(&s, "a", 2));
	assert_true(nameset_has(&s, "b"));
	nameset_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(paths), cmocka_unit_test(joins),
		cmocka_unit_test(splits), cmocka_unit_test(within), cmocka_unit_test(sets),
		cmocka_unit_test(name_sets)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
