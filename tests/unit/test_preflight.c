/* The frame of the preflight: what is moot, waived, unknown; the table of rows itself. */
#include "preflight_fixture.h"

#include <ctype.h>

static struct preflight judged(const char *source, const char *target, const char *job, const char *ignore)
{
	cJSON *docs[] = {preflight_document(source), preflight_document(target), preflight_document(job)};
	struct preflight_subject s = {.source = docs[0], .target = docs[1], .job = docs[2]};
	struct preflight_options o;
	struct preflight p;

	preflight_options_init(&o);
	o.ignore = &ignore;
	o.ignore_count = ignore != NULL;
	preflight_judge(&s, &o, &p);
	for (size_t i = 0; i < ARRAY_LEN(docs); i++)
		cJSON_Delete(docs[i]);
	return p;
}

static void test_moot(void **state)
{
	struct preflight p = judged("{}", NULL, "{'connect':{'code':'RH0606','text':'x'}}", NULL);

	assert_int_equal(p.findings[PREFLIGHT_target_unreachable].severity, PREFLIGHT_FAIL);
	assert_true(p.findings[PREFLIGHT_target_login].moot); /* by the table */
	assert_true(p.findings[PREFLIGHT_target_root_rights].moot); /* its side is missing */
	assert_int_equal(p.findings[PREFLIGHT_target_root_rights].severity, PREFLIGHT_UNKNOWN);
	assert_true(p.counts[PREFLIGHT_FAIL] >= 1 && p.moot >= 2);
	preflight_release(&p);
}

static void test_ignored(void **state)
{
	const char *job = "{'connect':{'code':'RH0606','text':'x'}}";
	struct preflight with = judged("{}", NULL, job, NULL), without = judged("{}", NULL, job, "Target-Unreachable");

	assert_true(without.findings[PREFLIGHT_target_unreachable].ignored);
	assert_int_equal(without.findings[PREFLIGHT_target_unreachable].severity, PREFLIGHT_FAIL); /* and stays there */
	assert_int_equal(without.counts[PREFLIGHT_FAIL], with.counts[PREFLIGHT_FAIL] - 1);
	assert_int_equal(without.ignored, 1);
	preflight_release(&with);
	preflight_release(&without);
}

/* Of nothing known at all nothing is said to be fine that needs facts. */
static void test_nothing_known(void **state)
{
	struct preflight p = judged("{}", "{}", "{}", NULL);

	for (int i = 0; i < PREFLIGHT_ROWS; i++)
		assert_true(p.findings[i].severity < PREFLIGHT_WARN);
	preflight_release(&p);
}

/* Ids are what users type and configurations hold; what makes others moot must exist and come before them. */
static void test_table(void **state)
{
	for (int i = 0; i < PREFLIGHT_ROWS; i++) {
		const struct preflight_row *r = preflight_row((enum preflight_id)i);

		assert_ptr_equal(preflight_find(r->id), r);
		assert_true(*r->title && *r->cause && *r->remedy);
		assert_true(r->cause[strlen(r->cause) - 1] == '.' && r->remedy[strlen(r->remedy) - 1] != '.');
		for (const char *p = r->id; *p; p++)
			assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '-');
		for (const char *at = r->moot; *at; at += strspn(at, " ")) {
			size_t n = strcspn(at, " ");
			AUTO_FREE char *id = xmemdup(at, n);
			const struct preflight_row *other = preflight_find(id);

			if (!other || other >= r)
				fail_msg("%s is moot by '%s', which is not before it", r->id, id);
			at += n;
		}
	}
	assert_null(preflight_find("no-such-row"));
	assert_string_equal(preflight_nearest("target-unreachabel"), "target-unreachable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_moot), cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
