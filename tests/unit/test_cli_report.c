/* What people see: text reports, itemized lines, progress, the verdict of status --check. */
#include "cli/itemize.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/status_check.h"
#include "base/clock.h"
#include "meta/meta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct texts {
	char *out, *err;
	size_t out_len, err_len;
	FILE *fo, *fe;
	struct report *r;
};

static void begin(struct texts *t, struct report_options o)
{
	*t = (struct texts){0};
	t->fo = open_memstream(&t->out, &t->out_len);
	t->fe = open_memstream(&t->err, &t->err_len);
	o.out = t->fo;
	o.err = t->fe;
	o.source = "/srv";
	o.target = "host:/srv";
	if (!o.command)
		o.command = "sync";
	t->r = report_new(&o);
}

static void look(struct texts *t)
{
	fflush(t->fo);
	fflush(t->fe);
}

static void finish(struct texts *t)
{
	report_free(t->r);
	fclose(t->fo);
	fclose(t->fe);
	free(t->out);
	free(t->err);
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		n++;
	return n;
}

static bool starts_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

static void test_hint_once(void **state)
{
	AUTO_DIAG d = DIAG_INIT;
	struct texts t;

	begin(&t, (struct report_options){0});
	for (int i = 0; i < 3; i++) {
		diag_set(&d, DIAG_LOG_OPEN, 13, NULL, "cannot open '%d'", i);
		report_diag(t.r, &d);
	}
	diag_set(&d, DIAG_CLI_OUTPUT, 0, NULL, "lost\nand found");
	report_diag(t.r, &d);
	look(&t);
	assert_int_equal(count(t.err, "rehost: warning: [RH0010] cannot open '"), 3);
	assert_int_equal(count(t.err, ": Permission denied\n"), 3);
	assert_int_equal(count(t.err, "rehost: hint: "), 2);
	assert_int_equal(count(t.err, "rehost: error: [RH1111] lost\\nand found\n"), 1);
	assert_int_equal(t.out_len, 0);
	finish(&t);
}

static void all_events(struct texts *t, struct summary *s)
{
	struct progress p = {.phase = "syncing", .bytes_done = 1, .remaining_s = -1};
	struct item i = {.op = ITEM_CREATE, .path = "a", .type = META_REG};

	report_progress(t->r, &p, false);
	report_note(t->r, "a note\x1b");
	report_item(t->r, &i);
	report_end(t->r, s, true, false);
	look(t);
}

static void test_quiet(void **state)
{
	struct summary s = {.counts.files_examined = 3};
	struct difference changed = {.kind = DIFFERENCE_CHANGED, .path = "c"};
	struct texts t;

	begin(&t,
		(struct report_options){
			.quiet = true, .items = true, .progress = PROGRESS_ALWAYS, .err_is_terminal = true});
	report_difference(t.r, &changed); /* no failure */
	all_events(&t, &s);
	assert_int_equal(t.out_len, 0);
	assert_int_equal(t.err_len, 0);
	finish(&t);
}

/* Without a terminal: no carriage returns, no escape sequences, no progress. */
static void test_plain(void **state)
{
	struct summary s = {.counts.files_examined = 3, .counts.files_vanished = 1, .duration_ns = 62 * NS_PER_S};
	struct texts t;

	begin(&t, (struct report_options){.verbose = true, .items = true});
	all_events(&t, &s);
	assert_null(strchr(t.err, '\r'));
	assert_null(strchr(t.err, '\033'));
	assert_null(strchr(t.out, '\r'));
	assert_string_equal(t.err, "rehost: note: a note\\x1b\n");
	assert_int_equal(count(t.out, "<f+++++++++ a\n"), 1);
	assert_int_equal(count(t.out, "sync of /srv to host:/srv completed in 1:02\n"), 1);
	assert_int_equal(count(t.out, "3 examined, 0 transferred, 0 deleted, 1 vanished\n"), 1);
	finish(&t);
}

/* On a terminal the progress line is wiped before anything else is printed, and at the end. */
static void test_terminal(void **state)
{
	struct summary s = {.counts.files_examined = 3};
	struct texts t;
	const char *drawn;

	begin(&t, (struct report_options){.verbose = true, .err_is_terminal = true});
	all_events(&t, &s);
	drawn = strstr(t.err, "\rsyncing 1 B, 0 B/s, 0 files done\033[K");
	assert_non_null(drawn);
	assert_non_null(strstr(drawn, "\r\033[Krehost: note: "));
	finish(&t);
}

/* The end is told too, however short the run. */
static void test_always(void **state)
{
	struct summary s = {.counts.files_examined = 5, .counts.bytes_total = 2 << 20};
	struct texts t;

	begin(&t, (struct report_options){.progress = PROGRESS_ALWAYS});
	all_events(&t, &s);
	assert_string_equal(t.err,
		"rehost: syncing 1 B, 0 B/s, 0 files done\n"
		"rehost: done 2.00 MiB of 2.00 MiB, 100%, 0 B/s, 5 files done\n");
	finish(&t);
}

static void test_asked(void **state)
{
	struct progress p = {.phase = "copying",
		.bytes_done = 1 << 20,
		.bytes_expected = 4 << 20,
		.rate = 1 << 20,
		.remaining_s = 3,
		.files_examined = 10,
		.files_expected = 30};
	struct texts t;

	begin(&t, (struct report_options){.quiet = true, .progress = PROGRESS_NEVER});
	report_progress(t.r, &p, true);
	look(&t);
	assert_string_equal(
		t.err, "rehost: copying 1.00 MiB of 4.00 MiB, 25%, 1.00 MiB/s, 0:03 left, 10 files done, 20 left\n");
	finish(&t);
}

static void test_verify(void **state)
{
	static const char *const fields[] = {"mtime", "mode"};
	struct difference d = {.kind = DIFFERENCE_METADATA,
		.path = "a\tb",
		.fields = fields,
		.field_count = 2,
		.source = "0644",
		.target = "0600"};
	struct difference missing = {.kind = DIFFERENCE_MISSING, .path = "c"};
	struct summary s = {.differences = 2, .exit_code = 4};
	struct texts t;

	s.difference_counts[DIFFERENCE_METADATA] = 1;
	s.difference_counts[DIFFERENCE_MISSING] = 1;
	begin(&t, (struct report_options){.command = "verify"});
	report_difference(t.r, &d);
	report_difference(t.r, &missing);
	report_end(t.r, &s, false, true);
	look(&t);
	assert_true(starts_with(t.out,
		"metadata  a\\tb: mtime, mode (source: 0644, target: 0600)\nmissing   c\n"
		"2 differences: 1 missing, 1 metadata\n"));
	finish(&t);

	begin(&t, (struct report_options){.command = "verify"});
	s = (struct summary){.counts.files_examined = 5};
	report_end(t.r, &s, false, true);
	look(&t);
	assert_true(starts_with(t.out, "no differences\n"));
	finish(&t);
}

/* The engine may report what ended a run, or not: it is said once. */
static void test_fatal(void **state)
{
	for (int reported = 0; reported < 2; reported++) {
		for (uint64_t examined = 0; examined < 2; examined++) {
			struct summary s = {.exit_code = 69, .counts.files_examined = examined};
			struct texts t;

			diag_set(&s.fatal, DIAG_CLI_OUTPUT, 0, NULL, "gone");
			begin(&t, (struct report_options){0});
			if (reported)
				report_diag(t.r, &s.fatal);
			report_end(t.r, &s, true, false);
			look(&t);
			assert_int_equal(count(t.err, "gone"), 1);
			assert_int_equal(count(t.out, "failed after"), examined);
			finish(&t);
			diag_release(&s.fatal);
		}
	}
}

/* The list that a run begins with. */
static void sources(struct texts *t, struct report_options o)
{
	static const struct source_fs all[] = {
		{.path = "/", .fstype = "ext4", .device = "/dev/a", .used_bytes = 1024, .level = SOURCE_LISTED},
		{.path = "/b\n", .fstype = "xfs", .device = "/dev/b", .why = "skip_mounts", .level = SOURCE_SHOWN},
		{.path = "/c", .fstype = "jfs", .device = "/dev/c", .why = "type not listed", .level = SOURCE_WARNED},
		{.path = "/d", .fstype = "tmpfs", .device = "t", .why = "in memory", .level = SOURCE_DETAIL},
		{.path = "/e", .fstype = "ext4", .device = "/dev/e", .verified = true, .level = SOURCE_SHOWN}};

	begin(t, o);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		report_source(t->r, &all[i]);
	look(t);
}

static void test_sources(void **state)
{
	struct texts t;

	sources(&t, (struct report_options){.verbose = true});
	assert_string_equal(t.err,
		"rehost: note: copied: '/' (1.00 KiB in use, ext4 on /dev/a)\n"
		"rehost: note: left out: '/b\\n' (xfs on /dev/b): skip_mounts\n"
		"rehost: note: left out: '/d' (tmpfs on t): in memory\n"
		"rehost: note: verified: '/e' (ext4 on /dev/e)\n");
	finish(&t);
	sources(&t, (struct report_options){0});
	assert_int_equal(count(t.err, "note: "), 2);
	finish(&t);
	sources(&t, (struct report_options){.quiet = true});
	assert_int_equal(t.err_len + t.out_len, 0);
	finish(&t);
	sources(&t, (struct report_options){.json = true, .command = "copy"});
	assert_true(starts_with(t.out,
		"{\"message_type\":\"status\",\"command\":\"copy\",\"mount\":\"/\",\"filesystem\":\"ext4\","
		"\"device\":\"/dev/a\",\"left_out\":false,\"bytes_used\":1024}\n"));
	assert_int_equal(count(t.out, "\"left_out\":true,\"why\":\"type not listed\"}"), 1);
	assert_int_equal(count(t.out, "\n"), 4);
	finish(&t);
	sources(&t, (struct report_options){.json = true, .quiet = true});
	assert_int_equal(t.out_len, 0);
	finish(&t);
}

static void itemized(struct item i, const char *want)
{
	AUTO_BUF b = BUF_INIT;

	itemize_format(&b, &i);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_itemize(void **state)
{
	itemized((struct item){.op = ITEM_CREATE, .path = "d", .type = META_DIR}, "cd+++++++++ d/");
	itemized((struct item){.op = ITEM_CREATE, .path = "l", .type = META_LNK}, "cL+++++++++ l");
	itemized((struct item){.op = ITEM_CREATE, .path = "p", .type = META_FIFO}, "cS+++++++++ p");
	itemized((struct item){.op = ITEM_CREATE, .path = "b", .type = META_BLK}, "cD+++++++++ b");
	itemized((struct item){.op = ITEM_UPDATE, .path = "f", .type = META_REG, .why = META_D_SIZE | META_D_MTIME},
		"<f.st...... f");
	itemized((struct item){.op = ITEM_UPDATE, .path = "f", .type = META_REG, .why = META_D_CONTENT},
		"<fc........ f");
	itemized((struct item){.op = ITEM_UPDATE, .path = "f", .type = META_REG, .why = META_D_TYPE}, "<f+++++++++ f");
	itemized((struct item){.op = ITEM_UPDATE, .path = "l", .type = META_LNK, .why = META_D_LINK}, "cLc........ l");
	itemized((struct item){.op = ITEM_METADATA,
			 .path = ".",
			 .type = META_DIR,
			 .why = META_D_MODE | META_D_OWNER | META_D_GROUP | META_D_FLAGS | META_D_ACL | META_D_XATTR},
		".d...pogfax ./");
	itemized((struct item){.op = ITEM_LINK, .path = "b", .type = META_REG, .link = "a", .why = META_D_HARDLINK},
		"hf+++++++++ b => a");
	itemized((struct item){.op = ITEM_DELETE, .path = "x\n", .type = META_REG}, "*deleting   x\\n");
}

static int check(const struct job_state *s, pid_t pid, const char *begins)
{
	struct status_check c = {0};

	status_check_make(&c, "web", s, pid, 100 * 3600 * NS_PER_S, 26 * 3600);
	if (strncmp(buf_cstr(&c.text), begins, strlen(begins)) != 0)
		fail_msg("'%s' does not begin with '%s'", buf_cstr(&c.text), begins);
	buf_release(&c.text);
	return c.code;
}

static void test_status_check(void **state)
{
	char sync[] = "sync";
	struct job_state s = {0};

	assert_int_equal(check(&s, 0, "REHOST UNKNOWN - job web: no run is recorded"), 3);
	assert_int_equal(check(&s, 7, "REHOST WARNING - job web: no run is recorded, running as process 7"), 1);
	s = (struct job_state){.exists = true, .last_command = sync};
	assert_int_equal(check(&s, 0, "REHOST CRITICAL - job web: no sync has completed"), 2);
	assert_int_equal(check(&s, 7, "REHOST WARNING - "), 1);
	s.last_sync_completed = 99 * 3600 * NS_PER_S;
	assert_int_equal(check(&s, 0,
				 "REHOST OK - job web: last sync completed 1:00:00 ago, last exit code 0 (sync) | "
				 "age=3600s;;93600"),
		0);
	s.last_exit_code = 69;
	assert_int_equal(check(&s, 0, "REHOST WARNING - "), 1);
	s.last_exit_code = 0;
	s.last_sync_completed = 74 * 3600 * NS_PER_S;
	assert_int_equal(check(&s, 0, "REHOST OK - "), 0);
	s.last_sync_completed = 74 * 3600 * NS_PER_S - NS_PER_S;
	assert_int_equal(check(&s, 0, "REHOST CRITICAL - "), 2);
	assert_int_equal(check(&s, 7, "REHOST WARNING - "), 1);
	/* The clock was set back. */
	s.last_sync_completed = 101 * 3600 * NS_PER_S;
	assert_int_equal(check(&s, 0, "REHOST OK - job web: last sync completed 0:00 ago"), 0);
	s.last_sync_completed = 127 * 3600 * NS_PER_S;
	assert_int_equal(
		check(&s, 0, "REHOST CRITICAL - job web: last sync completed in the future, by a wrong clock"), 2);
}

/* What a verify has found makes a warning of what would be well, and only what is not a mere change does. */
static void test_status_check_verify(void **state)
{
	struct job_state s = {.exists = true, .last_sync_completed = 99 * 3600 * NS_PER_S};

	assert_int_equal(check(&s, 0, "REHOST OK - "), 0);
	s.verified.open[DIFFERENCE_CHANGED] = 3;
	assert_int_equal(check(&s, 0, "REHOST OK - "), 0);
	s.verified.open[DIFFERENCE_CONTENT] = 1;
	assert_int_equal(
		check(&s, 0, "REHOST WARNING - job web: last sync completed 1:00:00 ago, 1 difference since a verify"),
		1);
	s.verified.open_unread = 2;
	assert_int_equal(
		check(&s, 0, "REHOST WARNING - job web: last sync completed 1:00:00 ago, 3 differences since a verify"),
		1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hint_once),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_always),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_fatal),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_itemize),
		cmocka_unit_test(test_status_check),
		cmocka_unit_test(test_status_check_verify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
