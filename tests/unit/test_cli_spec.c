/* The grammar of DST. */
#include "cli/target_spec.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void expect(const char *text, const char *user, const char *host, unsigned port, const char *dir)
{
	struct target_spec s;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_FREE char *hint = NULL;

	if (!target_spec_parse(text, &s, &d, &hint))
		fail_msg("'%s' was refused: %s", text, d.detail);
	if (user)
		assert_string_equal(s.user, user);
	else
		assert_null(s.user);
	assert_string_equal(s.host, host);
	assert_int_equal(s.port, port);
	assert_string_equal(s.dir, dir);
	assert_false(s.local);
	target_spec_release(&s);
}

static void refuse(const char *text, const char *word_of_hint)
{
	struct target_spec s;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_FREE char *hint = NULL;

	if (target_spec_parse(text, &s, &d, &hint))
		fail_msg("'%s' was taken", text);
	assert_int_equal(d.code, DIAG_CLI_TARGET);
	assert_int_equal(diag_info(d.code)->exit_class, EXIT_USAGE_ERROR);
	if (word_of_hint && (!hint || !strstr(hint, word_of_hint)))
		fail_msg("'%s': the hint '%s' lacks '%s'", text, hint ? hint : "", word_of_hint);
	target_spec_release(&s);
}

static void test_hosts(void **state)
{
	expect("host:/srv", NULL, "host", 0, "/srv");
	expect("host:srv", NULL, "host", 0, "srv");
	expect("root@host:/srv/", "root", "host", 0, "/srv");
	expect("me@realm@host:/srv", "me@realm", "host", 0, "/srv");
	expect("host:/", NULL, "host", 0, "/");
	expect("host:///", NULL, "host", 0, "/");
	expect("host:.", NULL, "host", 0, ".");
	expect("host:~", NULL, "host", 0, ".");
	expect("host:~/", NULL, "host", 0, ".");
	expect("host:~/a/b", NULL, "host", 0, "a/b");
	expect("host:a@b:c", NULL, "host", 0, "a@b:c");
	expect("host:with blank", NULL, "host", 0, "with blank");
	expect("me@local:/srv", "me", "local", 0, "/srv");
}

static void test_ports(void **state)
{
	expect("host:22", NULL, "host", 0, "22");
	expect("host:22:dir", NULL, "host", 22, "dir");
	expect("host:22:/dir", NULL, "host", 22, "/dir");
	expect("host:22:33", NULL, "host", 22, "33");
	expect("host:22:33:x", NULL, "host", 22, "33:x");
	expect("host:65535:x", NULL, "host", 65535, "x");
	expect("host:./22:x", NULL, "host", 0, "./22:x");
	refuse("host:0:x", "65535");
	refuse("host:65536:x", "65535");
	refuse("host:99999999999999999999:x", "65535");
	refuse("host:22:", "home");
}

static void test_ipv6(void **state)
{
	expect("[::1]:/srv", NULL, "::1", 0, "/srv");
	expect("[::1]:22:/srv", NULL, "::1", 22, "/srv");
	expect("[::1]:22", NULL, "::1", 0, "22");
	expect("root@[fe80::1%eth0]:d", "root", "fe80::1%eth0", 0, "d");
	refuse("::1:/srv", "brackets");
	refuse("2001:db8::1:/srv", "brackets");
	refuse("root@2001:db8::1:22:/srv", "brackets");
	refuse("fe80::1", "brackets");
	refuse("[::1]/srv", NULL);
	refuse("[::1", NULL);
	refuse("[]:x", NULL);
	refuse("[-oProxyCommand=x]:y", NULL);
}

static void test_refused(void **state)
{
	refuse("", NULL);
	refuse("/srv", "local:/srv");
	refuse("./a:b", "local:");
	refuse("host", "HOST:DIR");
	refuse("host:", "home");
	refuse(":dir", NULL);
	refuse("@host:dir", NULL);
	refuse("host::module", "rsync daemons");
	refuse("-oProxyCommand=x:dir", NULL);
	refuse("-x@host:dir", NULL);
	refuse("ho st:dir", NULL);
	refuse("ho\nst:dir", NULL);
	refuse("host:~other/x", "home");
	refuse("local:", "local:DIR");
}

/* local: makes one name of every spelling of a directory. */
static void test_local(void **state)
{
	char dir[] = "/tmp/rehost-spec-XXXXXX", real[PATH_MAX];
	static const char *const spellings[] = {"local:there", "local:./there/", "local:there/../there", "local:link",
		"local:missing", "local:./missing//"};
	struct stat st;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_non_null(realpath(dir, real));
	assert_int_equal(mkdir("there", 0700), 0);
	assert_int_equal(symlink("there", "link"), 0);
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		AUTO_FREE char *want = xasprintf("%s/%s", real, i < 4 ? "there" : "missing");
		AUTO_FREE char *hint = NULL;
		AUTO_DIAG d = DIAG_INIT;
		struct target_spec s;

		assert_true(target_spec_parse(spellings[i], &s, &d, &hint));
		assert_true(s.local);
		assert_string_equal(s.dir, want);
		target_spec_release(&s);
	}
	assert_int_equal(stat("missing", &st), -1);
	assert_int_equal(unlink("link") | rmdir("there") | chdir("/") | rmdir(dir), 0);
}

static void test_is_one(void **state)
{
	assert_true(target_spec_is_one("local:x"));
	assert_true(target_spec_is_one("host:x"));
	assert_true(target_spec_is_one("[::1]:/x"));
	assert_false(target_spec_is_one("/a:b"));
	assert_false(target_spec_is_one("a/b:c"));
	assert_false(target_spec_is_one("etc"));
}

static void test_format(void **state)
{
	struct target_spec s;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_FREE char *hint = NULL;
	AUTO_BUF b = BUF_INIT;

	assert_true(target_spec_parse("me@[::1]:22:/a//", &s, &d, &hint));
	target_spec_format(&b, &s);
	assert_string_equal(buf_cstr(&b), "me@[::1]:22:/a");
	target_spec_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_is_one),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
