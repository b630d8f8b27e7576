/* Units of work: the queue, what a unit has handed on, and directories deferred to the end. */
#include "engine/private.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static void test_last_in_first_out(void **state)
{
	struct queue q = {};
	struct unit *u;

	assert_null(queue_pop(&q));
	for (unsigned i = 0; i < 1000; i++)
		queue_push(&q, queue_unit_new(UNIT_DIR, (uint8_t)(i & 0x1f), i, "src", "dst"));
	assert_int_equal(q.len, 1000);
	for (unsigned i = 1000; i-- > 500;) {
		u = queue_pop(&q);
		assert_int_equal(u->mount, i);
		assert_int_equal(u->kind, UNIT_DIR);
		assert_int_equal(u->flags, i & 0x1f);
		assert_string_equal(u->src, "src");
		assert_string_equal(u->dst, "dst");
		assert_null(u->next);
		queue_unit_free(u);
	}
	queue_clear(&q);
	assert_int_equal(q.len, 0);
	assert_null(q.head);
}

static bool gave(struct unit *u, const struct digest_key *k, unsigned i)
{
	char name[20];
	int n = snprintf(name, sizeof(name), "name %u", i);

	return queue_unit_gave(u, k, name, (size_t)n);
}

/* Of a directory that is done again only what was not handed on before is. */
static void test_given(void **state)
{
	enum { MANY = 200000 };
	struct unit *u = queue_unit_new(UNIT_DIR, 0, 0, "", "");
	struct digest_key k;

	digest_key_init(&k, (const uint8_t *)"0123456789abcdef");
	queue_unit_redo(u); /* lost before it had handed on anything */
	for (unsigned i = 0; i < MANY; i += 2)
		assert_false(gave(u, &k, i));
	queue_unit_redo(u);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(gave(u, &k, i), i % 2 == 0);
	queue_unit_redo(u);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(gave(u, &k, i));
	assert_false(gave(u, &k, MANY));
	queue_unit_free(u);
}

static void defer(struct deferred *d, unsigned i, const char *dir)
{
	AUTO_FREE char *src = xasprintf("a directory/with some/length/%u", i);
	AUTO_FREE char *dst = i % 3 ? xstrdup(src) : xasprintf("elsewhere/%u", i);
	struct unit *u = queue_unit_new(UNIT_DIR, UNIT_NEW, i % 7, src, dst);

	deferred_add(d, u, dir);
	queue_unit_free(u);
}

/* All of 0..n-1 are there, once, as they were. */
static void take_all(struct deferred *d, unsigned n)
{
	AUTO_FREE bool *seen = xcalloc(n, sizeof(*seen));
	struct queue q = {};
	struct unit *u;

	assert_int_equal(d->count, n);
	deferred_take(d, &q);
	assert_int_equal(q.len, n);
	while ((u = queue_pop(&q))) {
		unsigned i = (unsigned)strtoul(strrchr(u->src, '/') + 1, NULL, 10);

		assert_true(i < n && !seen[i]);
		seen[i] = true;
		assert_int_equal(u->kind, UNIT_DIR);
		assert_int_equal(u->flags, UNIT_REVISIT);
		assert_int_equal(u->mount, i % 7);
		assert_int_equal(str_eq(u->src, u->dst), i % 3 != 0);
		queue_unit_free(u);
	}
	assert_int_equal(d->count, 0);
	assert_int_equal(d->fd, -1);
}

static void test_deferred_few(void **state)
{
	struct deferred d = {.fd = -1};

	take_all(&d, 0);
	for (unsigned i = 0; i < 10; i++)
		defer(&d, i, "/nonexistent");
	assert_int_equal(d.fd, -1);
	take_all(&d, 10);
	/* And again from the beginning. */
	defer(&d, 0, "/nonexistent");
	take_all(&d, 1);
	defer(&d, 0, "/nonexistent");
	deferred_release(&d);
	assert_int_equal(d.count, 0);
}

static void test_deferred_many(void **state)
{
	enum { MANY = 100000 };
	struct deferred d = {.fd = -1};

	for (unsigned i = 0; i < MANY; i++)
		defer(&d, i, "/tmp");
	if (d.fd >= 0) /* memory is bounded, where there can be a file */
		assert_true(d.mem.len < (2u << 20));
	take_all(&d, MANY);
	/* Where there can be none they are kept all the same. */
	for (unsigned i = 0; i < MANY; i++)
		defer(&d, i, "/nonexistent");
	assert_int_equal(d.fd, -1);
	take_all(&d, MANY);
}

/* A file system that is full in the middle of a write, and has room again later: nothing is lost, nothing comes twice. */
static void test_deferred_full(void **state)
{
	enum { MANY = 100000 };
	struct deferred d = {.fd = -1};
	struct rlimit was, limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = was;
	limit.rlim_cur = (1u << 20) + 5000;
	for (unsigned i = 0; i < MANY; i++) {
		if (i == MANY / 4)
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		if (i == MANY / 2)
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		defer(&d, i, "/tmp");
	}
	take_all(&d, MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_in_first_out),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_deferred_few),
		cmocka_unit_test(test_deferred_many),
		cmocka_unit_test(test_deferred_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
