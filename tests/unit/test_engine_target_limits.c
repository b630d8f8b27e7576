/* The whole of a limit is always given out, nobody gets nothing, and who wants little leaves the rest to the others. */
#include "engine/target_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static double sum(const double *v, size_t n)
{
	double s = 0;

	for (size_t i = 0; i < n; i++)
		s += v[i];
	return s;
}

static void test_divide(void **state)
{
	double out[16];

	target_limits_divide(100, (double[]){1e300}, out, 1);
	assert_true(out[0] == 100);
	target_limits_divide(100, (double[]){0}, out, 1);
	assert_true(out[0] > 99.9);
	target_limits_divide(100, (double[]){1e300, 1e300, 1e300, 1e300}, out, 4);
	assert_true(out[0] == 25 && out[3] == 25);
	target_limits_divide(100, (double[]){0, 1e300, 0, 0}, out, 4); /* the idle do not keep it */
	assert_true(out[1] > 98 && out[0] > 0 && out[0] < 1);
	target_limits_divide(100, (double[]){30, 1e300}, out, 2);
	assert_true(out[0] == 30 && out[1] == 70);
	target_limits_divide(100, (double[]){80, 1e300}, out, 2);
	assert_true(out[0] == 50 && out[1] == 50);
	target_limits_divide(100, (double[]){10, 20}, out, 2); /* what nobody wants is room for both */
	assert_true(out[0] == 45 && out[1] == 55);
}

static void test_divide_always_all(void **state)
{
	uint32_t rng = 7;

	for (int round = 0; round < 10000; round++) {
		double want[16], out[16], even;
		size_t n = 1 + (size_t)round % 16;

		for (size_t i = 0; i < n; i++) {
			rng = rng * 1103515245 + 12345;
			want[i] = (rng >> 8) % 7 == 0 ? 1e300 : (double)((rng >> 8) % 1000) / 3;
		}
		target_limits_divide(1000, want, out, n);
		even = sum(out, n);
		assert_true(even > 999.99 && even < 1000.01);
		for (size_t i = 0; i < n; i++)
			assert_true(out[i] > 1000. / 51 / (double)n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_divide),
		cmocka_unit_test(test_divide_always_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
