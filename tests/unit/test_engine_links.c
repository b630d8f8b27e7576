/* The bijection of hard links: one name of an inode is first, the others wait for it, and no two inodes become one. */
#include "engine/links.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

/* What was woken, "W:T first" or "W:T DEV:INO PATH", a line each, sorted when looked at. */
static void woken(void *arg, uint32_t worker, uint64_t token, bool first, const struct link_target *to)
{
	struct buf *b = arg;

	assert_int_equal(first, !to);
	if (first)
		buf_printf(b, "%u:%llu first\n", worker, (unsigned long long)token);
	else
		buf_printf(b, "%u:%llu %llu:%llu %s\n", worker, (unsigned long long)token, (unsigned long long)to->dev,
			(unsigned long long)to->ino, to->path);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void expect(struct buf *b, const char *want)
{
	char *lines[100], *save = NULL;
	AUTO_BUF sorted = BUF_INIT;
	size_t n = 0;

	for (char *s = strtok_r(buf_cstr(b), "\n", &save); s; s = strtok_r(NULL, "\n", &save))
		lines[n++] = s;
	qsort(lines, n, sizeof(*lines), by_line);
	for (size_t i = 0; i < n; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	assert_string_equal(buf_cstr(&sorted), want);
	buf_clear(b);
}

static void test_claim_and_commit(void **state)
{
	struct links *l = links_new(NULL);
	struct link_target to;
	AUTO_BUF b = BUF_INIT;

	assert_int_equal(links_claim(l, 1, 10, 0, 1, 100, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 10, 0, 1, 101, &to), CLAIM_WAIT);
	assert_int_equal(links_claim(l, 1, 10, 0, 2, 100, &to), CLAIM_WAIT);
	/* Another device, another inode: their own. */
	assert_int_equal(links_claim(l, 2, 10, 0, 2, 102, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 11, 0, 2, 103, &to), CLAIM_FIRST);
	links_commit(l, 1, 10, 0, 8, 80, "a/first", woken, &b);
	expect(&b, "1:101 8:80 a/first\n2:100 8:80 a/first\n");
	assert_int_equal(links_claim(l, 1, 10, 0, 3, 1, &to), CLAIM_TO);
	assert_true(to.dev == 8 && to.ino == 80);
	assert_string_equal(to.path, "a/first");
	/* Said twice, or of what nobody claimed: nothing. */
	links_commit(l, 1, 10, 0, 9, 90, "other", woken, &b);
	links_commit(l, 7, 70, 0, 9, 90, "other", woken, &b);
	links_fail(l, 1, 10, 0, woken, &b);
	links_fail(l, 7, 70, 0, woken, &b);
	expect(&b, "");
	assert_int_equal(links_claim(l, 1, 10, 0, 3, 1, &to), CLAIM_TO);
	assert_string_equal(to.path, "a/first");
	assert_int_equal(links_claim(l, 7, 70, 0, 3, 1, &to), CLAIM_FIRST);
	links_free(l);
	links_free(NULL);
}

/* A first name that fails makes one of those that wait the first; the others go on waiting. */
static void test_fail(void **state)
{
	struct links *l = links_new(NULL);
	struct link_target to;
	AUTO_BUF b = BUF_INIT;

	assert_int_equal(links_claim(l, 1, 10, 0, 1, 1, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 10, 0, 2, 2, &to), CLAIM_WAIT);
	assert_int_equal(links_claim(l, 1, 11, 0, 5, 5, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 11, 0, 6, 6, &to), CLAIM_WAIT);
	links_fail(l, 1, 10, 0, woken, &b);
	expect(&b, "2:2 first\n");
	assert_int_equal(links_claim(l, 1, 10, 0, 3, 3, &to), CLAIM_WAIT);
	links_fail(l, 1, 10, 0, woken, &b);
	expect(&b, "3:3 first\n");
	links_fail(l, 1, 10, 0, woken, &b); /* nobody waits */
	expect(&b, "");
	assert_int_equal(links_claim(l, 1, 10, 0, 4, 4, &to), CLAIM_FIRST);
	links_commit(l, 1, 10, 0, 8, 80, "p", woken, &b);
	expect(&b, "");
	links_commit(l, 1, 11, 0, 8, 81, "q", woken, &b);
	expect(&b, "6:6 8:81 q\n");
	links_free(l);
}

static void test_bijection(void **state)
{
	struct links *l = links_new(NULL);
	struct link_target to;
	AUTO_BUF b = BUF_INIT;

	assert_true(links_bind(l, 1, 10, 8, 80));
	assert_true(links_bind(l, 1, 10, 8, 80));
	assert_false(links_bind(l, 1, 11, 8, 80));
	assert_false(links_bind(l, 2, 10, 8, 80));
	assert_true(links_bind(l, 1, 11, 9, 80)); /* the same number on another device */
	/* A commit binds too. */
	assert_int_equal(links_claim(l, 1, 12, 0, 1, 1, &to), CLAIM_FIRST);
	links_commit(l, 1, 12, 0, 8, 82, "p", woken, &b);
	assert_false(links_bind(l, 1, 13, 8, 82));
	assert_true(links_bind(l, 1, 12, 8, 82));
	/* Of a dry run no target inode is known: it binds nothing. */
	assert_int_equal(links_claim(l, 1, 14, 0, 1, 1, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 14, 0, 1, 2, &to), CLAIM_WAIT);
	links_commit(l, 1, 14, 0, 0, 0, "dry", woken, &b);
	expect(&b, "1:2 0:0 dry\n");
	assert_int_equal(links_claim(l, 1, 15, 0, 1, 1, &to), CLAIM_FIRST);
	links_commit(l, 1, 15, 0, 0, 0, "dry too", woken, &b);
	assert_int_equal(links_claim(l, 1, 15, 0, 1, 1, &to), CLAIM_TO);
	assert_string_equal(to.path, "dry too");
	links_free(l);
}

static void test_worker_gone(void **state)
{
	struct links *l = links_new(NULL);
	struct link_target to;
	AUTO_BUF b = BUF_INIT;

	assert_int_equal(links_claim(l, 1, 10, 0, 1, 1, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 10, 0, 1, 2, &to), CLAIM_WAIT); /* its own: forgotten with it */
	assert_int_equal(links_claim(l, 1, 10, 0, 2, 3, &to), CLAIM_WAIT);
	assert_int_equal(links_claim(l, 1, 11, 0, 1, 4, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 12, 0, 2, 5, &to), CLAIM_FIRST);
	assert_int_equal(links_claim(l, 1, 12, 0, 1, 6, &to), CLAIM_WAIT);
	assert_int_equal(links_claim(l, 1, 13, 0, 1, 7, &to), CLAIM_FIRST);
	links_commit(l, 1, 13, 0, 8, 83, "done", woken, &b);
	links_worker_gone(l, 1, woken, &b);
	expect(&b, "2:3 first\n");
	assert_int_equal(links_claim(l, 1, 11, 0, 3, 8, &to), CLAIM_FIRST);
	links_commit(l, 1, 12, 0, 8, 82, "q", woken, &b);
	expect(&b, "");
	assert_int_equal(links_claim(l, 1, 13, 0, 3, 9, &to), CLAIM_TO); /* what is done stays */
	links_worker_gone(l, 99, woken, &b);
	expect(&b, "");
	links_commit(l, 1, 10, 0, 8, 80, "r", woken, &b);
	expect(&b, "");
	links_free(l);
}

/* Many more than the tables begin with, and paths longer than their first room; in memory and in files. */
static void grow(const char *dir)
{
	enum { MANY = 150000 };
	struct links *l = links_new(dir);
	struct link_target to;
	char path[200];
	AUTO_BUF b = BUF_INIT;

	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(links_claim(l, i % 3, i, 0, i % 5, i, &to), CLAIM_FIRST);
		if (i % 100 == 0)
			assert_int_equal(links_claim(l, i % 3, i, 0, 9, i, &to), CLAIM_WAIT);
	}
	for (unsigned i = 0; i < MANY; i++) {
		if (i % 10 == 3)
			continue;
		snprintf(path, sizeof(path), "a path that takes some room/and is another for each/%u", i);
		assert_true(links_bind(l, i % 3, i, 7, i + 1));
		links_commit(l, i % 3, i, 0, 7, i + 1, path, woken, &b);
		assert_int_equal(b.len > 0, i % 100 == 0);
		buf_clear(&b);
	}
	for (unsigned i = 0; i < MANY; i++) {
		enum claim c = links_claim(l, i % 3, i, 0, 8, i, &to);

		if (i % 10 == 3) {
			assert_int_equal(c, CLAIM_WAIT);
			continue;
		}
		snprintf(path, sizeof(path), "a path that takes some room/and is another for each/%u", i);
		assert_int_equal(c, CLAIM_TO);
		assert_true(to.dev == 7 && to.ino == i + 1);
		assert_string_equal(to.path, path);
		assert_false(links_bind(l, i % 3, i + 1, 7, i + 1));
	}
	/* Half of what waits goes; the rest is woken. */
	links_worker_gone(l, 8, woken, &b);
	assert_int_equal(b.len, 0);
	links_worker_gone(l, 3, woken, &b);
	assert_int_equal(b.len, 0);
	assert_int_equal(links_claim(l, 0, 3, 0, 1, 1, &to), CLAIM_FIRST);
	links_free(l);
}

static void test_growth(void **state)
{
	grow(NULL);
	grow("/tmp");
	grow(NULL);
	assert_null(links_new("/nonexistent"));
}

/* No room is an error that is told; what was there stays. */
static void test_no_room(void **state)
{
	struct rlimit was, limit;
	struct link_target to;
	struct links *l = links_new("/tmp");
	uint64_t i;

	signal(SIGXFSZ, SIG_IGN);
	assert_non_null(l);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = was;
	limit.rlim_cur = 200000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 1; i < 100000 && links_claim(l, 1, i, 0, 1, i, &to) == CLAIM_FIRST; i++)
		links_commit(l, 1, i, 0, 0, 0, "a/path/of/some/length", woken, NULL);
	assert_true(i < 100000);
	assert_int_equal(links_error(l), EFBIG);
	assert_int_equal(links_claim(l, 1, 1, 0, 2, 1, &to), CLAIM_TO);
	assert_string_equal(to.path, "a/path/of/some/length");
	links_free(l);
	limit.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_null(links_new("/tmp"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
}

struct tally {
	struct links *l;
	unsigned woken;
};

static void count(void *arg, uint32_t worker, uint64_t token, bool first, const struct link_target *to)
{
	struct tally *t = arg;

	t->woken++;
	assert_true(first == !to);
	if (first)
		links_commit(t->l, 1, token % 100000, 0, 2, token % 100000, "p", count, t);
}

/* Very many that wait, in many lines: each line is woken by itself, those of a worker that is gone leave theirs. */
static void test_many_wait(void **state)
{
	enum { INODES = 60000, NAMES = 8 };
	struct tally t = {.l = links_new(NULL)};
	struct link_target to;

	for (unsigned name = 0; name < NAMES; name++)
		for (unsigned ino = 1; ino <= INODES; ino++)
			assert_int_equal(links_claim(t.l, 1, ino, 0, 1 + name % 2, name * 100000 + ino, &to),
				name ? CLAIM_WAIT : CLAIM_FIRST);
	for (unsigned ino = 2; ino <= INODES; ino += 2)
		links_commit(t.l, 1, ino, 0, 2, ino, "p", count, &t);
	assert_int_equal(t.woken, INODES / 2 * (NAMES - 1));
	/* Worker 1 had the first names, and every other one of those that wait. */
	t.woken = 0;
	links_worker_gone(t.l, 1, count, &t);
	assert_int_equal(t.woken, INODES / 2 * NAMES / 2);
	assert_int_equal(links_claim(t.l, 1, 1, 0, 3, 5, &to), CLAIM_TO);
	assert_int_equal(links_error(t.l), 0);
	links_free(t.l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claim_and_commit),
		cmocka_unit_test(test_many_wait),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_bijection),
		cmocka_unit_test(test_worker_gone),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
