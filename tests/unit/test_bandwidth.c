/* The token bucket: never more than the rate and one burst, never much less, however often it is asked. */
#include "limits/bandwidth.h"
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define NS INT64_C(1000000000)

static uint64_t burst_of(uint64_t rate)
{
	return MAX(rate / 8, (uint64_t)16384);
}

/* Sends all it may for so long, asking at every step; what has gone. */
static uint64_t pour(struct bandwidth *b, int64_t *now, int64_t ns, int64_t step, uint64_t want)
{
	uint64_t sum = 0;

	for (int64_t end = *now + ns; *now < end; *now += step) {
		uint64_t n = bandwidth_allow(b, want, *now);

		assert_true(n <= want);
		bandwidth_spend(b, n);
		sum += n;
	}
	return sum;
}

static void test_rates_are_kept(void **state)
{
	static const uint64_t rates[] = {1, 100, 1000, 16384, 100000, 1 << 20, 123456789, UINT64_C(10) << 30};
	static const int64_t steps[] = {997, 100003, 5000000, 400000007};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
			uint64_t rate = rates[i], sum;
			const int64_t s = k == 0 ? 2 : 60; /* seconds; the shortest steps are many */
			struct bandwidth b;
			int64_t now = 12345;

			/* A burst every step is all there can be of rates and steps that long. */
			uint64_t most = MIN(rate * (uint64_t)s, burst_of(rate) * (uint64_t)(s * NS / steps[k] + 1));

			bandwidth_init(&b, rate, now);
			sum = pour(&b, &now, s * NS, steps[k], UINT64_C(1) << 40);
			assert_true(sum <= rate * (uint64_t)s + burst_of(rate));
			/* What waits for a quarter of a burst is not lost. */
			assert_true(sum + burst_of(rate) / 2 >= most - most / 50);
		}
}

/* Time that makes no whole byte is not lost, however short the steps: at a byte a millisecond, asked every microsecond. */
static void test_no_time_is_lost(void **state)
{
	struct bandwidth b;
	int64_t now = 0;
	uint64_t sum;

	bandwidth_init(&b, 1000, now);
	sum = pour(&b, &now, 10 * NS, 1000, 1);
	assert_in_range(sum, 9990, 10000);
}

static void test_unlimited(void **state)
{
	struct bandwidth b;

	bandwidth_init(&b, 0, 5);
	assert_true(bandwidth_allow(&b, UINT64_MAX, 5) == UINT64_MAX);
	bandwidth_spend(&b, UINT64_MAX);
	assert_true(bandwidth_wait_ns(&b) == 0);
	assert_true(bandwidth_allow(&b, 7, 4) == 7);
	/* What went unlimited is no debt, and waiting unlimited is no credit. */
	bandwidth_set_rate(&b, 1000000, 100 * NS);
	assert_true(bandwidth_allow(&b, UINT64_MAX, 100 * NS) == 0);
	assert_true(bandwidth_allow(&b, UINT64_MAX, 101 * NS) == 125000);
}

/* Who waits as long as is said may go on. */
static void test_wait(void **state)
{
	static const uint64_t rates[] = {10, 5000, 1 << 20, UINT64_C(1) << 40};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct bandwidth b;
		int64_t now = 0;

		bandwidth_init(&b, rates[i], now);
		for (int n = 0; n < 1000; n++) {
			uint64_t went = bandwidth_allow(&b, UINT64_MAX, now);

			if (!went) {
				int64_t wait = bandwidth_wait_ns(&b);

				assert_true(wait > 0);
				now += wait;
				went = bandwidth_allow(&b, UINT64_MAX, now);
				assert_true(went > 0);
			}
			bandwidth_spend(&b, went);
		}
	}
}

static void test_bursts(void **state)
{
	struct bandwidth b;

	bandwidth_init(&b, 800000, 0);
	assert_true(bandwidth_allow(&b, 1000000, 3600 * NS) == 100000); /* an hour of silence is one burst */
	bandwidth_spend(&b, 100000);
	assert_true(bandwidth_allow(&b, 1000000, 3600 * NS) == 0);
	/* A part of the burst is waited for, unless less is wanted. */
	assert_true(bandwidth_allow(&b, 1000000, 3600 * NS + 1000000) == 0);
	assert_true(bandwidth_allow(&b, 10, 3600 * NS + 1000000) == 10);
	/* A clock that goes back is no time. */
	assert_true(bandwidth_allow(&b, 1000000, 0) == 0);
}

static void test_change_of_rate(void **state)
{
	struct bandwidth b;
	int64_t now = NS;
	uint64_t sum;

	bandwidth_init(&b, UINT64_C(1) << 30, 0);
	bandwidth_set_rate(&b, 100000, now); /* what had been saved up goes down to a burst of the new one */
	assert_true(bandwidth_allow(&b, UINT64_MAX, now) <= 16384);
	sum = pour(&b, &now, 10 * NS, 1000000, UINT64_MAX);
	assert_in_range(sum, 900000, 1016384);
	bandwidth_set_rate(&b, 0, now);
	assert_true(bandwidth_allow(&b, UINT64_MAX, now) == UINT64_MAX);
}

static void test_extremes(void **state)
{
	struct bandwidth b;

	bandwidth_init(&b, UINT64_MAX, 0);
	assert_true(bandwidth_allow(&b, UINT64_MAX, NS) > UINT64_C(1) << 50);
	bandwidth_set_rate(&b, UINT64_MAX, INT64_MAX);
	assert_true(bandwidth_allow(&b, 5, INT64_MAX) == 5);
	bandwidth_spend(&b, 5);
	assert_true(bandwidth_wait_ns(&b) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_are_kept),
		cmocka_unit_test(test_no_time_is_lost),
		cmocka_unit_test(test_unlimited),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_change_of_rate),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
