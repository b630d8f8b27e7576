/* Channels: frames both ways, waiting for one, and the end of the stream. */
#include "ipc/chan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static void pair(struct chan *a, struct chan *b)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	chan_init(a, fds[0]);
	chan_init(b, fds[1]);
}

static void test_await(void **state)
{
	struct chan a, b;
	struct frame f;

	pair(&a, &b);
	assert_false(chan_await(&b, &f, 1));
	assert_int_equal(errno, ETIMEDOUT);
	chan_send(&a, 1, 7, "one", 3);
	chan_send(&a, 2, 8, NULL, 0);
	assert_true(chan_drain(&a));
	assert_true(chan_await(&b, &f, -1));
	assert_int_equal(f.type, 1);
	assert_int_equal(f.id, 7);
	assert_memory_equal(f.payload, "one", 3);
	/* What came before the end is not lost by it. */
	chan_release(&a);
	assert_true(chan_await(&b, &f, -1));
	assert_int_equal(f.type, 2);
	assert_false(chan_await(&b, &f, -1));
	assert_true(b.eof);
	chan_release(&b);
}

/* What is waited for may be the answer to something that is still to be written. */
static void test_await_writes(void **state)
{
	struct chan a, b;
	struct frame f;

	pair(&a, &b);
	chan_send(&a, 1, 0, NULL, 0);
	assert_false(chan_await(&a, &f, 1));
	assert_true(chan_await(&b, &f, -1));
	chan_release(&a);
	chan_release(&b);
}

static void test_await_no_frame(void **state)
{
	static const uint8_t junk[FRAME_HEADER] = {1, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct chan a, b;
	struct frame f;

	pair(&a, &b);
	assert_int_equal(write(a.fd, junk, sizeof(junk)), sizeof(junk));
	assert_false(chan_await(&b, &f, -1));
	chan_release(&a);
	assert_false(chan_await(&b, &f, -1));
	chan_release(&b);
}

/* More than the socket takes at once. */
static void test_drain(void **state)
{
	struct chan a, b;
	AUTO_FREE uint8_t *bytes = xcalloc(1, FRAME_MAX);
	struct frame f;
	pid_t child;

	pair(&a, &b);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		chan_send(&a, 3, 0, bytes, FRAME_MAX);
		_exit(!chan_drain(&a));
	}
	chan_release(&a);
	assert_true(chan_await(&b, &f, -1));
	assert_int_equal(f.len, FRAME_MAX);
	assert_int_equal(b.received, FRAME_HEADER + FRAME_MAX);
	chan_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_await), cmocka_unit_test(test_await_writes),
		cmocka_unit_test(test_await_no_frame), cmocka_unit_test(test_drain)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
