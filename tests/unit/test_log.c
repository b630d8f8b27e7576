/* Log sinks: the text file, the JSON file, a plugin; and what may not be opened or loaded. */
#include "diag/log.h"
#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

static char dir[] = "/tmp/rehost-log-XXXXXX";
static struct diag complaint;
static unsigned complaints;

static void on_complaint(void *arg, const struct diag *d)
{
	complaints++;
	diag_set(&complaint, d->code, d->err, d->path, "%s", d->detail);
}

static struct log_options options(void)
{
	complaints = 0;
	diag_release(&complaint);
	return (struct log_options){.job = "web",
		.level = LOG_LEVEL_INFO,
		.complain = on_complaint,
		.plugin_dir = "plugins",
		.journal_socket = "journal"};
}

static char *slurp(const char *name)
{
	char *text;
	size_t len;

	assert_int_equal(fd_read_file(AT_FDCWD, name, 1 << 20, &text, &len), 0);
	return text;
}

static void test_file(void **state)
{
	struct log_options o = options();
	AUTO_FREE char *text = NULL, *wanted = NULL;
	AUTO_DIAG d = DIAG_INIT;
	struct log *log;
	struct stat st;

	o.file = "text.log";
	log = log_open(&o);
	assert_true(log_wants(log, LOG_LEVEL_INFO));
	assert_false(log_wants(log, LOG_LEVEL_DEBUG));
	log_record(log, LOG_LEVEL_INFO, NULL, "one\ntwo \\n \x1b[31m", NULL, 0);
	log_record(log, LOG_LEVEL_DEBUG, NULL, "not this", NULL, 0);
	diag_set(&d, DIAG_LOG_OPEN, 13, "x", "cannot open 'x'");
	log_diag(log, &d);
	log_close(log);

	text = slurp("text.log");
	wanted = xasprintf(" info web[%d] one\\x0atwo \\n \\x1b[31m\n", (int)getpid());
	assert_non_null(strstr(text, wanted));
	assert_non_null(strstr(text, " [RH0010] cannot open 'x': Permission denied\n"));
	assert_null(strstr(text, "not this"));
	/* 2026-01-31T08:00:00.123+01:00 */
	assert_int_equal(text[10], 'T');
	assert_int_equal(text[26], ':');
	assert_int_equal(text[29], ' ');
	assert_int_equal(stat("text.log", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(complaints, 0);
}

static void test_appends(void **state)
{
	struct log_options o = options();
	AUTO_FREE char *text = NULL;

	o.file = "twice.log";
	for (int i = 0; i < 2; i++) {
		struct log *log = log_open(&o);

		log_record(log, LOG_LEVEL_ERROR, NULL, i ? "second" : "first", NULL, 0);
		log_close(log);
	}
	text = slurp("twice.log");
	assert_non_null(strstr(text, "first\n"));
	assert_non_null(strstr(text, "second\n"));
}

/* As logrotate(8) does it while a run goes on. */
static void test_rotated(void **state)
{
	struct log_options o = options();
	AUTO_FREE char *old = NULL, *text = NULL;
	struct log *log;

	o.file = "rotated.log";
	log = log_open(&o);
	log_record(log, LOG_LEVEL_INFO, NULL, "before", NULL, 0);
	assert_int_equal(rename("rotated.log", "rotated.log.1"), 0);
	log_record(log, LOG_LEVEL_INFO, NULL, "after", NULL, 0);
	log_record(log, LOG_LEVEL_INFO, NULL, "and on", NULL, 0);
	old = slurp("rotated.log.1");
	text = slurp("rotated.log");
	assert_non_null(strstr(old, "before\n"));
	assert_null(strstr(old, "after\n"));
	assert_non_null(strstr(text, "after\n"));
	assert_non_null(strstr(text, "and on\n"));
	assert_int_equal(complaints, 0);

	/* Where no new one can be made, that is said once. */
	assert_int_equal(unlink("rotated.log"), 0);
	assert_int_equal(mkdir("rotated.log", 0700), 0);
	log_record(log, LOG_LEVEL_INFO, NULL, "lost", NULL, 0);
	log_record(log, LOG_LEVEL_INFO, NULL, "lost too", NULL, 0);
	assert_int_equal(complaints, 1);
	assert_int_equal(complaint.code, DIAG_LOG_OPEN);
	log_close(log);
}

static void test_json(void **state)
{
	struct log_options o = options();
	const struct log_field fields[] = {{"path", "a\xff", 0}, {"bytes", NULL, UINT64_MAX}, {"n", NULL, 5}};
	AUTO_FREE char *text = NULL;
	struct log *log;
	cJSON *j;

	o.json_file = "lines.json";
	log = log_open(&o);
	log_record(log, LOG_LEVEL_WARNING, "RH0001", "say \"x\"", fields, ARRAY_LEN(fields));
	log_close(log);
	text = slurp("lines.json");
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	j = cJSON_Parse(text);
	assert_non_null(j);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(j, "level")->valuestring, "warning");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(j, "job")->valuestring, "web");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(j, "code")->valuestring, "RH0001");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(j, "message")->valuestring, "say \"x\"");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(j, "path")->valuestring, "a\\xff");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(j, "bytes")->valuestring, "18446744073709551615");
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(j, "n")->valueint, 5);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(j, "pid")->valueint, getpid());
	cJSON_Delete(j);
}

/* A log that cannot be opened or written is said, once, and is no failure. */
static void test_trouble(void **state)
{
	struct log_options o = options();
	struct log *log;

	o.file = "missing/x.log";
	log = log_open(&o);
	assert_int_equal(complaints, 1);
	assert_int_equal(complaint.code, DIAG_LOG_OPEN);
	assert_false(log_wants(log, LOG_LEVEL_ERROR));
	log_record(log, LOG_LEVEL_ERROR, NULL, "x", NULL, 0);
	log_close(log);

	o = options();
	assert_int_equal(symlink("text.log", "link.log"), 0);
	o.file = "link.log";
	log_close(log_open(&o));
	assert_int_equal(complaints, 1);
	assert_int_equal(complaint.code, DIAG_LOG_OPEN);

	o = options();
	o.file = "/dev/full";
	log = log_open(&o);
	assert_int_equal(complaints, 0);
	log_record(log, LOG_LEVEL_ERROR, NULL, "x", NULL, 0);
	log_record(log, LOG_LEVEL_ERROR, NULL, "y", NULL, 0);
	assert_int_equal(complaints, 1);
	assert_int_equal(complaint.code, DIAG_LOG_WRITE);
	log_close(log);

	log_record(NULL, LOG_LEVEL_ERROR, NULL, "x", NULL, 0);
	log_close(NULL);
}

/* ---- the plugin ---- */

static void make_socket(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "journal"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
}

static void copy_plugin(mode_t mode)
{
	char *data;
	size_t len;
	int fd;

	assert_int_equal(fd_read_file(AT_FDCWD, TEST_PLUGIN, 16 << 20, &data, &len), 0);
	unlink("plugins/rehost-plugin-journal.so");
	fd = open("plugins/rehost-plugin-journal.so", O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, data, len), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	free(data);
}

static void test_plugin(void **state)
{
	const struct log_field fields[] = {{"path", "a b", 0}, {"n", NULL, 7}};
	struct log_options o = options();
	AUTO_FREE char *text = NULL;
	struct log *log;

	copy_plugin(0644);
	setenv("PLUGIN_TEST_OUTPUT", "plugin.txt", 1);
	o.system = true;
	log = log_open(&o);
	log_record(log, LOG_LEVEL_WARNING, "RH0001", "one\n", fields, ARRAY_LEN(fields));
	log_record(log, LOG_LEVEL_INFO, NULL, "two", NULL, 0);
	log_record(log, LOG_LEVEL_DEBUG, NULL, "no", NULL, 0);
	assert_int_equal(complaints, 0);
	log_record(log, LOG_LEVEL_INFO, NULL, "fail", NULL, 0);
	assert_int_equal(complaints, 1);
	assert_int_equal(complaint.code, DIAG_LOG_WRITE);
	assert_false(log_wants(log, LOG_LEVEL_ERROR));
	log_close(log);
	text = slurp("plugin.txt");
	assert_string_equal(text, "open rehost web\nrecord 4 RH0001 one\\x0a path=a b n=7\nrecord 6 - two\nclose\n");
}

static void refuse_plugin(const char *word)
{
	struct log_options o = options();
	struct stat st;

	unlink("plugin.txt");
	o.system = true;
	log_close(log_open(&o));
	assert_int_equal(complaints, 1);
	assert_int_equal(complaint.code, DIAG_LOG_PLUGIN);
	if (!strstr(complaint.detail, word))
		fail_msg("'%s' lacks '%s'", complaint.detail, word);
	assert_int_equal(stat("plugin.txt", &st), -1);
}

static void test_plugin_refused(void **state)
{
	copy_plugin(0666);
	refuse_plugin("others");
	copy_plugin(0664);
	refuse_plugin("others");
	copy_plugin(0644);
	setenv("PLUGIN_TEST_REFUSE", "1", 1);
	refuse_plugin("cannot work");
	unsetenv("PLUGIN_TEST_REFUSE");
	if (geteuid() == 0) {
		assert_int_equal(chown("plugins/rehost-plugin-journal.so", 12345, 12345), 0);
		refuse_plugin("others");
	}
	assert_int_equal(rename("plugins/rehost-plugin-journal.so", "plugins/real.so"), 0);
	assert_int_equal(symlink("real.so", "plugins/rehost-plugin-journal.so"), 0);
	refuse_plugin("cannot open");
	assert_int_equal(unlink("plugins/rehost-plugin-journal.so"), 0);
	assert_int_equal(mkdir("plugins/rehost-plugin-journal.so", 0755), 0);
	refuse_plugin("others");
	assert_int_equal(rmdir("plugins/rehost-plugin-journal.so"), 0);
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, "plugins/rehost-plugin-journal.so", "junk", 4), 0);
	refuse_plugin("cannot use");
}

/* Neither plugin nor journal: syslog(3), silently. */
static void test_no_journal(void **state)
{
	struct log_options o = options();
	struct log *log;

	o.system = true;
	o.journal_socket = "nowhere";
	log = log_open(&o);
	assert_int_equal(complaints, 0);
	assert_true(log_wants(log, LOG_LEVEL_INFO));
	log_close(log);
	o.journal_socket = "journal";
	o.plugin_dir = "nowhere";
	log = log_open(&o);
	assert_int_equal(complaints, 0);
	log_close(log);
}

static int setup(void **state)
{
	if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("plugins", 0755) < 0)
		return -1;
	make_socket();
	return 0;
}

static int teardown(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf '%s'", dir);

	diag_release(&complaint);
	return chdir("/") || system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_rotated),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_plugin),
		cmocka_unit_test(test_plugin_refused),
		cmocka_unit_test(test_no_journal),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
