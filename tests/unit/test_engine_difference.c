/* What a verifier says of differences: nonsense ends the verify, and is none of them. */
#include "engine/coordinator.h"
#include "engine/dispatch.h"
#include "engine/verifyjob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct world {
	struct engine e;
	struct worker w;
	struct job job;
	struct observer observer;
	struct summary out;
	unsigned differences, said;
	enum diag_code code;
};

static void on_diag(void *arg, const struct diag *d)
{
	struct world *w = arg;

	w->said++;
	w->code = d->code;
}

static void on_one(void *arg, const struct difference *d)
{
	struct world *w = arg;

	w->differences++;
}

/* fields: as they are packed. */
static void say(struct world *w, unsigned kind, const char *path, const char *fields, size_t len)
{
	AUTO_BUF b = BUF_INIT;

	*w = (struct world){.job = {.kind = JOB_VERIFY}, .observer = {.arg = w, .diag = on_diag, .difference = on_one}};
	w->e = (struct engine){.job = &w->job, .observer = &w->observer, .out = &w->out};
	ipc_difference_put(&b,
		&(struct ipc_difference){
			.kind = (uint8_t)kind, .path = bytes_of(path), .fields = {(const uint8_t *)fields, len}});
	dispatch_frame(
		&w->e, &w->w, &(struct frame){.type = IPC_DIFFERENCE, .payload = b.data, .len = (uint32_t)b.len});
	buf_release(&w->e.verify.differing);
}

static void good(unsigned kind, const char *path, const char *fields, size_t len)
{
	struct world w;

	say(&w, kind, path, fields, len);
	assert_int_equal(w.differences, 1);
	assert_int_equal(w.out.differences, 1);
	assert_false(w.e.stop || w.said);
}

static void bad(unsigned kind, const char *path, const char *fields, size_t len)
{
	struct world w;

	say(&w, kind, path, fields, len);
	assert_int_equal(w.differences, 0);
	assert_int_equal(w.out.differences, 0);
	assert_true(w.e.stop);
	assert_int_equal(w.said, 1);
	assert_int_equal(w.code, DIAG_ENGINE_WORKER);
	assert_int_equal(w.out.fatal.code, DIAG_ENGINE_WORKER);
	diag_release(&w.out.fatal);
}

static void nonsense(void **state)
{
	char many[2 * 300];

	good(DIFFERENCE_CONTENT, "a/b", "\4size\7content", 13);
	good(DIFFERENCE_METADATA, ".", "\4mode", 5);
	good(DIFFERENCE_MISSING, "a", "", 0);
	bad(DIFFERENCE_KINDS, "a/b", "\4size", 5);
	bad(255, "a/b", "\4size", 5);
	bad(DIFFERENCE_CONTENT, "", "\4size", 5);
	bad(DIFFERENCE_CONTENT, "../b", "\4size", 5);
	bad(DIFFERENCE_CONTENT, "/etc", "\4size", 5);
	bad(DIFFERENCE_CONTENT, "a//b", "\4size", 5);
	bad(DIFFERENCE_CONTENT, "a/b", "\5size", 5);
	bad(DIFFERENCE_CONTENT, "a/b", "\4size\377", 6);
	for (size_t i = 0; i < sizeof(many); i += 2) {
		many[i] = 1;
		many[i + 1] = 'x';
	}
	bad(DIFFERENCE_CONTENT, "a/b", many, sizeof(many));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
