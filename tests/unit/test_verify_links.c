/* The bijection of inodes. */
#include "verify/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static enum verify_link_result add(struct verify_links *l, uint64_t s, uint64_t t)
{
	return verify_links_add(l, (struct verify_inode){1, s}, (struct verify_inode){2, t});
}

static void test_equal_groups(void **state)
{
	struct verify_links *l = verify_links_new(1 << 20, -1);

	for (int round = 0; round < 2; round++) {
		assert_int_equal(add(l, 10, 20), VERIFY_LINK_OK);
		assert_int_equal(add(l, 10, 20), VERIFY_LINK_OK);
		assert_int_equal(add(l, 11, 21), VERIFY_LINK_OK);
	}
	assert_int_equal(verify_links_count(l), 2);
	verify_links_free(l);
}

static void test_split_joined_mixed(void **state)
{
	struct verify_links *l = verify_links_new(1 << 20, -1);

	assert_int_equal(add(l, 10, 20), VERIFY_LINK_OK);
	assert_int_equal(add(l, 10, 21), VERIFY_LINK_SPLIT);
	assert_int_equal(add(l, 11, 20), VERIFY_LINK_JOINED);
	/* 11 stands for 20 and 21 for 10 by now. */
	assert_int_equal(add(l, 11, 21), VERIFY_LINK_MIXED);
	assert_int_equal(add(l, 12, 22), VERIFY_LINK_OK);
	verify_links_free(l);
}

static void test_devices_are_told_apart(void **state)
{
	struct verify_links *l = verify_links_new(1 << 20, -1);

	assert_int_equal(verify_links_add(l, (struct verify_inode){1, 5}, (struct verify_inode){1, 5}), VERIFY_LINK_OK);
	assert_int_equal(verify_links_add(l, (struct verify_inode){2, 5}, (struct verify_inode){3, 5}), VERIFY_LINK_OK);
	assert_int_equal(
		verify_links_add(l, (struct verify_inode){2, 5}, (struct verify_inode){1, 5}), VERIFY_LINK_MIXED);
	verify_links_free(l);
}

/* Many: with and without a directory to spill into. */
static void test_many(void **state)
{
	char dir[] = "/tmp/links.XXXXXX";
	int fd;

	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	for (int spill = 0; spill < 2; spill++) {
		struct verify_links *l = verify_links_new(1 << 20, spill ? fd : -1);

		for (uint64_t i = 0; i < 100000; i++)
			assert_int_equal(add(l, i * 7, i * 13), VERIFY_LINK_OK);
		for (uint64_t i = 0; i < 100000; i++)
			assert_int_equal(add(l, i * 7, i * 13), VERIFY_LINK_OK);
		assert_int_equal(add(l, 7, 0), VERIFY_LINK_MIXED);
		assert_int_equal(add(l, 7 * 100000, 13), VERIFY_LINK_JOINED);
		assert_int_equal(verify_links_count(l), 100001);
		verify_links_free(l);
	}
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* it was theirs */
	assert_int_equal(rmdir(dir), 0); /* nothing is left behind */
}

static void test_texts(void **state)
{
	const char *s, *t;

	verify_link_texts(VERIFY_LINK_SPLIT, &s, &t);
	assert_string_equal(s, "linked with other names");
	assert_string_equal(t, "an inode of its own");
	verify_link_texts(VERIFY_LINK_JOINED, &s, &t);
	assert_string_equal(s, "an inode of its own");
	assert_string_equal(t, "linked with other names");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_groups),
		cmocka_unit_test(test_split_joined_mixed),
		cmocka_unit_test(test_devices_are_told_apart),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
