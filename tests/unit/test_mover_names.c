/* Opening directories of the source by their paths, with and without a way that is open already. */
#include "base/fd.h"
#include "mover/names.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root_path[] = "/tmp/rehost-names-XXXXXX";
static int root;

static void make(const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);

	if (!*path)
		return;
	for (char *p = copy; (p = strchr(p + 1, '/'));) {
		*p = '\0';
		(void)mkdirat(root, copy, 0755);
		*p = '/';
	}
	(void)mkdirat(root, copy, 0755);
}

static void opens(struct way *w, const char *path)
{
	struct stat want, got;
	AUTO_CLOSE int fd = names_open_path(w, root, path);

	assert_true(fd >= 0);
	assert_int_equal(fstatat(root, *path ? path : ".", &want, 0), 0);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(got.st_ino, want.st_ino);
	assert_false(fcntl(fd, F_GETFL) & O_PATH);
}

static void fails(struct way *w, const char *path, int err)
{
	assert_int_equal(names_open_path(w, root, path), -1);
	assert_int_equal(errno, err);
}

/* a/a/a/..., n names. */
static char *deep(size_t n, const char *tail)
{
	AUTO_BUF b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_append_str(&b, i ? "/a" : "a");
	buf_append_str(&b, tail);
	buf_cstr(&b);
	return buf_detach(&b);
}

static void any_order(void **state)
{
	static const size_t depths[] = {1, 31, 32, 33, 63, 64, 65, 200, 64, 32, 3, 200, 100, 96, 97, 0};
	struct way w = {};

	for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
		AUTO_FREE char *path = deep(depths[i], "");
		AUTO_FREE char *beside = deep(depths[i], depths[i] ? "b" : "ab"); /* a name that begins alike */

		make(path);
		opens(&w, path);
		make(beside);
		opens(&w, beside);
	}
	AUTO_FREE char *whole = deep(200, ""), *missing = deep(70, "/gone/further");
	opens(&w, whole);
	assert_int_equal(w.n, 6);
	fails(&w, missing, ENOENT);
	opens(&w, whole);
	way_release(&w);
}

static void no_link_is_followed(void **state)
{
	AUTO_FREE char *above = deep(40, ""), *link = deep(40, "/link"), *through = deep(40, "/link/a");
	struct way w = {};
	char name[257];

	make(above);
	assert_int_equal(symlinkat("a", root, link), 0);
	opens(&w, above);
	fails(&w, link, ENOTDIR);
	fails(&w, through, ENOTDIR);
	memset(name, 'n', 256);
	name[256] = '\0';
	fails(&w, name, ENAMETOOLONG);
	way_release(&w);
}

/* What was renamed is not taken for what it was for long. */
static void a_way_grows_old(void **state)
{
	AUTO_FREE char *path = deep(80, "");
	struct way w = {};

	make(path);
	opens(&w, path);
	assert_int_equal(renameat(root, "a", root, "moved"), 0);
	w.since_ns -= INT64_C(1100000000);
	fails(&w, path, ENOENT);
	assert_int_equal(renameat(root, "moved", root, "a"), 0);
	opens(&w, path);
	way_release(&w);
}

static int begin(void **state)
{
	if (!mkdtemp(root_path))
		return -1;
	root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0;
}

static int end(void **state)
{
	AUTO_FREE char *cmd = xasprintf("rm -rf '%s'", root_path);

	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order),
		cmocka_unit_test(no_link_is_followed),
		cmocka_unit_test(a_way_grows_old),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
