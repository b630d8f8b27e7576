/* Near the limit of memory: held, then with fewer workers, then ended. */
#include "engine/memory.h"
#include "engine/coordinator.h"
#include "engine/limits.h"
#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

struct world {
	struct engine e;
	struct observer observer;
	struct summary out;
	struct memory_watch m;
};

static struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->e = (struct engine){
		.observer = &w->observer, .out = &w->out, .workers.max = 4, .limits.now.memory = 100 * MIB};
	w->e.limits.throttle = throttle_new(&w->e.limits.throttle_fd);
	assert_non_null(w->e.limits.throttle);
	return w;
}

static void world_free(struct world *w)
{
	throttle_unmap(w->e.limits.throttle);
	close(w->e.limits.throttle_fd);
	summary_release(&w->out);
	free(w);
}

static void test_held_and_let_go(void **state)
{
	struct world *w = world_new();
	struct worker worker = {.retired = true}; /* is not ended once more */
	int64_t wait;

	w->e.workers.first = &worker;
	memory_tick(&w->e, &w->m, 50 * MIB);
	assert_false(w->m.crowded);
	memory_tick(&w->e, &w->m, 70 * MIB);
	assert_true(w->m.crowded);
	assert_int_equal(w->e.hold.why, 0);
	memory_tick(&w->e, &w->m, 90 * MIB);
	assert_int_equal(w->e.hold.why, HOLD_MEMORY);
	/* What has begun goes on. */
	assert_false(throttle_begins(w->e.limits.throttle));
	assert_int_equal(throttle_allow(w->e.limits.throttle, THROTTLE_SEND, 7, 0, &wait), 7);
	engine_hold(&w->e, HOLD_PRESSURE, true);
	assert_int_equal(throttle_allow(w->e.limits.throttle, THROTTLE_SEND, 7, 0, &wait), 0);
	engine_hold(&w->e, HOLD_PRESSURE, false);
	memory_tick(&w->e, &w->m, 80 * MIB); /* not yet */
	assert_int_equal(w->e.hold.why, HOLD_MEMORY);
	memory_tick(&w->e, &w->m, 74 * MIB);
	assert_int_equal(w->e.hold.why, 0);
	assert_true(throttle_begins(w->e.limits.throttle));
	/* What stays a little below is no reason to wait for ever. */
	memory_tick(&w->e, &w->m, 90 * MIB);
	w->m.since -= 31 * NS_PER_S;
	memory_tick(&w->e, &w->m, 80 * MIB);
	assert_int_equal(w->e.hold.why, 0);
	world_free(w);
}

/* The limit is taken away, or what is used is not known any more, or nobody is left: nothing is held for ever. */
static void test_no_limit_any_more(void **state)
{
	struct world *w = world_new();
	struct worker worker = {.retired = true};

	for (unsigned why = 0; why < 3; why++) {
		w->e.workers.first = &worker;
		w->e.limits.now.memory = 100 * MIB;
		memory_tick(&w->e, &w->m, 95 * MIB);
		assert_int_equal(w->e.hold.why, HOLD_MEMORY);
		w->e.limits.now.memory = why == 0 ? 0 : 100 * MIB;
		w->e.workers.first = why == 2 ? NULL : &worker;
		memory_tick(&w->e, &w->m, why == 1 ? 0 : 95 * MIB);
		assert_int_equal(w->e.hold.why, 0);
		assert_true(w->m.since == 0);
		assert_int_equal(w->m.crowded, why == 2);
	}
	world_free(w);
}

/* The next step of a run begins as the one before ended: paused, or not. */
static void test_a_pause_is_kept(void **state)
{
	struct job_kept kept = {};
	struct job job = {.kept = &kept};
	struct world *w = world_new();

	w->e.job = &job;
	engine_hold(&w->e, HOLD_PRESSURE, true);
	assert_false(kept.paused);
	engine_hold(&w->e, HOLD_USER, true);
	assert_true(kept.paused);
	engine_hold(&w->e, HOLD_PRESSURE, false);
	assert_true(kept.paused);
	engine_hold(&w->e, HOLD_USER, false);
	assert_false(kept.paused);
	world_free(w);
}

/* Of a long run: what was hours ago does not count. */
static void test_calm_is_forgetting(void **state)
{
	struct world *w = world_new();

	w->m.alone = 2;
	memory_tick(&w->e, &w->m, 10 * MIB);
	assert_int_equal(w->m.alone, 2);
	w->m.calm_since -= 301 * NS_PER_S;
	memory_tick(&w->e, &w->m, 80 * MIB);
	memory_tick(&w->e, &w->m, 10 * MIB);
	assert_int_equal(w->m.alone, 2);
	w->m.calm_since -= 301 * NS_PER_S;
	memory_tick(&w->e, &w->m, 10 * MIB);
	assert_int_equal(w->m.alone, 0);
	world_free(w);
}

static void test_a_worker_is_ended(void **state)
{
	struct world *w = world_new();
	struct worker worker = {.pid = fork()};
	int status;

	if (worker.pid == 0) {
		pause();
		_exit(0);
	}
	w->e.workers.first = &worker;
	w->e.workers.count = 1;
	memory_tick(&w->e, &w->m, 95 * MIB);
	memory_tick(&w->e, &w->m, 95 * MIB);
	assert_false(worker.retired);
	w->m.since -= 6 * NS_PER_S;
	memory_tick(&w->e, &w->m, 95 * MIB);
	assert_true(worker.retired);
	assert_int_equal(waitpid(worker.pid, &status, 0), worker.pid);
	assert_true(WIFSIGNALED(status));

	/* It was the last: a new one is started, and nothing is held. */
	w->e.workers.first = NULL;
	w->e.workers.count = 0;
	assert_true(memory_ended(&w->e, &w->m, true, 0));
	assert_int_equal(w->e.hold.why, 0);
	assert_int_equal(w->e.workers.max, 1);
	assert_false(w->e.stop);
	world_free(w);
}

static void test_kills_of_the_kernel(void **state)
{
	struct world *w = world_new();
	struct worker other = {.pid = 0};

	assert_false(memory_ended(&w->e, &w->m, false, 0)); /* a crash, or the link */
	w->e.workers.first = &other;
	w->e.workers.count = 2;
	assert_true(memory_ended(&w->e, &w->m, false, 1));
	assert_int_equal(w->e.workers.max, 2);
	assert_false(memory_ended(&w->e, &w->m, false, 1)); /* counted already */
	w->e.workers.first = NULL;
	w->e.workers.count = 0;
	assert_true(memory_ended(&w->e, &w->m, false, 2));
	assert_true(memory_ended(&w->e, &w->m, false, 3));
	assert_false(w->e.stop);
	assert_true(memory_ended(&w->e, &w->m, false, 4));
	assert_true(w->e.stop);
	assert_int_equal(w->out.fatal.code, DIAG_LIMITS_MEMORY);
	world_free(w);
}

static void test_workers_of_a_limit(void **state)
{
	assert_int_equal(limits_workers(&(struct conf_limits){}), WORKERS_MAX);
	assert_int_equal(limits_workers(&(struct conf_limits){.memory = 64 * MIB}), 1);
	assert_int_equal(limits_workers(&(struct conf_limits){.memory = 128 * MIB}), 4);
	assert_int_equal(limits_workers(&(struct conf_limits){.memory = UINT64_MAX}), WORKERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_and_let_go),
		cmocka_unit_test(test_no_limit_any_more),
		cmocka_unit_test(test_a_pause_is_kept),
		cmocka_unit_test(test_calm_is_forgetting),
		cmocka_unit_test(test_a_worker_is_ended),
		cmocka_unit_test(test_kills_of_the_kernel),
		cmocka_unit_test(test_workers_of_a_limit),
	};

	return cmocka_run_group_tests_name("engine_memory", tests, NULL, NULL);
}
