/* Rates kept together: never more than the rate and one burst, never much less, by one or by several processes. */
#include "limits/throttle.h"
#include "base/clock.h"
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define NS INT64_C(1000000000)
#define PIECE 16384

/* Does all it may for so long, asking at every step; what was done. */
static uint64_t pour(struct throttle *t, int64_t *now, int64_t ns, int64_t step)
{
	uint64_t sum = 0;

	for (int64_t end = *now + ns; *now < end; *now += step) {
		int64_t wait;
		uint64_t n = throttle_allow(t, THROTTLE_SEND, 1 << 20, *now, &wait);

		assert_true(n <= 1 << 20);
		assert_true(n || (wait > 0 && wait <= THROTTLE_ASK_NS));
		throttle_charge(t, THROTTLE_SEND, n, *now);
		sum += n;
	}
	return sum;
}

static void test_rates_are_kept(void **state)
{
	static const uint64_t rates[] = {1024, 16384, 100000, 1 << 20, 12345678};
	static const int64_t steps[] = {10007, 1000003, 10000000};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
			const int64_t seconds = k == 0 ? 5 : 60;
			struct throttle t = {};
			int64_t now = 1000 * NS;
			uint64_t most, sum;

			throttle_set_rate(&t, THROTTLE_SEND, rates[i]);
			sum = pour(&t, &now, seconds * NS, steps[k]);
			most = rates[i] * (uint64_t)seconds;
			assert_true(sum <= most + rates[i] / 2 + MAX(rates[i] / 16, (uint64_t)PIECE));
			assert_true(sum + PIECE >= most - most / 100);
		}
}

static void test_debt_is_waited_for(void **state)
{
	struct throttle t = {};
	int64_t wait;

	throttle_set_rate(&t, THROTTLE_READ, 1000000);
	throttle_charge(&t, THROTTLE_READ, 1000000, 10 * NS); /* a second's, of which half was saved up */
	assert_int_equal(throttle_allow(&t, THROTTLE_READ, 5, 10 * NS + 495 * NS_PER_MS, &wait), 0);
	assert_in_range(wait, 4 * NS_PER_MS, 6 * NS_PER_MS);
	assert_int_equal(throttle_allow(&t, THROTTLE_READ, 5, 10 * NS + 501 * NS_PER_MS, &wait), 5);
	assert_int_equal(
		throttle_allow(&t, THROTTLE_SEND, 5, 10 * NS, &wait), 5); /* lanes know nothing of each other */
}

static void test_unlimited_changed_held(void **state)
{
	struct throttle t = {};
	int64_t wait;

	throttle_charge(&t, THROTTLE_SEND, UINT64_MAX, 5);
	assert_true(throttle_allow(&t, THROTTLE_SEND, UINT64_MAX, 5, &wait) == UINT64_MAX);
	throttle_set_rate(&t, THROTTLE_SEND, 1); /* what went unlimited is no debt */
	assert_int_equal(throttle_allow(&t, THROTTLE_SEND, 7, 100 * NS, &wait), 7);
	throttle_charge(&t, THROTTLE_SEND, UINT64_MAX, 100 * NS);
	assert_int_equal(throttle_allow(&t, THROTTLE_SEND, 7, 101 * NS, &wait), 0);
	throttle_set_rate(&t, THROTTLE_SEND, 2); /* and a debt of the old rate none of the new one */
	assert_int_equal(throttle_allow(&t, THROTTLE_SEND, 7, 101 * NS, &wait), 7);
	throttle_set_hold(&t, THROTTLE_HOLD_NEW); /* what has begun goes on */
	assert_int_equal(throttle_allow(&t, THROTTLE_SEND, 7, 101 * NS, &wait), 7);
	assert_false(throttle_begins(&t));
	throttle_set_hold(&t, THROTTLE_HOLD_ALL);
	assert_int_equal(throttle_allow(&t, THROTTLE_SEND, 7, 101 * NS, &wait), 0);
	assert_int_equal(wait, THROTTLE_ASK_NS);
	throttle_set_hold(&t, 0);
	assert_true(throttle_begins(&t));
	assert_int_equal(throttle_allow(&t, THROTTLE_SEND, 7, 101 * NS, &wait), 7);
}

/* Charges of several processes add up: none is lost. */
static void test_shared(void **state)
{
	int fd, status;
	struct throttle *t = throttle_new(&fd);
	const int64_t now = 1000 * NS;

	assert_non_null(t);
	throttle_set_rate(t, THROTTLE_SEND, NS);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			struct throttle *own = throttle_map(fd);
			for (int k = 0; own && k < 100000; k++)
				throttle_charge(own, THROTTLE_SEND, 10000, now);
			_exit(!own);
		}
	for (int i = 0; i < 4; i++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(t->used_until[THROTTLE_SEND], now - NS / 2 + 4 * INT64_C(1000000000));
	throttle_unmap(t);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_are_kept),
		cmocka_unit_test(test_debt_is_waited_for),
		cmocka_unit_test(test_unlimited_changed_held),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
