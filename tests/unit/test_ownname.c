/* Names of rehost's own: each tells which directory it is of. */
#include "base/ownname.h"
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void known_again(void **state)
{
	char name[OWN_NAME_SIZE];

	for (uint64_t ino = 1; ino < 1000; ino += 7) {
		own_name_dir(name, ino);
		assert_true(own_name_is(name, ino) && !own_name_is(name, ino + 1));
		for (uint32_t random = 0; random < 3; random++) {
			own_name_file(name, ino, UINT32_MAX * random);
			assert_int_equal(strlen(name), strlen(".rehost.") + 16);
			assert_true(own_name_is(name, ino) && !own_name_is(name, ino + 1));
		}
	}
}

static void users(void **state)
{
	static const char *const names[] = {"", "f", ".rehost", ".rehost.", ".rehost.tmp", ".rehost.tmp.",
		".rehost.0123456789abcdef", ".rehost.tmp.0123456789abcdef", ".rehost.0123456789abcde",
		".rehost.+123456789abcdef", ".rehost. 123456789abcdef", ".rehost.0X23456789abcdef"};
	char name[OWN_NAME_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_false(own_name_is(names[i], 2));
	own_name_file(name, 2, 0xabcdef01);
	for (char *p = name + strlen(".rehost."); *p; p++)
		if (*p >= 'a') { /* not as we write it */
			*p = (char)(*p - 'a' + 'A');
			assert_false(own_name_is(name, 2));
		}
}

static void lost_found(void **state)
{
	assert_true(name_is_lost_found("lost+found", 2));
	assert_false(name_is_lost_found("lost+found", 12));
	assert_false(name_is_lost_found("lost", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_again), cmocka_unit_test(users), cmocka_unit_test(lost_found)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
