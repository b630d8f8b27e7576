/* What a worker counts shows whether its link has been of use. */
#include "base/clock.h"
#include "engine/coordinator.h"
#include "engine/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void hears(struct engine *e, struct worker *w, const struct ipc_count *c)
{
	AUTO_BUF b = BUF_INIT;

	ipc_count_put(&b, c);
	e->link.lost_since = 1;
	e->link.tries = e->link.long_tries = 3;
	dispatch_frame(e, w, &(struct frame){.type = IPC_COUNT, .payload = b.data, .len = (uint32_t)b.len});
}

static bool was_of_use(const struct engine *e)
{
	assert_true((e->link.lost_since == 0) == (e->link.tries == 0) &&
		(e->link.lost_since == 0) == (e->link.long_tries == 0));
	return !e->link.lost_since;
}

static void test_counts(void **state)
{
	struct job job = {.kind = JOB_SYNC};
	struct worker w = {.ready_ns = clock_mono_ns()};
	struct summary out = {};
	struct engine e = {.job = &job, .workers.first = &w, .out = &out};

	hears(&e, &w, &(struct ipc_count){.counts.bytes_sent = 5, .counts.bytes_received = 5});
	assert_false(was_of_use(&e));
	hears(&e, &w, &(struct ipc_count){.counts.files_transferred = 1}); /* the target has it */
	assert_true(was_of_use(&e));
	/* Of no use, when it breaks soon after, and is begun again. */
	hears(&e, &w,
		&(struct ipc_count){
			.counts.files_examined = 1000, .counts.bytes_literal = 5, .counts.bytes_hashed = 5});
	assert_false(was_of_use(&e));
	w.ready_ns -= 301 * NS_PER_S;
	hears(&e, &w, &(struct ipc_count){.counts.bytes_sent = 5, .counts.bytes_received = 5});
	assert_false(was_of_use(&e));
	hears(&e, &w, &(struct ipc_count){.counts.bytes_hashed = 5});
	assert_true(was_of_use(&e));
	assert_int_equal(e.totals.counts.bytes_hashed, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests_name("engine_reconnect", tests, NULL, NULL);
}
