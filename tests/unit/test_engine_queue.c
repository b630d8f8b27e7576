/* Units of work: the queue, in memory and on disk, and what a unit has handed on. */
#include "engine/queue.h"
#include "ipc/ipc.h"

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
	struct queue q;
	struct unit *u;

	queue_init(&q, NULL);
	assert_null(queue_pop(&q));
	for (unsigned i = 0; i < 1000; i++)
		queue_add(&q, UNIT_DIR, (uint8_t)(i & 0x1f), i, "src", i % 2 ? "dst" : "src");
	assert_int_equal(q.len, 1000);
	for (unsigned i = 1000; i-- > 500;) {
		u = queue_pop(&q);
		assert_int_equal(u->mount, i);
		assert_int_equal(u->kind, UNIT_DIR);
		assert_int_equal(u->flags, i & 0x1f);
		assert_string_equal(u->src, "src");
		assert_string_equal(u->dst, i % 2 ? "dst" : "src");
		assert_null(u->next);
		if (i % 100)
			queue_unit_free(u);
		else
			queue_push(&q, u); /* to be done again: comes first */
		if (i % 100 == 0) {
			assert_ptr_equal(u, queue_pop(&q));
			queue_unit_free(u);
		}
	}
	queue_release(&q);
	assert_int_equal(q.len, 0);
	assert_null(q.head);
}

static bool gave(struct unit *u, const struct digest_key *k, unsigned i)
{
	char name[20];
	int n = snprintf(name, sizeof(name), "name %u", i);

	return queue_unit_gave(u, k, name, (size_t)n, "/tmp");
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

static void add(struct queue *q, unsigned i)
{
	AUTO_FREE char *src = xasprintf("a directory/with some/length/%u", i);
	AUTO_FREE char *dst = i % 3 ? xstrdup(src) : xasprintf("elsewhere/%u", i);

	queue_add(q, UNIT_DIR, UNIT_NEW, i % 7, src, dst);
}

static void take(struct queue *q, unsigned i)
{
	AUTO_FREE char *src = xasprintf("a directory/with some/length/%u", i);
	struct unit *u = queue_pop(q);

	assert_non_null(u);
	assert_string_equal(u->src, src);
	assert_int_equal(u->flags, UNIT_NEW);
	assert_int_equal(u->mount, i % 7);
	assert_int_equal(str_eq(u->src, u->dst), i % 3 != 0);
	queue_unit_free(u);
}

enum { MANY = 200000, MEMORY = (3u << 20) };

/* Up and down across the border between memory and file, in order, in bounded memory. */
static void test_many(void **state)
{
	struct queue q;
	unsigned i;

	queue_init(&q, "/tmp");
	for (i = 0; i < MANY; i++) {
		add(&q, i);
		assert_true(q.packed.mem.len < MEMORY);
		if (i % 1000 == 999) {
			for (unsigned n = 0; n < 900; n++)
				take(&q, i - n);
			for (unsigned n = 0; n < 900; n++)
				add(&q, i - 899 + n);
		}
	}
	assert_true(q.packed.spilled > 0);
	assert_int_equal(q.len, MANY);
	while (i-- > 0)
		take(&q, i);
	assert_null(queue_pop(&q));
	assert_int_equal(q.packed.err, 0);
	queue_release(&q);
	/* Where there can be no file they are kept all the same. */
	queue_init(&q, NULL);
	for (i = 0; i < MANY; i++)
		add(&q, i);
	while (i-- > 0)
		take(&q, i);
	queue_release(&q);
}

/* A record that is longer than what is read at once. */
static void test_long(void **state)
{
	AUTO_FREE char *path = xcalloc(1, WIRE_PATH_MAX);
	struct queue q;

	memset(path, 'x', WIRE_PATH_MAX - 1);
	queue_init(&q, "/tmp");
	for (unsigned i = 0; i < 5; i++)
		queue_add(&q, UNIT_DIR, 0, i, path, path);
	assert_true(q.packed.mem.len < MEMORY);
	for (unsigned i = 5; i-- > 0;) {
		struct unit *u = queue_pop(&q);
		assert_int_equal(u->mount, i);
		assert_string_equal(u->src, path);
		queue_unit_free(u);
	}
	queue_release(&q);
}

/* A file system that is full in the middle of a write, and has room again later: nothing is lost, nothing comes twice. */
static void test_full(void **state)
{
	struct rlimit was, limit;
	struct queue q;
	unsigned i;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = was;
	limit.rlim_cur = (1u << 20) + 5000;
	queue_init(&q, "/tmp");
	for (i = 0; i < MANY; i++) {
		if (i == MANY / 4)
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		if (i == MANY / 2) {
			assert_true(q.packed.mem.len > MEMORY);
			assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		}
		add(&q, i);
	}
	assert_true(q.packed.mem.len < MEMORY);
	while (i-- > 0)
		take(&q, i);
	/* When there is never any, memory is bounded all the same, and that is an error. */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; i < 10 * MANY && !q.packed.err; i++)
		add(&q, i);
	assert_int_equal(q.packed.err, EFBIG);
	assert_true(q.packed.mem.len < (66u << 20));
	assert_null(queue_pop(&q));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	queue_release(&q);
}

/* What cannot be read back is an error, not the end. */
static void test_short(void **state)
{
	struct queue q;
	struct unit *u;

	queue_init(&q, "/tmp");
	for (unsigned i = 0; i < MANY; i++)
		add(&q, i);
	assert_int_equal(ftruncate(q.packed.fd, (off_t)(q.packed.spilled / 2)), 0);
	while ((u = queue_pop(&q)))
		queue_unit_free(u);
	assert_int_equal(q.packed.err, EIO);
	assert_true(q.len > 0);
	queue_release(&q);
}

/* Memory instead of a file that cannot be made would have no bound, and nobody would know. */
static void test_region_without_its_file(void **state)
{
	struct region r;

	assert_false(region_map(&r, "/nonexistent", 4096));
	assert_int_equal(errno, ENOENT);
	assert_null(r.p);
	assert_true(region_map(&r, NULL, 4096));
	region_unmap(&r);
}

/* A record that cannot be taken apart is lost, and says so: it does not become the root, whose path is empty. */
static void test_no_record(void **state)
{
	AUTO_FREE char *path = xmalloc((4u << 20) + 2);
	struct queue q;

	memset(path, 'x', (4u << 20) + 1);
	path[(4u << 20) + 1] = '\0';
	queue_init(&q, NULL);
	queue_add(&q, UNIT_DIR, 0, 0, path, path);
	assert_null(queue_pop(&q));
	assert_int_not_equal(q.packed.err, 0);
	queue_release(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_region_without_its_file),
		cmocka_unit_test(test_last_in_first_out),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
