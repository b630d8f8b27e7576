/* JSON lines: read back with an independent reader. */
#include "cli/json.h"
#include "cli/report.h"
#include "base/clock.h"
#include "meta/meta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

struct lines {
	char *text;
	size_t len;
	FILE *f;
	struct report *r;
};

static void begin(struct lines *l, const char *command, bool verbose, bool quiet)
{
	struct report_options o = {.json = true, .verbose = verbose, .quiet = quiet, .command = command};

	*l = (struct lines){0};
	l->f = open_memstream(&l->text, &l->len);
	o.out = l->f;
	o.err = NULL; /* nothing may be written there: this would crash */
	l->r = report_new(&o);
}

static void finish(struct lines *l)
{
	report_free(l->r);
	fclose(l->f);
	free(l->text);
}

/* The last line as an object; the caller deletes it. */
static cJSON *last(struct lines *l)
{
	const char *line;
	cJSON *j;

	fflush(l->f);
	assert_true(l->len > 1);
	assert_int_equal(l->text[l->len - 1], '\n');
	line = memrchr(l->text, '\n', l->len - 1);
	j = cJSON_Parse(line ? line + 1 : l->text);
	assert_non_null(j);
	return j;
}

static const char *str(const cJSON *j, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(j, name);

	if (!cJSON_IsString(v))
		fail_msg("'%s' is no string", name);
	return v->valuestring;
}

static double num(const cJSON *j, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(j, name);

	if (!cJSON_IsNumber(v))
		fail_msg("'%s' is no number", name);
	return v->valuedouble;
}

static void test_integers(void **state)
{
	struct json j = {0};

	json_begin(&j, "status");
	json_u64(&j, "exact", UINT64_C(1) << 53);
	json_u64(&j, "large", (UINT64_C(1) << 53) + 1);
	json_i64(&j, "negative", -5);
	json_seconds(&j, "s", 1500 * NS_PER_MS);
	json_time(&j, "never", 0);
	json_time(&j, "t", NS_PER_S * 86400);
	json_bool(&j, "b", true);
	json_end(&j);
	assert_string_equal(buf_cstr(&j.text),
		"{\"message_type\":\"status\",\"exact\":9007199254740992,\"large\":\"9007199254740993\","
		"\"negative\":-5,\"s\":1.500,\"never\":null,\"t\":\"1970-01-02T00:00:00Z\",\"b\":true}\n");
	json_release(&j);
}

static void test_item(void **state)
{
	struct item i = {.op = ITEM_UPDATE,
		.path = "a\xff\"\n",
		.type = META_REG,
		.why = META_D_SIZE | META_D_MTIME,
		.bytes = UINT64_MAX};
	struct lines l;
	cJSON *j;

	begin(&l, "sync", false, false);
	report_item(l.r, &i);
	j = last(&l);
	assert_string_equal(str(j, "message_type"), "item");
	assert_string_equal(str(j, "path"), "a\\xff\"\\n");
	assert_string_equal(str(j, "path_b64"), "Yf8iCg==");
	assert_string_equal(str(j, "op"), "update");
	assert_string_equal(str(j, "type"), "file");
	assert_string_equal(str(j, "bytes"), "18446744073709551615");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(j, "why")), 2);
	cJSON_Delete(j);

	i = (struct item){.op = ITEM_LINK, .path = "\xc3\xa4", .type = META_REG, .link = "b"};
	report_item(l.r, &i);
	j = last(&l);
	assert_string_equal(str(j, "path"), "\xc3\xa4");
	assert_null(cJSON_GetObjectItemCaseSensitive(j, "path_b64"));
	assert_string_equal(str(j, "link"), "b");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(j, "why")), 0);
	cJSON_Delete(j);
	finish(&l);
}

static void test_difference(void **state)
{
	static const char *const fields[] = {"mtime", "xattr:user.x"};
	struct difference d = {
		.kind = DIFFERENCE_METADATA, .path = ".", .fields = fields, .field_count = 2, .source = "1"};
	const cJSON *list;
	struct lines l;
	cJSON *j;

	begin(&l, "verify", false, false);
	report_difference(l.r, &d);
	j = last(&l);
	assert_string_equal(str(j, "message_type"), "difference");
	assert_string_equal(str(j, "kind"), "metadata");
	list = cJSON_GetObjectItemCaseSensitive(j, "field");
	assert_int_equal(cJSON_GetArraySize(list), 2);
	assert_string_equal(cJSON_GetArrayItem(list, 1)->valuestring, "xattr:user.x");
	assert_string_equal(str(j, "source"), "1");
	assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(j, "target")));
	cJSON_Delete(j);
	finish(&l);
}

static void test_summary(void **state)
{
	static const char *const wanted[] = {"duration_s", "files_examined", "files_transferred", "files_deleted",
		"files_vanished", "files_failed", "bytes_total", "bytes_literal", "bytes_matched", "bytes_sent",
		"bytes_received", "bytes_helper"};
	struct summary s = {.exit_code = 3, .counts.files_examined = 7};
	struct lines l;
	cJSON *j;

	begin(&l, "sync", false, true);
	report_end(l.r, &s, true, false);
	j = last(&l);
	assert_string_equal(str(j, "message_type"), "summary");
	assert_string_equal(str(j, "command"), "sync");
	assert_int_equal(num(j, "exit_code"), 3);
	assert_int_equal(num(j, "files_examined"), 7);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		num(j, wanted[i]);
	cJSON_Delete(j);
	finish(&l);
}

static void test_verify_summary(void **state)
{
	static const char *const kinds[] = {"content", "missing", "extra", "type", "metadata", "hardlink", "changed"};
	struct summary s = {.exit_code = 4, .counts.files_examined = 7, .counts.bytes_hashed = 8, .differences = 28};
	struct lines l;
	cJSON *j;

	for (int k = 0; k < DIFFERENCE_KINDS; k++)
		s.difference_counts[k] = (uint64_t)k + 1;
	begin(&l, "verify", false, false);
	report_end(l.r, &s, false, true);
	j = last(&l);
	assert_int_equal(num(j, "bytes_hashed"), 8);
	assert_int_equal(num(j, "differences"), 28);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(num(j, kinds[i]), i + 1);
	assert_null(cJSON_GetObjectItemCaseSensitive(j, "files_transferred"));
	cJSON_Delete(j);
	finish(&l);
}

/* What ends a run before it began is its last line, and is not said twice. */
static void test_exit_error(void **state)
{
	struct summary s = {.exit_code = 75};
	struct lines l;
	cJSON *j;

	diag_set(&s.fatal, DIAG_CLI_OUTPUT, 0, NULL, "the lock is held");
	begin(&l, "sync", false, false);
	report_end(l.r, &s, true, false);
	j = last(&l);
	assert_string_equal(str(j, "message_type"), "exit_error");
	assert_int_equal(num(j, "exit_code"), 75);
	assert_string_equal(str(j, "message"), "the lock is held");
	str(j, "hint");
	str(j, "code");
	cJSON_Delete(j);
	assert_null(strstr(l.text, "\"error\""));
	finish(&l);
	diag_release(&s.fatal);
}

static void test_fatal_once(void **state)
{
	struct summary s = {.exit_code = 69, .counts.files_examined = 1};
	const char *first;
	struct lines l;
	cJSON *j;

	diag_set(&s.fatal, DIAG_CLI_OUTPUT, 0, NULL, "the link is lost");
	begin(&l, "sync", false, false);
	report_diag(l.r, &s.fatal);
	report_end(l.r, &s, true, false);
	j = last(&l);
	assert_string_equal(str(j, "message_type"), "summary");
	assert_int_equal(num(j, "exit_code"), 69);
	cJSON_Delete(j);
	first = strstr(l.text, "the link is lost");
	assert_non_null(first);
	assert_null(strstr(first + 1, "the link is lost"));
	finish(&l);
	diag_release(&s.fatal);
}

static void test_status(void **state)
{
	struct progress p = {.phase = "syncing", .bytes_done = 50, .bytes_expected = 200, .remaining_s = -1};
	struct lines l;
	size_t len;
	cJSON *j;

	begin(&l, "sync", false, false);
	report_progress(l.r, &p, false);
	j = last(&l);
	assert_string_equal(str(j, "message_type"), "status");
	assert_string_equal(str(j, "phase"), "syncing");
	assert_int_equal(num(j, "percent"), 25);
	assert_null(cJSON_GetObjectItemCaseSensitive(j, "remaining_s"));
	cJSON_Delete(j);
	/* Once a second is enough, but who asks is answered. */
	len = l.len;
	report_progress(l.r, &p, false);
	fflush(l.f);
	assert_int_equal(l.len, len);
	report_progress(l.r, &p, true);
	fflush(l.f);
	assert_true(l.len > len);
	finish(&l);
}

static void test_diag(void **state)
{
	AUTO_DIAG d = DIAG_INIT;
	struct lines l;
	cJSON *j;

	begin(&l, "sync", false, false);
	report_note(l.r, "not without -v");
	diag_set(&d, DIAG_LOG_OPEN, 13, "x\xff", "cannot open 'x'");
	report_diag(l.r, &d);
	j = last(&l);
	assert_string_equal(str(j, "message_type"), "warning");
	assert_string_equal(str(j, "code"), "RH0010");
	assert_string_equal(str(j, "message"), "cannot open 'x': Permission denied");
	assert_string_equal(str(j, "path_b64"), "eP8=");
	cJSON_Delete(j);
	assert_null(strstr(l.text, "not without"));
	finish(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_item),
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_verify_summary),
		cmocka_unit_test(test_exit_error),
		cmocka_unit_test(test_fatal_once),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_diag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
