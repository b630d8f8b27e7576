/* Directories that are handed on: what is too deep is that directory's failure, and nothing ever becomes the root by mistake. */
#include "engine/coordinator.h"
#include "engine/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct world {
	struct engine e;
	struct worker w;
	struct unit *unit;
	struct job job;
	struct observer observer;
	struct summary out;
	unsigned said;
	enum diag_code code;
};

static void on_diag(void *arg, const struct diag *d)
{
	struct world *w = arg;

	w->said++;
	w->code = d->code;
}

/* A unit in flight whose path has so many bytes. */
static void begin(struct world *w, size_t path_len)
{
	AUTO_FREE char *path = xmalloc(path_len + 1);

	memset(path, 'd', path_len);
	path[path_len] = '\0';
	*w = (struct world){.job = {.kind = JOB_SYNC}, .observer = {.arg = w, .diag = on_diag}};
	w->e = (struct engine){.job = &w->job, .observer = &w->observer, .out = &w->out, .workers.first = &w->w};
	walk_init(&w->e.walk, NULL);
	w->unit = queue_unit_new(UNIT_DIR, 0, 0, path, path);
	w->unit->id = 7;
	worker_add_unit(&w->w, w->unit);
}

static void end(struct world *w)
{
	walk_release(&w->e.walk);
	queue_unit_free(w->unit);
	diag_release(&w->out.fatal);
}

static void give(struct world *w, const char *name)
{
	AUTO_BUF records = BUF_INIT;
	AUTO_BUF b = BUF_INIT;

	ipc_given_put(&records, &(struct ipc_given){.name = bytes_of(name)});
	ipc_give_put(&b, &(struct ipc_give){.unit = 7, .records = {records.data, records.len}});
	dispatch_frame(&w->e, &w->w, &(struct frame){.type = IPC_GIVE, .payload = b.data, .len = (uint32_t)b.len});
}

static void test_handed_on(void **state)
{
	struct world w;
	struct unit *u;

	begin(&w, 3);
	give(&w, "x");
	assert_int_equal(w.said, 0);
	assert_int_equal(w.e.walk.queue.len, 1);
	u = queue_pop(&w.e.walk.queue);
	assert_string_equal(u->src, "ddd/x");
	queue_unit_free(u);
	end(&w);
}

static void test_too_deep(void **state)
{
	struct world w;

	begin(&w, WALK_PATH_MAX - 2);
	give(&w, "x"); /* just fits */
	assert_int_equal(w.e.walk.queue.len, 1);
	assert_int_equal(w.said, 0);
	give(&w, "xy");
	assert_int_equal(w.e.walk.queue.len, 1);
	assert_int_equal(w.said, 1);
	assert_int_equal(w.code, DIAG_ENGINE_DEEP);
	assert_int_equal(w.e.totals.failed_said, 1);
	assert_false(w.e.stop); /* that directory's failure, not the run's */
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_handed_on), cmocka_unit_test(test_too_deep)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
